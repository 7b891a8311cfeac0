"""What somebody does who has only docs/openapi.json: sign in, read the worklist, record an attempt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.api.house import House
from shared.db import Pool
from tests.api.conftest import Person, http
from tests.factories import NOW, make_visit
from tests.factories.base import number
from tests.openapi import SNAPSHOT
from tests.support.contract_client import ContractClient, OffContract, Problem

PASSWORD = "correct horse battery"


@pytest.fixture
async def signed_in(
    app: FastAPI, house: House, client: httpx.AsyncClient, as_admin: Person, base: str
) -> AsyncIterator[ContractClient]:
    """A follow-up specialist who signed in through the document."""
    login = f"zhao{number()}"
    body = {"name": "赵敏", "roles": ["followup_specialist"], "login": login, "password": PASSWORD}
    assert (await as_admin.http.post(f"{base}/staff", json=body)).status_code == 201
    nobody = ContractClient.of_file(SNAPSHOT, client)
    tokens = await nobody.call("create_token", body={"username": login, "password": PASSWORD})
    async with http(app, tokens.access_token) as own:
        yield ContractClient.of_file(SNAPSHOT, own)


async def test_from_the_sign_in_to_the_next_step_of_a_visit(signed_in: ContractClient, pool: Pool) -> None:
    (store,) = (await signed_in.call("get_me")).stores
    async with pool.acquire() as conn:
        await make_visit(
            conn,
            store_id=UUID(store.store_id),
            assignee_id=UUID(store.staff_id),
            state="due",
            window_end=NOW + timedelta(hours=30),
        )

    (item,) = (await signed_in.call("get_worklist", store_id=store.store_id)).items
    brief = await signed_in.call("get_brief", store_id=store.store_id, visit_id=item.visit_ids[0])
    attempt = {"channel": "phone", "outcome": "no_answer"}
    address = {"store_id": store.store_id, "visit_id": item.visit_ids[0], "idempotency_key": "first-call"}
    recorded = await signed_in.call("record_attempt", body=attempt, **address)
    again = await signed_in.call("record_attempt", body=attempt, **address)
    visit = await signed_in.call("get_visit", store_id=store.store_id, visit_id=item.visit_ids[0])

    assert brief.callable
    assert (recorded.visit.state, recorded.visit.next.step) == ("trying", "call")
    assert again.id == recorded.id
    assert [attempt.outcome for attempt in visit.attempts] == ["no_answer"]


async def test_a_refusal_comes_as_the_problem_that_the_document_promises(signed_in: ContractClient) -> None:
    (store,) = (await signed_in.call("get_me")).stores

    with pytest.raises(Problem) as stranger:
        await signed_in.call("get_visit", store_id=store.store_id, visit_id="01939a5e-7c7e-7000-8000-00000000dead")
    with pytest.raises(Problem) as faulty:
        await signed_in.call("create_visit", store_id=store.store_id, body={"purposes": []})
    with pytest.raises(OffContract):
        await signed_in.call("update_visit", store_id=store.store_id, visit_id=store.store_id, body={})

    assert (stranger.value.status, stranger.value.document.code) == (404, "visit_not_found")
    assert "#/purposes" in [error.pointer for error in faulty.value.document.errors]
