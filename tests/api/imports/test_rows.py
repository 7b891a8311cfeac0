"""Rows: what is kept, what is left out, what is refused."""

import csv
import io
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from services.api.imports.draft import Context
from services.api.imports.fields import Kind
from services.api.imports.read import open_table
from services.api.imports.reasons import Reason
from services.api.imports.rejected import RejectedRow, harmless, rejected_file
from services.api.imports.rows import Accepted, Rejected, read_row, to_row
from services.api.imports.values import CustomerRow, SaleRow, WorkOrderRow
from shared.phones import PhoneFault

EXPORT = Path(__file__).parent / "dms_export"
CONTEXT = Context("Asia/Shanghai", date(2026, 11, 22))
VIN = "L28JT97K26CP643DY"


def accepted(kind: Kind, **cells: str) -> Accepted:
    outcome = to_row(kind, 7, cells, CONTEXT)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def refused(kind: Kind, **cells: str) -> tuple[int, str, str, str]:
    outcome = to_row(kind, 7, cells, CONTEXT)
    assert isinstance(outcome, Rejected), outcome
    problem = outcome.problem
    return problem.row, problem.column, problem.value, problem.reason


def test_one_bad_cell_is_left_out_and_warned_of() -> None:
    outcome = accepted(Kind.CUSTOMERS, 姓名="王伟", 手机="13812345678", 生日="1990-02-30", 性别="先生")
    assert isinstance(outcome.row, CustomerRow)
    assert (outcome.row.birthday, outcome.row.person.gender) == (None, "male")
    assert [(w.row, w.column, w.value, w.reason) for w in outcome.warnings] == [(7, "生日", "1990-02-30", Reason.DATE_IMPOSSIBLE)]


@pytest.mark.parametrize(("cell", "reason"), [("", Reason.NO_PHONE), ("无", Reason.NO_PHONE), ("1380000", PhoneFault.TOO_SHORT)])
def test_a_customer_without_a_usable_phone_is_kept_with_one_warning(cell: str, reason: str) -> None:
    outcome = accepted(Kind.CUSTOMERS, 姓名="王伟", 手机=cell)
    assert [warning.reason for warning in outcome.warnings] == [reason]


def test_phones_of_all_columns_are_taken_once_each() -> None:
    outcome = accepted(Kind.CUSTOMERS, 姓名="王伟", 手机="13812345678", 备用电话="13812345678/021-64001234")
    assert isinstance(outcome.row, CustomerRow)
    assert [phone.e164 for phone in outcome.row.person.phones] == ["+8613812345678", "+862164001234"]


@pytest.mark.parametrize(
    ("kind", "cells", "problem"),
    [
        (Kind.CUSTOMERS, {"姓名": "", "手机": "13812345678"}, ("姓名", "", Reason.REQUIRED)),
        (Kind.CUSTOMERS, {"姓名": "无", "手机": "13812345678"}, ("姓名", "无", Reason.REQUIRED)),
        (
            Kind.SALES,
            {"客户编号": "K1", "VIN": VIN, "交车日期": "2026-02-30"},
            ("交车日期", "2026-02-30", Reason.DATE_IMPOSSIBLE),
        ),
        (Kind.SALES, {"客户编号": "K1", "VIN": VIN, "交车日期": ""}, ("交车日期", "", Reason.REQUIRED)),
        (Kind.SALES, {"客户编号": "", "VIN": VIN, "交车日期": "2026-01-05"}, ("客户编号", "", Reason.REQUIRED)),
        (Kind.SALES, {"客户编号": "K1", "VIN": "L28", "交车日期": "2026-01-05"}, ("VIN", "L28", Reason.VIN_LENGTH)),
        (Kind.WORK_ORDERS, {"工单号": "", "VIN": VIN, "结算时间": "2026-01-05"}, ("工单号", "", Reason.REQUIRED)),
        (Kind.WORK_ORDERS, {"工单号": "1", "车牌": "??", "结算时间": "2026-01-05"}, ("车牌", "??", Reason.PLATE_INVALID)),
        (Kind.WORK_ORDERS, {"工单号": "1", "VIN": VIN, "结算时间": "昨天"}, ("结算时间", "昨天", Reason.DATE_UNREADABLE)),
        (Kind.LEADS, {"姓名": "", "手机": "13812345678"}, ("姓名", "", Reason.REQUIRED)),
        (Kind.OPT_OUTS, {"手机": "123"}, ("手机", "123", PhoneFault.TOO_SHORT)),
        (Kind.STAFF, {"姓名": "王伟", "岗位": "CEO"}, ("岗位", "CEO", Reason.ROLE_UNKNOWN)),
    ],
)
def test_a_row_without_what_it_needs_is_refused_with_its_cell(
    kind: Kind, cells: dict[str, str], problem: tuple[str, str, str]
) -> None:
    assert refused(kind, **cells)[1:] == problem


