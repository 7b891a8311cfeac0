"""A store's settings for occasions and campaigns are checked when they are entered; a fault leaves the old ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Person


async def put(admin: Person, base: str, policies: dict[str, Any]) -> tuple[int, str]:
    version = (await admin.http.get(base)).json()["version"]
    answer = await admin.http.patch(base, json={"policies": policies}, headers={"If-Match": f'"{version}"'})
    return answer.status_code, answer.text


async def test_a_store_chooses_its_festivals_and_sizes(as_admin: Person, base: str) -> None:
    own = {"key": "our_day", "zh": "店庆", "en": "Our day", "calendar": "lunar", "month": 12, "day": 30}
    wanted = {"festivals": ["lantern", own], "campaign_approval_size": 100, "high_value_fen": 2_000_000}

    assert (await put(as_admin, base, wanted))[0] == 200
    assert (await as_admin.http.get(base)).json()["policies"].items() >= wanted.items()


@pytest.mark.parametrize(
    ("policies", "says"),
    [
        ({"festivals": ["easter"]}, "festivals/0: no such festival"),
        ({"festivals": [{"key": "x"}]}, "festivals/0/zh"),
        ({"festivals": "spring_festival"}, "festivals: a list"),
        ({"campaign_approval_size": -1}, "campaign_approval_size: a whole number"),
        ({"high_value_fen": "much"}, "high_value_fen: a whole number"),
    ],
)
async def test_a_fault_is_refused_with_where_and_why(as_admin: Person, base: str, policies: dict[str, Any], says: str) -> None:
    status, text = await put(as_admin, base, policies)

    assert (status, says in text) == (422, True)
    assert not policies.keys() & (await as_admin.http.get(base)).json()["policies"].keys()
