"""A file of any allowed form as a table: recognised columns, and rows one after another."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from python_calamine import CalamineSheet

from services.api.imports import text, workbook
from services.api.imports.faults import EmptyFile, FileTooLarge, MissingHeading, NoKnownHeading
from services.api.imports.fields import Kind
from services.api.imports.headings import Columns, match_columns
from services.api.imports.kinds import SHEETS

HEADING_RECORDS: Final = 15
MOST_ROWS: Final = 2_000_000
_TOTAL = re.compile(r"(?:合计|总计|小计|共计|汇总|grandtotal|subtotal|total):?[0-9.,¥元]*|共[0-9]+[条行笔人辆台].*")

Record = tuple[int, list[str]]


class _Source(Protocol):
    def records(self) -> Iterator[Record]: ...
    def progress(self) -> float: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Table:
    """A file whose headings were understood. `encoding` names it as read (`gb18030`, `xlsx` …)."""

    kind: Kind
    headings: tuple[str, ...]
    columns: Columns
    encoding: str
    heading_line: int
    sheet: str | None
    _source: _Source = field(repr=False)

    def rows(self) -> Iterator[Record]:
        """(line, cells) of every row below the headings: at least as many cells as headings; blank rows, repeated headings
        and rows of totals left out. Raises FileTooLarge beyond MOST_ROWS."""
        width, count = len(self.headings), 0
        for line, cells in self._source.records():
            if line <= self.heading_line or not any(cells) or _says_nothing(cells, self.headings):
                continue
            count += 1
            if count > MOST_ROWS:
                raise FileTooLarge(f"{MOST_ROWS:,}")
            if len(cells) < width:
                cells.extend([""] * (width - len(cells)))
            yield line, cells

    def progress(self) -> float:
        """The share that was read, 0 to 1."""
        return self._source.progress()


@contextmanager
def open_table(path: Path, kind: Kind) -> Iterator[Table]:
    """The table of a file, as that kind. Raises a FileRefused that says what is wrong and where."""
    if path.stat().st_size == 0:
        raise EmptyFile
    with path.open("rb") as file:
        head = file.read(8)
    table = _from_workbook(path, kind) if workbook.is_workbook(head) else _from_text(path, kind)
    try:
        yield table
    finally:
        table._source.close()


def _from_text(path: Path, kind: Kind) -> Table:
    dialect, preview = text.detect(path, lambda records: _best_score(kind, records))
    if not preview:
        raise EmptyFile
    line, headings, columns = _headings(kind, preview)
    source = text.TextFile(path, dialect, len(headings))
    return Table(kind, headings, columns, dialect.encoding, line, None, source)


def _from_workbook(path: Path, kind: Kind) -> Table:
    """The first sheet that has all the headings the kind needs; if none has, the complaint is about the likeliest."""
    book = workbook.open_workbook(path)
    previews: list[tuple[int, list[Record]]] = []
    for name, sheet in workbook.sheets(book):
        preview = [record for record in islice(workbook.rows(sheet), 3 * HEADING_RECORDS) if any(record[1])]
        score = _best_score(kind, [cells for _, cells in preview])
        if score and not (found := _headings_or_none(kind, preview))[2].missing:
            line, headings, columns = found
            return Table(kind, headings, columns, "xlsx", line, name, _SheetSource(sheet))
        previews.append((score, preview))
    likeliest = max(previews, key=lambda scored: scored[0], default=(0, []))[1]
    if not likeliest:
        raise EmptyFile
    _headings(kind, likeliest)
    raise EmptyFile


class _SheetSource:
    def __init__(self, sheet: CalamineSheet) -> None:
        self._sheet = sheet
        self._height = max(1, sheet.total_height)
        self._read = 0

    def records(self) -> Iterator[Record]:
        for line, cells in workbook.rows(self._sheet):
            self._read = line
            yield line, cells

    def progress(self) -> float:
        return min(1.0, self._read / self._height)

    def close(self) -> None:
        return None


def _headings(kind: Kind, preview: list[Record]) -> tuple[int, tuple[str, ...], Columns]:
    line, headings, columns = _headings_or_none(kind, preview)
    if not columns.score:
        wanted = tuple("/".join(SHEETS[kind].named(name).zh for name in group) for group in SHEETS[kind].required)
        raise NoKnownHeading(wanted, _shown(preview[0][1]))
    if columns.missing:
        raise MissingHeading(columns.missing, _shown(headings), line)
    return line, headings, columns


def _headings_or_none(kind: Kind, preview: list[Record]) -> tuple[int, tuple[str, ...], Columns]:
    """The record with most known headings; the first of equals. All needed ones count before many."""
    best = max(preview[:HEADING_RECORDS], key=lambda record: _weight(match_columns(kind, record[1])))
    headings = tuple(_trimmed(best[1]))
    return best[0], headings, match_columns(kind, headings)


def _weight(columns: Columns) -> tuple[bool, int]:
    return not columns.missing, columns.score


def _best_score(kind: Kind, records: Iterable[list[str]]) -> int:
    return max((match_columns(kind, cells).score for cells in islice(records, HEADING_RECORDS)), default=0)


def _trimmed(cells: list[str]) -> list[str]:
    """Headings without the empty ones behind the last."""
    last = max((index for index, cell in enumerate(cells) if cell.strip()), default=-1)
    return cells[: last + 1]


def _shown(cells: Iterable[str]) -> tuple[str, ...]:
    return tuple(cell.strip()[:20] for cell in cells if cell.strip())[:12]


def _says_nothing(cells: list[str], headings: tuple[str, ...]) -> bool:
    first = next((cell for cell in cells if cell.strip()), None)
    if first is None:
        return True
    if first == headings[0] and tuple(cells[: len(headings)]) == headings:
        return True
    short = re.sub(r"\s", "", unicodedata.normalize("NFKC", first[:40])).casefold()
    return _TOTAL.fullmatch(short) is not None