def test_a_sale_with_a_bad_vin_and_a_plate_is_kept_without_the_vin() -> None:
    outcome = accepted(Kind.SALES, 客户编号="K1", VIN=VIN[:-1], 车牌号="沪a·12345", 交车日期="2026-01-05", 是否投保="无")
    assert isinstance(outcome.row, SaleRow)
    assert (outcome.row.car.vin, outcome.row.car.plate, outcome.row.insured) == (None, "沪A12345", False)
    assert [warning.reason for warning in outcome.warnings] == [Reason.VIN_LENGTH]


def test_an_unknown_kind_of_order_is_a_repair_with_a_warning() -> None:
    outcome = accepted(Kind.WORK_ORDERS, 工单号="1", VIN=VIN, 结算时间="2026-01-05 15:00", 维修类型="美容")
    assert isinstance(outcome.row, WorkOrderRow)
    assert outcome.row.kind == "repair"
    assert [warning.reason for warning in outcome.warnings] == [Reason.ORDER_KIND_UNKNOWN]


def test_a_blank_kind_of_order_is_a_repair() -> None:
    outcome = accepted(Kind.WORK_ORDERS, 工单号="1", VIN=VIN, 结算时间="2026-01-05 15:00", 维修类型="")
    assert isinstance(outcome.row, WorkOrderRow)
    assert (outcome.row.kind, outcome.warnings) == ("repair", ())


def test_money_under_a_heading_in_ten_thousands_is_multiplied() -> None:
    cells = {"工单号": "1", "VIN": VIN, "结算时间": "2026-01-05 15:00", "金额(万元)": "0.5"}
    outcome = accepted(Kind.WORK_ORDERS, **cells)
    assert isinstance(outcome.row, WorkOrderRow)
    assert outcome.row.fee_fen == 500_000


@pytest.mark.parametrize(
    ("kind", "name", "counts"),
    [
        (Kind.CUSTOMERS, "客户档案.csv", {"rows": "customer_rows", "phone": "bad_phone", "date": "bad_date"}),
        (Kind.SALES, "车辆销售.xlsx", {"rows": "sales", "vin": "bad_vin"}),
        (Kind.WORK_ORDERS, "维修工单.csv", {"rows": "work_orders"}),
        (Kind.LEADS, "意向客户.csv", {"rows": "leads"}),
    ],
)
def test_the_sample_export_is_read_as_its_truth_says(kind: Kind, name: str, counts: dict[str, str]) -> None:
    truth = json.loads((EXPORT / "truth.json").read_text(encoding="utf-8"))
    seen: Counter[str] = Counter()
    with open_table(EXPORT / name, kind) as table:
        for line, cells in table.rows():
            outcome = read_row(kind, table.columns, CONTEXT, line, cells)
            assert isinstance(outcome, Accepted)
            seen["rows"] += 1
            seen.update(_family(warning.reason) for warning in outcome.warnings)
            if isinstance(outcome.row, CustomerRow):
                seen["landline"] += any(phone.kind == "landline" for phone in outcome.row.person.phones)
        assert table.columns.unknown == ()
    assert {what: seen[what] for what in counts} == {what: truth[key] for what, key in counts.items()}
    assert seen["landline"] == (truth["landline"] if kind is Kind.CUSTOMERS else 0)


def _family(reason: str) -> str:
    return "phone" if reason == Reason.NO_PHONE else reason.split("_")[0]


def test_the_file_of_rejected_rows_can_be_mended_and_read_again(tmp_path: Path) -> None:
    cells = (("姓名", "=王伟"), ("手机", "13812345678"), ("地址", "甲,\n乙"))
    rows = [RejectedRow(7, "姓名", "", "必填,不能为空", cells)]
    content = b"".join(rejected_file(("姓名", "手机", "地址"), rows))
    assert content.startswith("\ufeff原文件行号,问题列,问题值,拒绝原因,姓名,手机,地址".encode())
    assert list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1][:5] == [
        "7",
        "姓名",
        "",
        "必填,不能为空",
        "'=王伟",
    ]
    path = tmp_path / "mended.csv"
    path.write_bytes(content)
    with open_table(path, Kind.CUSTOMERS) as table:
        assert table.columns.unknown == ()
        ((line, read),) = list(table.rows())
        outcome = read_row(Kind.CUSTOMERS, table.columns, CONTEXT, line, read)
    assert isinstance(outcome, Accepted)


@pytest.mark.parametrize("cell", ["=1+1", "@x", " =1", "\t=1", "＝1", "\u00a0=x", "-1+2", "+86 138-1", "a\n=b", "\r=1"])
def test_no_cell_given_back_is_a_formula(cell: str) -> None:
    assert "'" in harmless(cell)


@pytest.mark.parametrize("cell", ["-5", "+86", "+8613812345678", "王伟", "K7000", ""])
def test_harmless_cells_stay_readable(cell: str) -> None:
    assert harmless(cell) == cell
