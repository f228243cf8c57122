"""The scan of a text file's bytes by blocks: encoding, line ends, lines and blank lines, without a loop per line."""

import codecs

import numpy as np

from custana_pipeline.errors import BadFile

MAX_BLANK_LINES = 10_000
MAX_FIRST_LINE_BYTES = 1 << 20
MAX_LINE_BYTES = 8 << 20
LONG_BYTES = 32 << 10
"""Lines below this are not long, and those of four times as much are, wherever the blocks fall."""
_BLANK_LINES = (b"\n\n", b"\n\r\n")
_NEWLINE = ord("\n")
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class LineScan:
    """What is known of a text file after the blocks fed so far; `finish` closes the last line.

    Raises BadFile for UTF-16, NUL bytes, bytes that are not UTF-8, old Mac or mixed line ends, a line beyond
    `MAX_LINE_BYTES`, and blank lines beyond `MAX_BLANK_LINES`. Mixed line ends are let pass where there are quotes,
    because they may stand inside quoted fields.
    """

    def __init__(self, file_name: str, delimiter: str = ",") -> None:
        self.file_name = file_name
        self.byte_count = 0
        self.delimiter_count = 0
        self.blank_lines: list[int] = []
        self.has_quotes = False
        self.has_quoted_text = False
        self.has_long_lines = False
        self._first_line = b""
        self._delimiter = ord(delimiter)
        self._newline_count = 0
        self._return_count = 0
        self._pair_count = 0
        self._tail = b""
        self._line_bytes = 0
        self._ends = _LineEnds()
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    @property
    def line_count(self) -> int:
        """Physical lines; a last line without a line end counts."""
        return self._newline_count + (self._tail[-1:] != b"\n")

    @property
    def first_line(self) -> str:
        """The first line as text, without byte order mark and line end."""
        return self._first_line.split(b"\n", 1)[0].removesuffix(b"\r").decode("utf-8-sig")

    @property
    def line_ends(self) -> tuple[int, int]:
        """How many line ends are LF, and how many CRLF."""
        return self._newline_count - self._pair_count, self._pair_count

    def feed(self, block: bytes) -> None:
        """Take the next block of bytes."""
        if not self.byte_count and block.startswith(_UTF_16_MARKS):
            raise BadFile(f"{self.file_name}: it is UTF-16 (byte 0): export it again as UTF-8.")
        if (place := block.find(b"\0")) >= 0:
            raise BadFile(f"{self.file_name}: NUL at byte {self.byte_count + place}: export it again as UTF-8 text.")
        self._decode(block)
        if b"\n" not in self._first_line and len(self._first_line) <= MAX_FIRST_LINE_BYTES:
            self._first_line += block[: MAX_FIRST_LINE_BYTES + 1]
        self._refuse_endless_line(block)
        self.has_long_lines = self.has_long_lines or _has_long_line(block)
        newlines, are_double = self._ends.look(block)
        self.delimiter_count += self._ends.count(block, self._delimiter)
        if are_double or b"\r" in block or (self._tail + block[:1]).endswith((b"\n\n", b"\r\n")):
            self._find_blank_lines(block)
        self._newline_count += newlines
        self._count_returns(block)
        if b'"' in block:
            self.has_quotes = True
            # quotes that hold nothing are harmless; a pair that lies on the edge of two blocks counts as text
            self.has_quoted_text = self.has_quoted_text or block.count(b'"') > 2 * block.count(b'""')
        self.byte_count += len(block)
        self._tail = (self._tail + block[-2:])[-2:]

    def finish(self) -> None:
        """Close the file and refuse what only its end can show."""
        self._decode(b"", final=True)
        if self._return_count != self._pair_count:
            raise BadFile(
                f"{self.file_name}: {self._return_count - self._pair_count} line ends are a lone CR (old Mac): "
                "export it again with LF or CRLF."
            )
        if all(self.line_ends) and not self.has_quotes:
            plain, pairs = self.line_ends
            raise BadFile(
                f"{self.file_name}: {pairs} lines end in CRLF and {plain} in LF: export it again with one kind."
            )
        if b"\n" not in self._first_line and len(self._first_line) > MAX_FIRST_LINE_BYTES:
            raise BadFile(
                f"{self.file_name}: line 1 is longer than {MAX_FIRST_LINE_BYTES:,} bytes: check its line ends."
            )

    def _refuse_endless_line(self, block: bytes) -> None:
        last = block.rfind(b"\n")
        first = block.find(b"\n") if last >= 0 else len(block)
        if self._line_bytes + first > MAX_LINE_BYTES:
            raise BadFile(
                f"{self.file_name}: line {self._newline_count + 1} is longer than {MAX_LINE_BYTES:,} bytes: check its "
                "quotes and line ends, then export it again."
            )
        self._line_bytes = len(block) - last - 1 if last >= 0 else self._line_bytes + len(block)

    def _decode(self, block: bytes, final: bool = False) -> None:
        pending = len(self._decoder.getstate()[0])
        if not pending and not final and block.isascii():
            return
        try:
            self._decoder.decode(block, final)
        except UnicodeDecodeError as fault:
            place = self.byte_count - pending + fault.start
            raise BadFile(f"{self.file_name}: byte {place} is not UTF-8: export it again as UTF-8.") from None

    def _count_returns(self, block: bytes) -> None:
        if b"\r" in block or self._tail.endswith(b"\r"):
            self._return_count += block.count(b"\r")
            self._pair_count += block.count(b"\r\n")
            self._pair_count += self._tail.endswith(b"\r") and block.startswith(b"\n")

    def _find_blank_lines(self, block: bytes) -> None:
        joined = self._tail + block
        if not any(blank in joined for blank in _BLANK_LINES):
            return
        line, place = self._newline_count, len(self._tail)
        for end in _blank_line_ends(joined):
            if end <= len(self._tail):
                continue
            line += joined.count(b"\n", place, end)
            place = end
            self.blank_lines.append(line)
        if len(self.blank_lines) > MAX_BLANK_LINES:
            raise BadFile(f"{self.file_name}: more than {MAX_BLANK_LINES:,} blank lines: export it again without them.")


