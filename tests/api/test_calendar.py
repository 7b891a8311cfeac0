"""The store's calendar: its week, its own days, what is announced and what only assumed."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Person, Sign

OCTOBER = {"from": "2026-09-30", "to": "2026-10-11"}


async def days(person: Person, base: str, **params: str) -> dict[str, dict[str, Any]]:
    answer = await person.http.get(f"{base}/calendar", params=params)
    assert answer.status_code == 200, answer.text
    return {day["day"]: day for day in answer.json()["days"]}


async def test_statutory_holidays_are_closed_until_the_store_says_otherwise(as_admin: Person, base: str) -> None:
    before = await days(as_admin, base, **OCTOBER)
    opened = await as_admin.http.put(
        f"{base}/calendar/days/2026-10-02", json={"open": True, "ranges": [["10:00", "16:00"]], "name": "值班"}
    )
    during = await days(as_admin, base, **OCTOBER)
    await as_admin.http.delete(f"{base}/calendar/days/2026-10-02")
    after = await days(as_admin, base, **OCTOBER)

    assert opened.status_code == 204
    assert (before["2026-10-02"]["open"], before["2026-10-02"]["source"]) == (False, "statutory")
    assert during["2026-10-02"] == {
        "day": "2026-10-02", "open": True, "ranges": [["10:00", "16:00"]], "name": "值班", "source": "store"
    }  # fmt: skip
    assert after == before


async def test_the_week_is_set_and_a_missing_weekday_is_closed(as_admin: Person, base: str) -> None:
    week = {"0": [["09:00", "12:00"], ["13:30", "18:00"]], "1": [["18:00", "02:00"]]}

    done = await as_admin.http.put(f"{base}/calendar/hours", json={"weekly_hours": week})
    found = await days(as_admin, base, **{"from": "2026-11-23", "to": "2026-11-29"})

    assert done.status_code == 204
    assert found["2026-11-23"]["ranges"] == week["0"]
    assert [day for day, rule in found.items() if rule["open"]] == ["2026-11-23", "2026-11-24"]


async def test_hours_that_overlap_are_refused_where_they_stand(as_admin: Person, base: str) -> None:
    overlapping = await as_admin.http.put(
        f"{base}/calendar/hours", json={"weekly_hours": {"3": [["09:00", "12:00"], ["11:00", "18:00"]]}}
    )
    closed = await as_admin.http.put(f"{base}/calendar/hours", json={"weekly_hours": {"3": []}})

    assert (overlapping.status_code, overlapping.json()["errors"][0]["pointer"]) == (422, "#/weekly_hours/3/1")
    assert (closed.status_code, closed.json()["code"]) == (422, "no_open_day")


async def test_years_that_are_not_announced_are_shown_as_assumed(as_admin: Person, base: str) -> None:
    answer = (await as_admin.http.get(f"{base}/calendar", params={"from": "2029-01-01", "to": "2029-01-31"})).json()

    assert answer["assumed_years"] == [2029]


async def test_a_span_backwards_or_too_long_is_refused(as_admin: Person, base: str) -> None:
    for span in ({"from": "2026-12-01", "to": "2026-11-01"}, {"from": "2026-01-01", "to": "2028-01-01"}):
        assert (await as_admin.http.get(f"{base}/calendar", params=span)).status_code == 422


async def test_a_consultant_reads_the_calendar_and_does_not_set_it(as_staff: Sign, base: str) -> None:
    consultant = await as_staff("sales_consultant")

    assert (await consultant.http.get(f"{base}/calendar")).status_code == 200
    assert (await consultant.http.put(f"{base}/calendar/days/2026-10-02", json={"open": True})).status_code == 403


async def test_a_weekday_that_is_none_is_pointed_at(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.put(f"{base}/calendar/hours", json={"weekly_hours": {"7": [], "0": [["09:00", "18:00"]]}})

    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, ["#/weekly_hours/7"])
