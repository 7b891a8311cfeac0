"""Reports as Excel files with the paper forms' headings: A4, a title, the store and month, who prepared it, widths, frozen heads.

Owns: how content looks on paper. Writes: nothing but the bytes it returns. Never: reads a fact; what it shows is the content, so that a
closed month's file can be made again at any time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from io import BytesIO
from itertools import zip_longest
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

Json = Mapping[str, Any]

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXCEL_ROWS = 1_000_000
WIDTHS: Mapping[str, float] = {
    "text": 10, "long": 22, "count": 7, "day": 11, "instant": 15.5, "money": 12, "share": 8.5, "score": 7, "word": 11, "phone": 13,
}  # fmt: skip
NARROW = {"line", "number", "row"}  # running numbers
FORMATS: Mapping[str, str] = {
    "count": "0", "day": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "money": "#,##0.00", "share": "0.0%", "score": "0.0",
}  # fmt: skip
FONT = "宋体"
SLIP_COLUMNS = 4
STACKED = {"form-6", "seven-day", "retention-monthly"}  # whose tables stand under each other on one sheet, as on the paper
WIDEST_PORTRAIT = 92.0  # in characters; what is wider is printed across
WIDE = {"programme": 15.0, "who": 15.0, "name": 15.0, "items": 22.0}
LINE_HEIGHT, LEAST_HEIGHT, HEAD_HEIGHT, TITLE_HEIGHT = 14.0, 19.0, 32.0, 30.0
NO_NUMBER = "—"


def workbook(name: str, content: Json) -> bytes:
    """The file of a report: one sheet a table, slips one to a page.

    In: the report's name and its content as the API answers it (or as it was frozen). Out: the bytes of an .xlsx file; days and
    instants are real dates, money is real numbers in yuan, "n/a" is a dash.
    """
    out = BytesIO()
    # The file says when its content was made, not when somebody asked for it again: the same content gives the same file.
    book = xlsxwriter.Workbook(out, {"in_memory": True, "remove_timezone": True})
    book.set_properties({"title": content["title"]["zh"], "company": content["store"]["name"], "created": _made_at(content)})
    styles = Styles(book)
    for sheet_name, tables, fields in _sheets(name, content):
        _sheet(book, styles, sheet_name, content, tables, fields)
    book.close()
    return out.getvalue()


def file_name(content: Json) -> str:
    """`回访统计表_S01_2026-11.xlsx`."""
    title = content["title"]["zh"].replace("/", "-")
    when = content["month"] or f"{content['from']}_{content['to']}"
    month = content["month"]
    if month is not None:
        title = title.removeprefix(f"{int(month[:4])}年{int(month[5:])}月")
    return f"{title}_{content['store']['code']}_{when}.xlsx"


class Styles:
    """The formats of one workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def of(self, **given: Any) -> Format:
        """A format with these properties over the plain one."""
        key = tuple(sorted(given.items()))
        if key not in self._made:
            plain = {"font_name": FONT, "font_size": 10, "valign": "vcenter"}
            self._made[key] = self._book.add_format(plain | given)
        return self._made[key]

    def cell(self, kind: str, *, bold: bool = False) -> Format:
        """The format of a cell by its kind."""
        align = "right" if kind in {"count", "money", "share", "score"} else "left" if kind in {"text", "long"} else "center"
        given: dict[str, Any] = {"border": 1, "align": align, "bold": bold, "text_wrap": kind in {"long", "text", "word"}}
        given |= {} if align == "center" else {"indent": 0 if kind == "long" else 1}
        return self.of(**given, **({"num_format": FORMATS[kind]} if kind in FORMATS else {}))


def _made_at(content: Json) -> datetime:
    return datetime.fromisoformat(content["prepared_at"]).replace(tzinfo=None)


def _sheets(name: str, content: Json) -> list[tuple[str, list[Json], list[Json]]]:
    """What goes on which sheet: name, tables, the fields of its head."""
    tables = list(content["tables"])
    if name == "attitude-slip":
        return [(each["title"]["zh"], [], each["fields"]) for each in tables] or [("反馈单", [], [])]
    if not tables:
        return [("报表", [], content["fields"])]
    if name in STACKED:
        return [(_sheet_name(content), tables, content["fields"])]
    return [(each["title"]["zh"], [each], content["fields"] if not place else []) for place, each in enumerate(tables)]


def _sheet_name(content: Json) -> str:
    return str(content["tables"][0]["title"]["zh"])


