"""Workbooks (XLSX, XLS, XLSB, ODS) read into the same text cells as a CSV of theirs would hold."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from services.api.imports.faults import EmptyFile, EncryptedWorkbook, FileTooLarge, NotASpreadsheet

Value: TypeAlias = int | float | str | bool | time | date | datetime | timedelta

_ZIP: Final = b"PK\x03\x04"
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LARGEST_UNPACKED: Final = 1 << 30
_MOST_MEMBERS: Final = 5_000


def is_workbook(head: bytes) -> bool:
    """Whether the first bytes are those of a workbook."""
    return head.startswith((_ZIP, _COMPOUND))


def open_workbook(path: Path) -> CalamineWorkbook:
    """The workbook. Raises EncryptedWorkbook, FileTooLarge, NotASpreadsheet, EmptyFile."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_COMPOUND):
        _refuse_encrypted(path)
    else:
        _refuse_bomb(path)
    try:
        with path.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
    except PasswordError as error:
        raise EncryptedWorkbook from error
    except CalamineError as error:
        raise NotASpreadsheet(",文件已损坏", " or is damaged") from error
    if not workbook.sheet_names:
        raise EmptyFile
    return workbook


def sheets(workbook: CalamineWorkbook) -> Iterator[tuple[str, CalamineSheet]]:
    """The sheets in their order, hidden ones last."""
    hidden = {meta.name for meta in workbook.sheets_metadata if meta.visible != SheetVisibleEnum.Visible}
    for name in sorted(workbook.sheet_names, key=lambda name: name in hidden):
        try:
            yield name, workbook.get_sheet_by_name(name)
        except CalamineError:
            continue  # a chart or a dialog: nothing to read


def rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """(row number as the spreadsheet shows it, cells as text)."""
    if sheet.start is None:
        return
    for number, values in enumerate(sheet.iter_rows(), start=1):
        yield number, [as_text(value) for value in values]


def as_text(value: Value) -> str:
    """A typed cell as people would have written it; whole numbers without `.0`, so that phones stay phones."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d") if value.time() == time() else value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _refuse_encrypted(path: Path) -> None:
    """A password turns an XLSX into a compound file around the stream `EncryptedPackage`."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise EncryptedWorkbook


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise NotASpreadsheet(",文件已损坏", " or is damaged") from error
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _LARGEST_UNPACKED:
        raise FileTooLarge("1 GiB")