def _has_long_line(block: bytes) -> bool:
    """Whether one of the pieces of LONG_BYTES that a block is made of has no line end."""
    places = range(0, len(block) - LONG_BYTES + 1, LONG_BYTES)
    return any(block.find(b"\n", place, place + LONG_BYTES) < 0 for place in places)


class _LineEnds:
    """Where the line ends of a block are; in arrays, since bytes.find and count stop at every one of them to look.

    The arrays are kept from block to block: to have new memory for each would take longer than to fill it.
    """

    def __init__(self) -> None:
        self._are_ends = np.empty(0, bool)
        self._are_double = np.empty(0, bool)

    def look(self, block: bytes) -> tuple[int, bool]:
        """How many line ends there are, and whether two follow each other."""
        if len(self._are_ends) < len(block):
            self._are_ends, self._are_double = np.empty(len(block), bool), np.empty(len(block), bool)
        ends, double = self._are_ends[: len(block)], self._are_double[: max(len(block) - 1, 0)]
        np.equal(np.frombuffer(block, np.uint8), _NEWLINE, out=ends)
        np.logical_and(ends[1:], ends[:-1], out=double)
        return int(np.count_nonzero(ends)), bool(double.any())

    def count(self, block: bytes, mark: int) -> int:
        """How often a byte is in a block that was looked at, whose line ends are forgotten then."""
        found = np.equal(np.frombuffer(block, np.uint8), mark, out=self._are_ends[: len(block)])
        return int(np.count_nonzero(found))


def _blank_line_ends(block: bytes) -> list[int]:
    """Where each line ends that holds nothing and follows another line of the block."""
    ends = []
    for blank in _BLANK_LINES:
        place = block.find(blank)
        while place >= 0:
            ends.append(place + len(blank))
            place = block.find(blank, place + 1)
    return sorted(ends)