def _sheet(book: Workbook, styles: Styles, name: str, content: Json, tables: Sequence[Json], fields: Sequence[Json]) -> None:
    sheet = book.add_worksheet(_fit(name, book))
    widths = _widths(tables)
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    _print_set_up(sheet, content, sum(widths))
    row = _title(sheet, styles, content, len(widths), sum(widths))
    row = _fields(sheet, styles, fields, row, widths)
    for place, each in enumerate(tables):
        row = _table(sheet, styles, each, row, widths, alone=len(tables) == 1, first=not place)
    _foot(sheet, styles, content, row, len(widths))


def _widths(tables: Sequence[Json]) -> list[float]:
    """The widths of a sheet's columns: of tables under each other the widest at each place; of a slip its own."""
    if not tables:
        return [16.0, 26.0, 16.0, 26.0]
    widest = zip_longest(*([_width(head) for head in each["columns"]] for each in tables), fillvalue=0.0)
    widths = [max(place) for place in widest]
    return widths + [WIDTHS["text"]] * (SLIP_COLUMNS - len(widths))


def _fit(name: str, book: Workbook) -> str:
    """A name that Excel takes, and that no other sheet has."""
    clean = "".join("-" if letter in "[]:*?/\\" else letter for letter in name)[:28] or "报表"
    taken = {sheet.name for sheet in book.worksheets()}
    return clean if clean not in taken else next(f"{clean}{n}" for n in range(2, 1000) if f"{clean}{n}" not in taken)


def _width(head: Json) -> float:
    if head["key"] in NARROW and head["kind"] == "count":
        return 6
    own = WIDE.get(head["key"], WIDTHS[head["kind"]])
    return max(own, min(_breadth(head["zh"]) / (2 if own < WIDTHS["long"] else 1) + 2, 18))


def _breadth(text: str) -> float:
    """How many columns of a fixed-width print a text takes: Chinese takes two."""
    return float(sum(1 if letter.isascii() else 2 for letter in text))


def _print_set_up(sheet: Worksheet, content: Json, width: float) -> None:
    sheet.set_paper(9)
    if width > WIDEST_PORTRAIT:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.7)
    sheet.center_horizontally()
    sheet.set_footer(f"&L&9{_footer(content['store']['name'])}&R&9 {content['prepared_at'][:16].replace('T', ' ')}  第 &P/&N 页")
    sheet.hide_gridlines(2)


def _footer(text: str) -> str:
    """A text in which `&` is no command of the footer's."""
    return text.replace("&", "&&")


def _title(sheet: Worksheet, styles: Styles, content: Json, columns: int, width: float) -> int:
    """The title over the whole width, under it the store, the month, who prepared it and when."""
    last = columns - 1
    sheet.merge_range(0, 0, 0, last, content["title"]["zh"], styles.of(bold=True, font_size=16, align="center"))
    sheet.set_row(0, TITLE_HEIGHT)
    when = f"月份：{content['month']}" if content["month"] else f"日期：{content['from']} 至 {content['to']}"
    state = "已封存" if content["frozen_at"] else "本月未封存，数字会变" if content["month"] and not content["closed"] else ""
    words = [
        f"门店：{content['store']['name']}（{content['store']['code']}）",
        when,
        f"制表人：{content['prepared_by'] or '系统'}",
    ]
    words += [f"制表时间：{content['prepared_at'][:16].replace('T', ' ')}", state]
    sheet.merge_range(1, 0, 1, last, "    ".join(word for word in words if word), styles.of(align="left", text_wrap=True))
    sheet.set_row(1, LINE_HEIGHT * _lines_of("    ".join(words), width) + 4)
    return 3


def _fields(sheet: Worksheet, styles: Styles, fields: Sequence[Json], row: int, widths: Sequence[float]) -> int:
    """The fields of a form: short ones two to a line, long ones and one that is left over across the whole width."""
    if not fields:
        return row
    last, (left, right) = len(widths) - 1, _halves(len(widths))
    label = styles.of(border=1, bold=True, align="center", bg_color="#F2F2F2", text_wrap=True)
    for line in _field_lines(fields):
        places = [(0, left[0], last)] if len(line) == 1 else [(0, *left), (left[1] + 1, *right)]
        tallest = 45.0 if line[0]["kind"] == "long" else 24.0
        for one, (start, first_value, last_value) in zip(line, places, strict=True):
            _write(sheet, row, start, first_value - 1, one["zh"], label)
            _spread(sheet, styles, row, first_value, last_value, one)
            text, room = str(one["value"] or ""), sum(widths[first_value : last_value + 1])
            lines = max(_lines_of(text, room), _lines_of(one["zh"], sum(widths[start:first_value])))
            tallest = max(tallest, LINE_HEIGHT * lines + 4)
        sheet.set_row(row, tallest)
        row += 1
    return row + 1


