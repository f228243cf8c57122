"""Which files of a raw set are loaded together, and how a message names them."""

from collections.abc import Sequence

from custana_pipeline.raw.contracts import InspectedFile

MOST_TOGETHER = 64
"""Small files that are loaded in one go; where one of them is not what it seems, so many are loaded one by one."""
SMALL_BYTES = 16 << 20
"""A file of more bytes is a stream of its own."""


def groups_of(files: Sequence[InspectedFile]) -> list[list[InspectedFile]]:
    """The files in their order, those side by side that can be loaded together in one group."""
    groups: list[list[InspectedFile]] = []
    for each in files:
        if groups and len(groups[-1]) < MOST_TOGETHER and can_be_together(groups[-1][-1], each):
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


def told_of(files: Sequence[InspectedFile]) -> str:
    """The names of files as a message has them: the first one, and the last where there are more."""
    first, last = files[0].source_file, files[-1].source_file
    return first if len(files) == 1 else f"{first} to {last}"


def can_be_together(one: InspectedFile, other: InspectedFile) -> bool:
    """Whether two files can be loaded as one stream: small and plain csv files with the same columns and line ends."""
    is_small = all(
        each.is_plain and not each.has_long_lines and each.byte_count <= SMALL_BYTES for each in (one, other)
    )
    is_alike = one.shape == other.shape and one.file_columns == other.file_columns
    return is_small and is_alike and bool(one.line_ends[1]) == bool(other.line_ends[1])
