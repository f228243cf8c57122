"""A look into a plain csv, whose lines are simply split where their delimiters stand."""

from custana_pipeline.raw.contracts import InspectedFile
from custana_pipeline.raw.plain_files import open_plain


def middle_shares(inspected: InspectedFile, record_count: int) -> list[float]:
    """For each raw column, how many of about `record_count` records of the file's middle have a text of their own.

    A history begins with moments that are not like the later ones, such as a day on which everything was entered.
    """
    # room is made for all that is asked for, so that no more is asked for than there is
    wanted_bytes = min(record_count * (inspected.byte_count // inspected.line_count), inspected.byte_count)
    with open_plain(inspected.path) as file:
        file.seek((inspected.byte_count - wanted_bytes) // 2)
        lines = file.read(wanted_bytes).splitlines()
    lines = lines[1:-1] or lines  # the first and the last one may be cut
    mark = inspected.shape.delimiter.encode()
    # all are split in one go, since a list a line takes twice as long: a plain file has equally many cells in each
    cells = mark.join(lines).split(mark)
    width = len(cells) // max(len(lines), 1)
    return [_share(cells, place, width) for place in inspected.positions.values()]


def _share(cells: list[bytes], place: int | None, width: int) -> float:
    """The different texts of a column among all of its texts; a column that is not there has none."""
    if place is None or place >= width:
        return 0.0
    texts = cells[place::width]
    return len(set(texts) - {b"", b'""'}) / len(texts)
