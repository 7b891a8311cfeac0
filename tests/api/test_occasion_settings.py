"""A store's settings are checked when they are entered: a fault is told at its own place, and the old ones stay."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person
from tests.factories.base import number


async def put(admin: Person, base: str, policies: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """The status, and what is wrong by pointer."""
    version = (await admin.http.get(base)).json()["version"]
    answer = await admin.http.patch(base, json={"policies": policies}, headers={"If-Match": f'"{version}"'})
    return answer.status_code, {fault["pointer"]: fault["message"] for fault in answer.json().get("errors", [])}


async def test_a_store_chooses_its_festivals_and_sizes(as_admin: Person, base: str) -> None:
    own = {"key": "our_day", "zh": "店庆", "en": "Our day", "calendar": "lunar", "month": 12, "day": 30}
    wanted = {"festivals": ["lantern", own], "campaign_approval_size": 100, "high_value_fen": 2_000_000}

    assert (await put(as_admin, base, wanted))[0] == 200
    assert (await as_admin.http.get(base)).json()["policies"].items() >= wanted.items()


@pytest.mark.parametrize(
    ("policies", "pointer", "says"),
    [
        ({"festivals": ["easter"]}, "/festivals/0", "no such festival"),
        ({"festivals": [{"key": "x"}]}, "/festivals/0/zh", "the name, up to 20 characters"),
        ({"festivals": "spring_festival"}, "/festivals", "a list of festivals"),
        ({"campaign_approval_size": -1}, "/campaign_approval_size", "a whole number from 0 to 1000000"),
        ({"high_value_fen": "much"}, "/high_value_fen", "a whole number"),
        ({"lead_policy": ["abc"]}, "/lead_policy", "one of by-days, abc"),
        ({"ladder": {"max_calls": 0}}, "/ladder/max_calls", "greater than or equal to 1"),
        ({"ladder": {"parts": [[9, 30]]}}, "/ladder/parts/0/1", "less than or equal to 24"),
        ({"ladder": 3}, "/ladder", "valid dictionary"),
        ({"contact": {"marketing_hours": ["20:00", "09:00"]}}, "/contact", "hours begin before they end"),
        ({"complaints": {"clock": "sometimes"}}, "/complaints/clock", "business"),
        ({"kpi_targets": {"luck": 1}}, "/kpi_targets/luck", "not permitted"),
        ({"warranty_months": 0}, "/warranty_months", "a whole number from 1 to 240"),
        ({"confirm_percent": True}, "/confirm_percent", "a whole number from 0 to 100"),
        ({"require_answers": "sometimes"}, "/require_answers", "one of "),
        ({"appointment_slots": {"capacity": -1}}, "/appointment_slots/capacity", "0 至 200"),
        ({"area_code": "21"}, "/area_code", "an area code such as 021"),
        ({"appointment_slots": 4}, "/appointment_slots", "fields such as"),
    ],
)
async def test_a_fault_is_refused_with_where_and_why(
    as_admin: Person, base: str, policies: dict[str, Any], pointer: str, says: str
) -> None:
    status, faults = await put(as_admin, base, policies)

    assert status == 422
    assert says in next(message for place, message in faults.items() if place == f"#/policies{pointer}")
    assert not policies.keys() & (await as_admin.http.get(base)).json()["policies"].keys()


async def test_two_faults_are_both_told_and_what_was_right_beside_them_is_not_kept(as_admin: Person, base: str) -> None:
    status, faults = await put(
        as_admin, base, {"ladder": {"max_calls": 99}, "festivals": ["easter", "moon"], "km_per_month": 900}
    )

    assert (status, set(faults)) == (422, {"#/policies/ladder/max_calls", "#/policies/festivals/0", "#/policies/festivals/1"})
    assert "km_per_month" not in (await as_admin.http.get(base)).json()["policies"]


async def test_a_name_that_nobody_reads_is_refused_and_what_is_kept_stays(as_admin: Person, base: str, pool: Pool) -> None:
    store_id = UUID(base.rpartition("/")[2])
    await pool.execute("""UPDATE stores SET policies = '{"km_per_month": 900, "of_old": 1}' WHERE id = $1""", store_id)

    status, faults = await put(as_admin, base, {"nonsense": 5, "km_per_month": 800})

    assert (status, set(faults)) == (422, {"#/policies/nonsense"})
    assert all(name in faults["#/policies/nonsense"] for name in ("km_per_month", "ladder", "docs/settings.md"))
    assert (await as_admin.http.get(base)).json()["policies"] == {"km_per_month": 900, "of_old": 1}
    assert (await put(as_admin, base, {"of_old": None}))[0] == 200
    assert (await as_admin.http.get(base)).json()["policies"] == {"km_per_month": 900}


async def test_a_new_store_too_has_only_settings_that_are_known(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/v1/stores", json={"code": f"T{number()}", "name": "通达", "policies": {"Ladder": {}}})

    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["#/policies/Ladder"]
