"""What happens next, said in words; times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.console.formats import Language, near, remainder
from services.console.record import Unreadable, attempt_of
from services.console.sentences import next_sentence

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 9:00 in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("step", "reason", "tries", "language", "sentence"),
    [
        ("call", "no_answer_2", 2, "zh", "第 2 次未接通。明天（周二）11:00 再打第 3 次，换个时段。"),
        ("call", "promised", 0, "zh", "已约 明天（周二）11:00，由你回电。约定优先于一切计划。"),
        ("sms", "tries_exhausted", 3, "zh", "3 次均未接通。明天（周二）11:00 发短信（问卷链接 + 请回电）。"),
        ("email", "sms_undelivered", 3, "zh", "短信未送达。改发邮件，明天（周二）11:00。"),
        ("call", "no_answer_1", 1, "en", "Not reached, try 1. Try 2: tomorrow (Tue) 11:00, another time of day."),
        ("sms", "tries_exhausted", 3, "en", "3 tries failed. SMS tomorrow (Tue) 11:00 (survey link, please call back)."),
    ],
)
def test_the_next_step_is_said_with_weekday_and_time(
    step: str, reason: str, tries: int, language: Language, sentence: str
) -> None:
    at = (NOW + timedelta(hours=26)).isoformat()
    visit = {"state": "trying", "tries": tries, "next": {"step": step, "at": at, "reason": reason}}

    assert next_sentence(visit, NOW, SHANGHAI, language) == sentence


def test_an_ended_visit_says_how_it_ended() -> None:
    assert "联系不上" in next_sentence({"state": "unreachable", "tries": 3, "next": None}, NOW, SHANGHAI, "zh")


def test_a_deadline_counts_days_by_the_stores_calendar() -> None:
    midnight = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)  # the end of Sunday in Shanghai

    assert remainder(midnight, NOW, SHANGHAI, "zh") == "逾期 1 天"
    assert remainder(midnight + timedelta(days=1), NOW, SHANGHAI, "zh") == "剩 15小时00分"


def test_an_instant_of_another_year_names_the_year() -> None:
    assert near(NOW - timedelta(days=365), NOW, SHANGHAI, "zh") == "2025-11-23 09:00"


def test_a_score_is_said_once_though_a_call_covers_two_visits() -> None:
    form = {
        "outcome": "reached",
        "satisfaction": "5",
        "answer:yes_no:use_ok": "no",
        "result:a": "completed",
        "result:b": "declined",
    }

    assert attempt_of(form, "a", SHANGHAI)["results"] == [
        {"visit_id": "a", "state": "completed", "answers": {"use_ok": False}, "satisfaction": 5},
        {"visit_id": "b", "state": "declined", "answers": {"use_ok": False}},
    ]


def test_a_call_nobody_answered_sends_no_score_that_happened_to_be_on_the_screen() -> None:
    body = attempt_of({"outcome": "busy", "satisfaction": "5", "result:a": "completed"}, "a", SHANGHAI)

    assert body == {"channel": "phone", "outcome": "busy", "direction": "out"}


def test_a_number_that_is_none_names_its_field() -> None:
    with pytest.raises(Unreadable) as fault:
        attempt_of({"outcome": "reached", "fix:mileage_km": "many"}, "a", SHANGHAI)

    assert fault.value.field == "corrections/mileage_km"
