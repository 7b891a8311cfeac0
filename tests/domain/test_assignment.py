"""Who does a visit, and the order of a worklist."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.domain.assignment import (
    Assignment,
    Group,
    Passed,
    StaffFacts,
    WorklistFacts,
    assign,
    worklist_group,
    worklist_order,
)

FOLLOWUP = frozenset({"followup_specialist"})
ANNA, BEN, CARL, DORA = (
    StaffFacts(UUID(int=1), FOLLOWUP, open_visits=9),
    StaffFacts(UUID(int=2), FOLLOWUP, open_visits=3),
    StaffFacts(UUID(int=3), FOLLOWUP, open_visits=3),
    StaffFacts(UUID(int=4), frozenset({"service_advisor"})),
)
ROLE = "followup_specialist"


def test_the_person_of_the_trigger_comes_first_then_the_holder_then_the_least_busy() -> None:
    staff = [ANNA, BEN, CARL, DORA]

    assert assign(ROLE, ANNA.id, BEN.id, staff) == Assignment(ANNA.id, ROLE, "trigger_person")
    assert assign(ROLE, None, ANNA.id, staff) == Assignment(ANNA.id, ROLE, "holder")
    assert assign(ROLE, None, None, staff) == Assignment(BEN.id, ROLE, "fewest_open")


def test_who_left_is_absent_or_has_another_role_is_passed_over_with_the_reason() -> None:
    left, away = replace(ANNA, active=False), replace(BEN, absent=True)

    assert assign(ROLE, left.id, away.id, [left, away, CARL]) == Assignment(
        CARL.id, ROLE, "fewest_open", (Passed(left.id, "inactive"), Passed(away.id, "absent"))
    )
    assert assign(ROLE, DORA.id, None, [CARL, DORA]).passed == (Passed(DORA.id, "not_in_role"),)
    assert assign(ROLE, UUID(int=99), None, [CARL]).passed == (Passed(UUID(int=99), "unknown"),)


def test_somebody_absent_is_replaced_by_the_delegate() -> None:
    away = replace(ANNA, absent=True, delegate_id=CARL.id)

    assert assign(ROLE, away.id, None, [away, BEN, CARL]).staff_id == CARL.id
    assert assign(ROLE, away.id, None, [away, BEN, CARL]).rule == "trigger_person_delegate"
    assert assign(ROLE, away.id, None, [away, BEN, replace(CARL, absent=True)]).staff_id == BEN.id


def test_an_empty_role_falls_to_the_role_that_stands_in_and_to_the_orders_own_person_there() -> None:
    other = StaffFacts(UUID(int=5), frozenset({"service_advisor"}))
    renewal = StaffFacts(UUID(int=6), frozenset({"sales_consultant"}))

    assert assign(ROLE, other.id, None, [DORA, other]) == Assignment(
        other.id, "service_advisor", "trigger_person", (Passed(other.id, "not_in_role"),)
    )
    assert assign("renewal_specialist", None, None, [renewal]) == Assignment(renewal.id, "sales_consultant", "fewest_open")


def test_with_nobody_left_the_visit_waits_in_the_pool() -> None:
    assert assign("technician", None, None, [ANNA]) == Assignment(None, "technician", "pool")


NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
DAY_END = datetime(2026, 11, 24, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
REST = WorklistFacts(UUID(int=1), DAY_END + 48 * HOUR, NOW - 48 * HOUR)


def test_the_groups() -> None:
    for item, group in (
        (replace(REST, promised_at=NOW + HOUR, blocked=True), Group.BLOCKED),
        (replace(REST, promised_at=NOW + HOUR), Group.PROMISED),
        (replace(REST, promised_at=DAY_END), Group.REST),
        (replace(REST, complaint=True), Group.COMPLAINT),
        (replace(REST, window_end=NOW), Group.OVERDUE),
        (replace(REST, window_end=DAY_END), Group.DUE_TODAY),
        (REST, Group.REST),
    ):
        assert worklist_group(item, NOW, DAY_END) is group


def test_the_order_promises_crises_complaints_overdue_deadline_value_trigger() -> None:
    wanted = [
        replace(REST, promised_at=NOW - HOUR),
        replace(REST, promised_at=NOW + HOUR, window_end=NOW),
        replace(REST, crisis=True),
        replace(REST, complaint=True, window_end=NOW),
        replace(REST, window_end=NOW - HOUR),
        replace(REST, window_end=DAY_END),
        replace(REST, high_value=True),
        replace(REST, trigger_at=NOW - 60 * HOUR),
        REST,
        replace(REST, id=UUID(int=2)),
        replace(REST, blocked=True),
    ]

    assert sorted(reversed(wanted), key=lambda item: worklist_order(item, NOW, DAY_END)) == wanted
