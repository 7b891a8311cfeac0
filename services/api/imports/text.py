"""Delimited text of unknown encoding and delimiter, read as a stream of records under the file's own line numbers."""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

from services.api.imports.faults import NotASpreadsheet

Cells = list[str]
ScoreOf = Callable[[list[Cells]], int]

_HEAD: Final = 1 << 16
_PREVIEW_RECORDS: Final = 30
_DELIMITERS: Final = (",", "\t", ";", "|")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A quoted cell longer than this many lines is a quote that somebody forgot to close.
_LONGEST_CELL_LINES: Final = 200
_MARKUP = re.compile(r"\s*(?:<!doctype html|<html|<table|<meta|<\?xml)", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file is to be read."""

    encoding: str
    delimiter: str


def detect(path: Path, score: ScoreOf) -> tuple[Dialect, list[tuple[int, Cells]]]:
    """The encoding and the delimiter under which the first records make most sense, and those records with their lines.

    `score` says how many headings of the wanted kind the records hold. Raises NotASpreadsheet.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    best: tuple[int, int, int] | None = None
    chosen: tuple[Dialect, list[tuple[int, Cells]]] | None = None
    for place, encoding in enumerate(_candidates(path, head)):
        text = _decode(head, encoding)
        for delimiter in _DELIMITERS:
            preview = _preview(text, delimiter)
            rank = (score([cells for _, cells in preview]), -place, max((len(c) for _, c in preview), default=0))
            if best is None or rank > best:
                best, chosen = rank, (Dialect(encoding, delimiter), preview)
    if chosen is None:
        raise NotASpreadsheet
    _refuse_other_formats(_decode(head, chosen[0].encoding))
    return chosen


class TextFile:
    """The records of a file, one after another, never more than one in memory."""

    def __init__(self, path: Path, dialect: Dialect, width: int) -> None:
        self._binary = path.open("rb")
        self._size = max(1, path.stat().st_size)
        self._text = io.TextIOWrapper(self._binary, encoding=dialect.encoding, errors="replace", newline="")
        self._delimiter = dialect.delimiter
        self._width = width

    def records(self) -> Iterator[tuple[int, Cells]]:
        """(line on which the record begins, cells)."""
        return _records(_Lines(self._text), self._delimiter, self._width)

    def progress(self) -> float:
        """The share of the file that was read, 0 to 1."""
        return min(1.0, self._binary.tell() / self._size)

    def close(self) -> None:
        """Let go of the file."""
        self._text.close()


class _Lines:
    """Physical lines with their numbers; remembers those of the current record, so that they can be given back."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._again: deque[str] = deque()
        self.read = 0
        self.record: list[str] = []
        self.cut = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.record) >= _LONGEST_CELL_LINES:
            self.cut = True
            raise StopIteration
        try:
            line = self._again.popleft() if self._again else next(self._source)
        except StopIteration:
            self.cut = bool(self.record)
            raise
        if "\0" in line:
            line = line.replace("\0", "")
        self.read += 1
        self.record.append(line)
        return line

    def begin(self) -> int:
        """Start a record; the number of its first line."""
        self.record = []
        self.cut = False
        return self.read + 1

    def give_back_all_but_first(self) -> str:
        """The first line of the record; the others will be read again."""
        first, *rest = self.record
        self._again.extendleft(reversed(rest))
        self.read -= len(rest)
        return first


def _records(lines: _Lines, delimiter: str, width: int) -> Iterator[tuple[int, Cells]]:
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        number = lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            if not lines.record:
                return
            cells = []
        except csv.Error:
            cells = []
            lines.cut = True
        if lines.cut or (len(lines.record) > 1 and _swallowed(lines.record, cells, delimiter, width)):
            cells = _without_quotes(lines.give_back_all_but_first(), delimiter)
            reader = csv.reader(lines, delimiter=delimiter)
        yield number, cells


def _swallowed(record: list[str], cells: Cells, delimiter: str, width: int) -> bool:
    """Whether a quote that was never closed has eaten the rows behind it: the lines are whole rows by themselves."""
    whole = record[0].count(delimiter) == width - 1
    return width > 1 and whole and (len(cells) != width or record[1].count(delimiter) == width - 1)


def _without_quotes(line: str, delimiter: str) -> Cells:
    return [cell.strip('"') for cell in line.rstrip("\r\n").split(delimiter)]


def _candidates(path: Path, head: bytes) -> list[str]:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return [encoding]
    if wide := _wide_encoding(head):
        return [wide]
    if _is_utf8(path):
        return ["utf-8"]
    candidates = ["gb18030", "big5hkscs", "utf-8"]
    guess = from_bytes(head[: 1 << 14]).best()
    if guess is not None and guess.encoding not in (*candidates, "ascii", "big5", "gbk", "gb2312", "utf_8"):
        candidates.append(guess.encoding)
    return candidates


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 without its mark: delimiters, digits and line ends leave every second byte NUL."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 20 < len(head) or min(even, odd) * 4 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _decode(head: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(head)


def _preview(text: str, delimiter: str) -> list[tuple[int, Cells]]:
    source = io.StringIO(text, newline="")
    found = []
    for number, cells in _records(_Lines(iter(source)), delimiter, 0):
        if any(cell.strip(" \t\r\n,;|") for cell in cells):
            found.append((number, cells))
        if len(found) == _PREVIEW_RECORDS:
            break
    return found


def _refuse_other_formats(text: str) -> None:
    if _MARKUP.match(text):
        raise NotASpreadsheet(",而是网页(另存的 .xls)", " but a web page")
    if text.startswith("%PDF"):
        raise NotASpreadsheet(",而是 PDF", " but a PDF")
    if len(_CONTROLS.findall(text)) * 50 > len(text):
        raise NotASpreadsheet
