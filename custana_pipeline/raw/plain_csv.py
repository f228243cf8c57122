"""A look into a plain csv, whose lines are simply split where their delimiters stand."""

from custana_pipeline.raw.contracts import InspectedFile
from custana_pipeline.raw.plain_files import open_plain


def middle_shares(inspected: InspectedFile, record_count: int) -> list[float]:
    """For each raw column, how many of about `record_count` records of the file's middle have a text of their own.

    A history begins with moments that are not like the later ones, such as a day on which everything was entered.
    """
    wanted_bytes = record_count * (inspected.byte_count // inspected.line_count)
    with open_plain(inspected.path) as file:
        file.seek(max(inspected.byte_count - wanted_bytes, 0) // 2)
        lines = file.read(wanted_bytes).splitlines()
    mark = inspected.shape.delimiter.encode()
    # the first and the last line may be cut
    columns = list(zip(*(line.split(mark) for line in lines[1:-1] or lines), strict=False))
    return [_share(columns, place) for place in inspected.positions.values()]


def _share(columns: list[tuple[bytes, ...]], place: int | None) -> float:
    """The different texts of a column among all of its texts; a column that is not there has none."""
    if place is None or place >= len(columns):
        return 0.0
    return len(set(columns[place]) - {b"", b'""'}) / len(columns[place])
