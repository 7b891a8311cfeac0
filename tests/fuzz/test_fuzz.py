"""A minute of it in `make check`; the whole of it is `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import Wish, fuzz
from tests.fuzz.settings import AWAY, business
from tests.openapi import SNAPSHOT
from tests.servers import Servers

SECONDS = 60
SEED = 20261123
PHASES = "examples,fuzzing"  # every operation comes up within a minute; `coverage` alone takes four


@pytest.mark.timeout(240)
def test_the_api_keeps_its_contract_under_random_requests(servers: Servers, tmp_path: Path) -> None:
    outcome = fuzz(servers, Wish(SECONDS, SEED, phases=PHASES), tmp_path)

    assert outcome.passed, f"{outcome.text[-20_000:]}\n{outcome.log[-4_000:]}"


def test_a_fault_that_the_schema_could_have_said_is_no_rule_of_the_business() -> None:
    schema = {"code": "invalid", "detail": "The content is not as it must be; see errors."}

    assert not business(422, {**schema, "errors": [{"pointer": "#/name", "message": "Field required"}]})
    assert not business(422, {**schema, "errors": []})
    assert not business(500, {"code": "internal"})
    assert business(422, {**schema, "errors": [{"pointer": "#/vin", "message": "not a VIN: length"}]})
    assert business(422, {"code": "bad_cursor", "detail": "…", "errors": []})


def test_what_is_configured_away_stands_in_the_page_for_developers() -> None:
    page = (SNAPSHOT.parent / "api.md").read_text(encoding="utf-8")

    assert [away.what for away in AWAY if f"| {away.check} | {away.what} | {away.why} |" not in page] == []
