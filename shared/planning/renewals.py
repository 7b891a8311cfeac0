"""Renewal calls, and the message where nobody calls: planned when the end of a policy comes within reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.db import Connection
from shared.domain.programme import PlanCounts, Trigger
from shared.events import Actor
from shared.planning.insurance import facts_of_policies
from shared.planning.plan import plan_facts
from shared.planning.replan import replan_facts
from shared.stores import StoreContext

INSURANCE = "insurance_specialist"
RENEWAL_DAYS, REMINDER_DAYS, HORIZON_DAYS = 65, 7, 3
_ENDING = """
    SELECT id, expires_on FROM insurance_policies
    WHERE store_id = $1 AND result IS NULL AND expires_on BETWEEN $2 AND $3 ORDER BY expires_on, id
"""
_BEGUN = "SELECT DISTINCT trigger_id FROM visits WHERE store_id = $1 AND trigger_id = ANY($2)"
_FIRST_SPECIALIST = """
    UPDATE sales s SET insurance_specialist_id = v.assignee_id
    FROM (SELECT DISTINCT ON (trigger_id) trigger_id, assignee_id FROM visits
          WHERE store_id = $1 AND trigger_id = ANY($2) AND role = 'insurance_specialist' AND assignee_id = ANY($3)
          ORDER BY trigger_id, due_at, id) v
    WHERE s.store_id = $1 AND s.id = v.trigger_id AND s.insurance_specialist_id IS NULL
"""


async def plan_policies(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: renewal calls of policies that come within reach, and the message where nobody is on it."""
    today = store.calendar.day_of(now)
    rows = await conn.fetch(_ENDING, store.id, today, today + timedelta(days=RENEWAL_DAYS + HORIZON_DAYS))
    until = today + timedelta(days=REMINDER_DAYS + HORIZON_DAYS)
    near = [row["id"] for row in rows if row["expires_on"] <= until]
    counts = await _plan(conn, store, [row["id"] for row in rows], Trigger.POLICY_EXPIRES, now, actor)
    reminded = [fact for fact in await facts_of_policies(conn, store, near) if fact.type is Trigger.POLICY_NEARS_END]
    more = await replan_facts(conn, store, reminded, now=now, actor=actor)
    return PlanCounts(counts.planned + more.planned, counts.expired + more.expired, counts.skipped_past)


async def replan_policies(
    conn: Connection, store: StoreContext, ids: Sequence[UUID], *, now: datetime, actor: Actor
) -> PlanCounts:
    """After something about policies changed: what is planned moves or ends, what is within reach is planned.

    The rest waits for the morning on which it comes within reach.
    """
    begun = {row["trigger_id"] for row in await conn.fetch(_BEGUN, store.id, list(ids))}
    today = store.calendar.day_of(now)
    expiring = [fact for fact in await facts_of_policies(conn, store, ids) if fact.type is Trigger.POLICY_EXPIRES]
    within = [fact for fact in expiring if fact.id in begun or today <= fact.on <= today + timedelta(RENEWAL_DAYS + HORIZON_DAYS)]
    calls = await replan_facts(conn, store, within, now=now, actor=actor)
    # Read again: whether anybody is on it follows from the calls.
    nearing = [fact for fact in await facts_of_policies(conn, store, ids) if fact.type is Trigger.POLICY_NEARS_END]
    soon = [fact for fact in nearing if fact.id in begun or today <= fact.on <= today + timedelta(REMINDER_DAYS + HORIZON_DAYS)]
    messages = await replan_facts(conn, store, soon, now=now, actor=actor)
    return PlanCounts(calls.planned + messages.planned, calls.expired + messages.expired)


async def note_insurance_specialists(conn: Connection, store: StoreContext, sale_ids: Sequence[UUID]) -> None:
    """Whoever makes the first call of the insurance tier holds the file from then on: for the api, which owns sales."""
    people = [person.id for person in store.staff.values() if INSURANCE in person.roles]
    await conn.execute(_FIRST_SPECIALIST, store.id, list(sale_ids), people)


async def _plan(
    conn: Connection, store: StoreContext, ids: Sequence[UUID], trigger: Trigger, now: datetime, actor: Actor
) -> PlanCounts:
    facts = [fact for fact in await facts_of_policies(conn, store, ids) if fact.type is trigger]
    return await plan_facts(conn, store, facts, now=now, first_import=True, actor=actor)
