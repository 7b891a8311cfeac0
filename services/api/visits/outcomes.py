"""What an answer settles beside its visit: a lead's expected day, the result of a renewal, a claim that is closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.policies.door import ResultIn, settle_policy
from services.api.visits.schemas import AttemptIn
from shared.db import Connection
from shared.domain.programme import Trigger
from shared.planning import replan_facts, settle_leads
from shared.planning.insurance import facts_of_accidents
from shared.stores import StoreContext

RENEWAL_RESULTS = ("renewed", "lost")
YES = frozenset({True, "yes", "true", "是"})
_EXPECTED = """
    UPDATE leads SET expected_on = $3, updated_at = $4, version = version + 1
    WHERE store_id = $1 AND id = $2 AND state <> 'won' AND expected_on IS DISTINCT FROM $3
"""
_OPEN_POLICY = "SELECT true FROM insurance_policies WHERE store_id = $1 AND id = $2 AND result IS NULL"
_CLOSE_CLAIM = """
    UPDATE accidents SET claim_closed_on = $3, updated_at = $4, version = version + 1
    WHERE store_id = $1 AND id = $2 AND claim_closed_on IS NULL
"""


async def settle(
    conn: Connection, store: StoreContext, me: Me, visits: Iterable[asyncpg.Record], body: AttemptIn, *, now: datetime
) -> None:
    """Write what the answers settle, and bring what is planned in line; to be called once the visits of the call are closed."""
    said = {result.visit_id: result.answers or {} for result in body.results}
    for visit in visits:
        answers: Mapping[str, Any] = {**(body.answers or {}), **said.get(visit["id"], {})}
        trigger_id: UUID = visit["trigger_id"]
        match visit["trigger_type"]:
            case Trigger.LEAD_OPEN:
                await _lead(conn, store, me, trigger_id, answers, now)
            case Trigger.POLICY_EXPIRES:
                await _renewal(conn, store, me, trigger_id, answers, now)
            case Trigger.ACCIDENT_REPORTED:
                await _claim(conn, store, me, trigger_id, answers, now)


async def _lead(conn: Connection, store: StoreContext, me: Me, lead_id: UUID, answers: Mapping[str, Any], now: datetime) -> None:
    """Another expected day is another level, and another day for the next contact."""
    expected_on = _day(answers.get("expected_on"))
    if expected_on is not None:
        await conn.execute(_EXPECTED, store.id, lead_id, expected_on, now)
        await settle_leads(conn, store, [lead_id], now=now, actor=me.actor, reason="expected_on_changed")


async def _renewal(
    conn: Connection, store: StoreContext, me: Me, policy_id: UUID, answers: Mapping[str, Any], now: datetime
) -> None:
    """Renewed or lost ends the calls, and a renewed policy has the next one; undecided settles nothing."""
    result = answers.get("renewal_result")
    if result not in RENEWAL_RESULTS or not await conn.fetchval(_OPEN_POLICY, store.id, policy_id):
        return
    reason = answers.get("lost_reason") if result == "lost" else None
    settled = ResultIn(result=result, lost_reason=str(reason)[:4000] if reason else None)
    await settle_policy(conn, store, me, policy_id, settled, now=now)


async def _claim(
    conn: Connection, store: StoreContext, me: Me, accident_id: UUID, answers: Mapping[str, Any], now: datetime
) -> None:
    if answers.get("claim_closed") in YES:
        await conn.execute(_CLOSE_CLAIM, store.id, accident_id, store.calendar.day_of(now), now)
        facts = await facts_of_accidents(conn, store, [accident_id])
        await replan_facts(conn, store, facts, now=now, actor=me.actor)


def _day(value: object) -> date | None:
    """A day as the form sends it; anything else is no day."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
