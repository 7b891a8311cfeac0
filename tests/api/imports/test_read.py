"""Files of every form, read as tables."""

from pathlib import Path

import pytest
import xlsxwriter

from services.api.imports.faults import (
    EmptyFile,
    EncryptedWorkbook,
    FileRefused,
    MissingHeading,
    NoKnownHeading,
    NotASpreadsheet,
)
from services.api.imports.fields import Kind
from services.api.imports.read import open_table

PLAIN = "客户编号,客户姓名,手机,地区\nK1,王伟,13812345678,徐汇区\nK2,李娜,13912345678,浦东新区\n"
ROWS = [(2, ["K1", "王伟", "13812345678", "徐汇区"]), (3, ["K2", "李娜", "13912345678", "浦东新区"])]


def read(path: Path, kind: Kind = Kind.CUSTOMERS) -> list[tuple[int, list[str]]]:
    with open_table(path, kind) as table:
        return list(table.rows())


def written(folder: Path, content: bytes | str, encoding: str = "utf-8") -> Path:
    path = folder / "upload"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str, newline: str) -> None:
    text = PLAIN.replace(",", delimiter).replace("\n", newline)
    assert read(written(tmp_path, text, encoding)) == ROWS


def test_traditional_characters_in_big5_are_read(tmp_path: Path) -> None:
    text = "客戶編號,客戶姓名,手機,地區\nK1,陳偉,13812345678,臺北\n"
    assert read(written(tmp_path, text, "big5")) == [(2, ["K1", "陳偉", "13812345678", "臺北"])]


def test_a_few_broken_bytes_do_not_make_the_file_another_encoding(tmp_path: Path) -> None:
    content = PLAIN.encode() + b"K3,\xff\xfe,13712345678,\n"
    assert read(written(tmp_path, content))[:2] == ROWS


def test_title_rows_above_the_headings_are_skipped_and_lines_stay_the_file_s_own(tmp_path: Path) -> None:
    text = "某某汽车销售服务有限公司,,,\n客户档案导出 2026-11-22,,,\n\n" + PLAIN
    assert [line for line, _ in read(written(tmp_path, text))] == [5, 6]


def test_empty_rows_repeated_headings_and_totals_are_no_rows(tmp_path: Path) -> None:
    text = PLAIN + ",,,\n\n客户编号,客户姓名,手机,地区\nK3,赵敏,13712345678,\n合计,2,,\n共 3 条,,,\n"
    assert [line for line, _ in read(written(tmp_path, text))] == [2, 3, 7]


def test_line_breaks_commas_and_quotes_stay_inside_their_cell(tmp_path: Path) -> None:
    text = '客户姓名,手机,地址\n王伟,13812345678,"徐汇区,\n某路""5""号"\n李娜,13912345678,\n'
    assert read(written(tmp_path, text)) == [
        (2, ["王伟", "13812345678", '徐汇区,\n某路"5"号']),
        (4, ["李娜", "13912345678", ""]),
    ]


def test_a_quote_nobody_closed_costs_no_other_row(tmp_path: Path) -> None:
    rows = "".join(f"王伟{n},1381234{n:04},某路\n" for n in range(300))
    text = '客户姓名,手机,地址\n李娜,13912345678,"某路\n' + rows + '赵敏,13712345678,"完"\n'
    found = read(written(tmp_path, text))
    assert len(found) == 302
    assert found[0] == (2, ["李娜", "13912345678", "某路"])
    assert found[-1] == (303, ["赵敏", "13712345678", "完"])


def test_short_rows_are_filled_and_long_rows_keep_their_surplus(tmp_path: Path) -> None:
    text = "客户姓名,手机,地址\n王伟\n李娜,13912345678,某路,多,余\n"
    assert [cells for _, cells in read(written(tmp_path, text))] == [
        ["王伟", "", ""],
        ["李娜", "13912345678", "某路", "多", "余"],
    ]


def test_nul_bytes_are_dropped(tmp_path: Path) -> None:
    assert read(written(tmp_path, PLAIN.replace("王伟", "王\0伟"))) == ROWS


def workbook(folder: Path, *, password: bool = False) -> Path:
    path = folder / "upload.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("说明").write(0, 0, "请勿修改")
    sheet = book.add_worksheet("数据")
    sheet.write(1, 1, "客户档案")
    for column, heading in enumerate(["客户姓名", "手机", "生日", "备注2"]):
        sheet.write(2, column + 1, heading)
    sheet.write_row(4, 1, ["王伟", 13812345678, 46027, 0.5])
    sheet.write_row(5, 1, ["李娜", "13912345678", "1990-02-30"])
    book.close()
    return path


def test_a_workbook_s_first_sheet_with_known_headings_is_read(tmp_path: Path) -> None:
    with open_table(workbook(tmp_path), Kind.CUSTOMERS) as table:
        assert (table.encoding, table.sheet, table.heading_line) == ("xlsx", "数据", 3)
        assert table.columns.unknown == ("备注2",)
        assert list(table.rows()) == [
            (5, ["王伟", "13812345678", "46027", "0.5"]),
            (6, ["李娜", "13912345678", "1990-02-30", ""]),
        ]
        assert table.progress() == 1.0


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", EmptyFile),
        (b"\n\n,,\n", EmptyFile),
        ("姓别,星座\n男,天秤\n".encode(), NoKnownHeading),
        ("手机,性别\n13812345678,男\n".encode(), MissingHeading),
        (b"PK\x03\x04 not a zip at all", NotASpreadsheet),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), EncryptedWorkbook),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), NotASpreadsheet),
        ("<html><table><tr><td>姓名</td></tr></table>".encode(), NotASpreadsheet),
        (b"%PDF-1.7\n%\xe2\xe3", NotASpreadsheet),
        (bytes(range(256)) * 40, NotASpreadsheet),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, refusal: type[FileRefused]) -> None:
    with pytest.raises(refusal) as caught:
        read(written(tmp_path, content))
    assert caught.value.say("zh") != caught.value.say("en")


def test_a_missing_heading_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingHeading, match="line 1") as caught:
        read(written(tmp_path, "客户编号,车型,开票日期\nK1,途观L,2026-01-05\n"), Kind.SALES)
    assert caught.value.missing == ("交车日期", "VIN码/车牌号/发动机号")
    assert "交车日期" in caught.value.zh
