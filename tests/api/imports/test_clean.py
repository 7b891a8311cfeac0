"""Cells as people fill them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.imports import clean, dates
from services.api.imports.reasons import Reason, say

ZONE = "Asia/Shanghai"
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05",
        "2026/1/5",
        "2026.01.05",
        "2026年1月5日",
        "2026年01月05号",
        "20260105",
        "２０２６－０１－０５",
        "2026-01-05 09:48",
        "2026-1-5 星期一",
        "2026-01-05T09:48:00+08:00",
        "2026/1/5 0:00:00",
        "46027",
        "46027.0",
        "46027.75",
        "'2026-01-05",
    ],
)
def test_a_day_is_read_in_every_form(text: str) -> None:
    assert dates.day(text) == date(2026, 1, 5)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-01-05 09:48", "09:48:00"),
        ("2026/1/5 9:48:03", "09:48:03"),
        ("2026年1月5日 下午3时05分", "15:05:00"),
        ("2026年1月5日9点", "09:00:00"),
        ("2026/1/5 上午 9:48:00", "09:48:00"),
        ("2026-01-05 3:05 PM", "15:05:00"),
        ("2026-01-05 12:30 AM", "00:30:00"),
        ("2026-01-05 12:30 PM", "12:30:00"),
        ("20260105094800", "09:48:00"),
        ("46027.40833", "09:48:00"),
        ("2026-01-05T01:48:00Z", "09:48:00"),
        ("2026-01-05T01:48:00.000+00:00", "09:48:00"),
        ("2026-01-05", "12:00:00"),
        ("2026-01-05 00:00:00", "12:00:00"),
    ],
)
def test_an_instant_is_the_store_s_time_kept_in_utc(text: str, local: str) -> None:
    instant = dates.moment(text, ZONE)
    assert instant.tzinfo is UTC
    assert instant.astimezone(ZoneInfo(ZONE)).isoformat() == f"2026-01-05T{local}+08:00"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1990-02-30", Reason.DATE_IMPOSSIBLE),
        ("2026-13-01", Reason.DATE_IMPOSSIBLE),
        ("20261301", Reason.DATE_IMPOSSIBLE),
        ("2026-01-05 25:00", Reason.DATE_IMPOSSIBLE),
        ("2026-01", Reason.DATE_UNREADABLE),
        ("26/1/5", Reason.DATE_UNREADABLE),
        ("1/5/2026", Reason.DATE_UNREADABLE),
        ("2026", Reason.DATE_UNREADABLE),
        ("上个月", Reason.DATE_UNREADABLE),
    ],
)
def test_what_is_no_date_says_so(text: str, reason: Reason) -> None:
    with pytest.raises(clean.CellFault) as caught:
        dates.day(text)
    assert caught.value.reason == reason


def test_years_that_no_dealer_means_are_refused() -> None:
    for value in (date(1970, 1, 1), date(2099, 1, 1)):
        with pytest.raises(clean.CellFault):
            dates.within(value, TODAY)
    with pytest.raises(clean.CellFault):
        dates.birthday("2027-01-01", TODAY)
    assert dates.birthday("1931-05-06", TODAY) == date(1931, 5, 6)


FORMS: tuple[Callable[[date], str], ...] = (
    lambda d: d.isoformat(),
    lambda d: f"{d.year}/{d.month}/{d.day}",
    lambda d: f"{d.year}.{d.month:02}.{d.day:02}",
    lambda d: f"{d.year}年{d.month}月{d.day}日",
    lambda d: d.strftime("%Y%m%d"),
    lambda d: str((d - date(1899, 12, 30)).days),
)


@given(st.dates(date(1930, 1, 1), date(2070, 12, 31)), st.sampled_from(FORMS))
def test_every_day_survives_every_form(value: date, form: Callable[[date], str]) -> None:
    assert dates.day(form(value)) == value


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(1, 86399))
def test_a_spreadsheet_s_serial_keeps_the_second(on: date, second: int) -> None:
    serial = (on - date(1899, 12, 30)).days + second / 86400
    midnight = datetime.combine(on, time(), UTC)
    assert dates.moment(f"{serial:.8f}", "UTC") == midnight + timedelta(seconds=second)


@given(st.text(max_size=30))
def test_no_text_breaks_a_cleaner(text: str) -> None:
    cleaners: tuple[Callable[[str], object], ...] = (
        dates.day,
        clean.fen,
        clean.kilometres,
        clean.name,
        clean.vin,
        clean.plate_or_none,
        clean.email,
        clean.flag,
        clean.people,
        clean.roles,
    )
    reasons: set[str] = set()
    for cleaner in cleaners:
        try:
            cleaner(text)
        except clean.CellFault as fault:
            reasons.add(fault.reason)
    assert all(say(reason, "zh") != reason for reason in reasons)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("¥1,280.00", 128000),
        ("￥1280", 128000),
        ("1280元", 128000),
        ("1,280", 128000),
        ("1.2万", 1200000),
        ("1.2万元", 1200000),
        ("１２８０．５０", 128050),
        ("1.28E+3", 128000),
        ("0", 0),
    ],
)
def test_money_is_fen(text: str, fen: int) -> None:
    assert clean.fen(text) == fen


@pytest.mark.parametrize(
    ("text", "km"), [("5,768", 5768), ("5768km", 5768), ("5768 公里", 5768), ("1.2万公里", 12000), ("12345.6", 12345)]
)
def test_mileage_is_whole_kilometres(text: str, km: int) -> None:
    assert clean.kilometres(text) == km


@pytest.mark.parametrize("text", ["-1", "9999999", "很多", "12,80", "1e400"])
def test_a_mileage_nobody_drives_is_refused(text: str) -> None:
    with pytest.raises(clean.CellFault):
        clean.kilometres(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王　伟", "王伟"),
        ("王伟先生", "王伟"),
        ("王先生", "王先生"),
        ("欧阳 娜娜女士", "欧阳娜娜"),
        ("John  Smith", "John Smith"),
        ("艾力·买买提", "艾力·买买提"),
        ("沪兴汽车销售有限公司", "沪兴汽车销售有限公司"),
    ],
)
def test_a_name_is_stripped_of_blanks_and_titles(text: str, name: str) -> None:
    assert clean.name(text) == name


@pytest.mark.parametrize("text", ["13812345678", "张\ufffd", "王" * 61])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(clean.CellFault):
        clean.name(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *((word, True) for word in ("是", "已投保", "Y", "√", "1", "已过户")),
        *((word, False) for word in ("否", "未投保", "无", "N", "×", "0", "没买")),
        *((word, None) for word in ("待定", "-")),
    ],
)
def test_yes_and_no_have_many_words(text: str, meaning: bool | None) -> None:
    assert clean.flag(text) is meaning


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("首保", "maintenance"),
        ("定期保养", "maintenance"),
        ("一般维修", "repair"),
        ("事故车维修", "bodywork"),
        ("钣金喷漆", "bodywork"),
        ("保修", "claim"),
        ("厂家索赔", "claim"),
        ("内部", "internal"),
        ("PDI", "internal"),
    ],
)
def test_kinds_of_orders_have_many_words(text: str, kind: str) -> None:
    assert clean.order_kind(text) == kind


def test_each_reason_has_two_sentences() -> None:
    for reason in Reason:
        assert say(reason, "zh") != say(reason, "en") != reason
