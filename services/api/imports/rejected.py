"""The file of rejected rows: what was wrong in front, the row as it came behind, so that it can be mended and imported again."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from services.api.imports.kinds import OWN_HEADINGS

_TRIGGERS: Final = frozenset("=+-@\t\r\n")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_BYTE_ORDER_MARK: Final = "\ufeff".encode()


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A refused row: line of the file, heading and value at fault, the reason in words, the cells under their headings."""

    line: int
    column: str
    value: str
    reason: str
    cells: tuple[tuple[str, str], ...]


def rejected_file(headings: tuple[str, ...], rows: Iterable[RejectedRow]) -> Iterator[bytes]:
    """CSV in UTF-8 with a byte order mark, for spreadsheets; no cell of it is a formula."""
    yield _BYTE_ORDER_MARK + _line([*OWN_HEADINGS, *headings])
    for row in rows:
        yield _line([str(row.line), row.column, row.value, row.reason, *(text for _, text in row.cells)])


def harmless(cell: str) -> str:
    """The cell with `'` before whatever a spreadsheet would run as a formula, in each of its lines; `-5` and `+86` stay."""
    if not cell or (cell.isalnum() and cell.isascii()):
        return cell
    return "\n".join(_guarded(line) for line in cell.split("\n"))


def _guarded(line: str) -> str:
    folded = unicodedata.normalize("NFKC", line).lstrip(" \u00a0\u200b\ufeff")
    if not folded or (folded[0] not in _TRIGGERS and folded.lstrip()[:1] not in _TRIGGERS):
        return line
    return line if _PLAIN_NUMBER.fullmatch(line) else f"'{line}"


def _line(cells: Iterable[str]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow([harmless(cell) for cell in cells])
    return buffer.getvalue().encode("utf-8", "replace")
