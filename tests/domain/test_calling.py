"""What stands in the way of a call, and until when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.calendar import DEFAULT_WEEK, StoreCalendar
from shared.domain.calling import Blocked, CallFacts, blocked_until

CALENDAR = StoreCalendar("Asia/Shanghai", DEFAULT_WEEK, {}, frozenset(), frozenset())
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday 10:00 in Shanghai
FREE = CallFacts(
    has_number=True, opted_out=False, deceased=False, calling_hours=None, next_at=None, promised_at=None, other_tier_today=False
)


def at(hour: int, days: int = 0) -> datetime:
    return datetime(2026, 11, 23 + days, hour - 8, 0, tzinfo=UTC)


def test_nothing_blocks_a_plain_call() -> None:
    assert blocked_until(FREE, CALENDAR, NOW) is None


@pytest.mark.parametrize(
    ("facts", "blocked"),
    [
        ({"deceased": True, "opted_out": True}, Blocked("deceased", None)),
        ({"opted_out": True}, Blocked("opted_out", None)),
        ({"has_number": False}, Blocked("no_number", None)),
        ({"promised_at": at(15)}, Blocked("promised_later", at(15))),
        ({"other_tier_today": True}, Blocked("other_tier_today", at(9, 1))),
        ({"next_at": at(14)}, Blocked("next_try", at(14))),
        ({"calling_hours": [["14:00", "18:00"]]}, Blocked("customer_hours", at(14))),
        ({"calling_hours": [["08:00", "09:30"]]}, Blocked("customer_hours", at(8, 1))),
        ({"calling_hours": [["09:00", "12:00"]]}, None),
        ({"opted_out": True, "channel": "onsite"}, None),
    ],
)
def test_each_reason_has_its_end(facts: dict[str, object], blocked: Blocked | None) -> None:
    assert blocked_until(replace(FREE, **facts), CALENDAR, NOW) == blocked  # type: ignore[arg-type]  # a table of field values


def test_a_promise_stands_above_the_customers_hours_from_half_an_hour_before() -> None:
    promised = replace(FREE, promised_at=NOW + timedelta(minutes=30), calling_hours=[["14:00", "18:00"]], next_at=at(16))

    assert blocked_until(promised, CALENDAR, NOW) is None


def test_a_promise_does_not_stand_above_an_opt_out() -> None:
    assert blocked_until(replace(FREE, promised_at=NOW, opted_out=True), CALENDAR, NOW) == Blocked("opted_out", None)