def _field_lines(fields: Sequence[Json]) -> list[list[Json]]:
    """The fields of each line."""
    lines: list[list[Json]] = []
    for one in fields:
        if one["kind"] != "long" and lines and len(lines[-1]) == 1 and lines[-1][0]["kind"] != "long":
            lines[-1].append(one)
        else:
            lines.append([one])
    return lines


def _halves(columns: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the values of the left and of the right field of a line stand, their labels before them."""
    middle, label = columns // 2, max(1, columns // 8)
    return (label, middle - 1), (middle + label, columns - 1)


def _spread(sheet: Worksheet, styles: Styles, row: int, first: int, last: int, one: Json) -> None:
    kind = one["kind"]
    shape = styles.of(
        border=1, align="left", indent=1, text_wrap=True, valign="top" if kind == "long" else "vcenter",
        **({"num_format": FORMATS[kind]} if kind in FORMATS else {}),
    )  # fmt: skip
    _write(sheet, row, first, last, cell_value(kind, one["value"]), shape)


def _write(sheet: Worksheet, row: int, first: int, last: int, value: object, shape: Format) -> None:
    """One cell, or several merged to one."""
    if last > first:
        sheet.merge_range(row, first, row, last, "", shape)
    _put(sheet, row, first, value, shape)


def _table(sheet: Worksheet, styles: Styles, each: Json, row: int, widths: Sequence[float], *, alone: bool, first: bool) -> int:
    heads = each["columns"]
    if not alone:
        sheet.merge_range(row, 0, row, len(widths) - 1, each["title"]["zh"], styles.of(bold=True, font_size=12))
        row += 1
    for place, head in enumerate(heads):
        sheet.write_string(
            row, place, head["zh"], styles.of(border=1, bold=True, align="center", text_wrap=True, bg_color="#DDE6F0")
        )
    sheet.set_row(
        row, max(HEAD_HEIGHT, 4 + LINE_HEIGHT * max(_lines_of(head["zh"], widths[place]) for place, head in enumerate(heads)))
    )
    if first:
        sheet.repeat_rows(row)
        if alone:
            sheet.freeze_panes(row + 1, 0)
    row += 1
    lines = each["rows"][:EXCEL_ROWS]
    for line in lines:
        _line(sheet, styles, heads, line, row, bold=line.get("row") == "week", widths=widths)
        row += 1
    if not lines:
        sheet.merge_range(row, 0, row, max(len(heads) - 1, 1), "本期无记录", styles.of(border=1, align="center"))
        row += 1
    if each["total"] is not None and lines:
        _line(sheet, styles, heads, _with_label(heads, each["total"]), row, bold=True, widths=widths)
        row += 1
    return row + 1


def _with_label(heads: Sequence[Json], total: Json) -> Json:
    """The sums, with 合计 in the first column that has none."""
    return {heads[0]["key"]: "合计", **total} if heads[0]["key"] not in total else total


def _line(
    sheet: Worksheet, styles: Styles, heads: Sequence[Json], line: Json, row: int, *, bold: bool, widths: Sequence[float]
) -> None:
    tallest = 1
    for place, head in enumerate(heads):
        value = cell_value(head["kind"], line.get(head["key"]), na=head["kind"] == "share" and head["key"] in line)
        _put(sheet, row, place, value, styles.cell(head["kind"], bold=bold))
        if isinstance(value, str):
            tallest = max(tallest, _lines_of(value, widths[place]))
    sheet.set_row(row, min(max(LINE_HEIGHT * tallest + 4, LEAST_HEIGHT), 400))


def _lines_of(text: str, width: float) -> int:
    """How many lines a text takes in a column of that width."""
    return sum(max(1, -(-int(_breadth(part)) // max(int(width) - 1, 1))) for part in text.split("\n"))


def cell_value(kind: str, value: Any, *, na: bool = False) -> object:
    """What stands in the cell: real dates and numbers, yuan for fen, the Chinese of a word; a dash for a share of nothing."""
    if value is None:
        return NO_NUMBER if na else None
    if isinstance(value, Mapping):
        return value["zh"]
    if kind == "day" and isinstance(value, str):
        return datetime.combine(date.fromisoformat(value), time())
    if kind == "instant" and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return value / 100 if kind == "money" else value


def _put(sheet: Worksheet, row: int, place: int, value: object, shape: Format) -> None:
    if value is None:
        sheet.write_blank(row, place, None, shape)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value, shape)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        sheet.write_string(row, place, str(value), shape)  # a text never becomes a formula or a link
    else:
        sheet.write_number(row, place, value, shape)


def _foot(sheet: Worksheet, styles: Styles, content: Json, row: int, columns: int) -> None:
    for one in content["notes"]:
        sheet.merge_range(row, 0, row, columns - 1, f"注：{one['zh']}", styles.of(font_size=9, align="left", text_wrap=True))
        row += 1
