"""Members of campaigns become visits on their day; what a campaign planned ends when it is stopped (domain.md §4 `campaign`).

Writes campaign_members, visits, the state of campaigns, in the caller's transaction of one store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.campaign import KEY, MemberState, Plan, left_out, member_fact, programme_of, step_of
from shared.domain.programme import Fact, PlanCounts, Programme, Step, plan
from shared.events import NOTIFY_FEED, Actor, feed
from shared.planning.people import Assigner
from shared.planning.rows import Draft, tell, write_visits
from shared.segments import reaches
from shared.stores import StoreContext

CHUNK = 4000

_RUNNING = "SELECT * FROM campaigns WHERE store_id = $1 AND state = 'running' ORDER BY id FOR UPDATE"
_WAITING = """
    SELECT m.id, m.customer_id, m.vehicle_id, m.on_day,
           v.id IS NOT NULL AND (v.ended_at IS NOT NULL OR v.excluded) OR c.merged_into IS NOT NULL AS gone
    FROM campaign_members m
    JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
    LEFT JOIN vehicles v ON v.store_id = m.store_id AND v.id = m.vehicle_id
    WHERE m.store_id = $1 AND m.campaign_id = $2 AND m.state = 'waiting' AND m.on_day <= $3
    ORDER BY m.on_day, m.id LIMIT $4 FOR UPDATE OF m SKIP LOCKED
"""
_MEMBERS = """
    UPDATE campaign_members m SET state = n.state, reason = n.reason
    FROM unnest($2::uuid[], $3::text[], $4::text[]) AS n(id, state, reason) WHERE m.store_id = $1 AND m.id = n.id
"""
_FACTS = """
    SELECT m.id, m.customer_id, m.vehicle_id, m.on_day, g.launched_at,
           v.id IS NOT NULL AND (v.ended_at IS NOT NULL OR v.excluded) OR c.merged_into IS NOT NULL OR c.deceased_at IS NOT NULL AS gone
    FROM campaign_members m
    JOIN campaigns g ON g.store_id = m.store_id AND g.id = m.campaign_id
    JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
    LEFT JOIN vehicles v ON v.store_id = m.store_id AND v.id = m.vehicle_id
    WHERE m.store_id = $1 AND m.id = ANY($2)
"""
_CAMPAIGNS = """
    SELECT g.*, m.on_day, v.id AS visit_id FROM visits v
    JOIN campaign_members m ON m.store_id = v.store_id AND m.id = v.trigger_id
    JOIN campaigns g ON g.store_id = m.store_id AND g.id = m.campaign_id
    WHERE v.store_id = $1 AND v.id = ANY($2)
"""
_OPEN_OF = """
    SELECT v.id FROM visits v JOIN campaign_members m ON m.store_id = v.store_id AND m.id = v.trigger_id
    WHERE v.store_id = $1 AND m.campaign_id = $2 AND v.state IN ('planned', 'due', 'trying') ORDER BY v.id FOR UPDATE OF v
"""
_STOP_WAITING = """
    UPDATE campaign_members SET state = 'stopped', reason = 'campaign_stopped'
    WHERE store_id = $1 AND campaign_id = $2 AND state = 'waiting'
"""
_LEFT = """
    SELECT EXISTS (SELECT FROM campaign_members WHERE store_id = $1 AND campaign_id = $2 AND state = 'waiting')
        OR EXISTS (SELECT FROM visits v JOIN campaign_members m ON m.store_id = v.store_id AND m.id = v.trigger_id
                   WHERE v.store_id = $1 AND m.campaign_id = $2 AND v.state IN ('planned', 'due', 'trying'))
"""
_DONE = "UPDATE campaigns SET state = 'done', updated_at = $3, version = version + 1 WHERE store_id = $1 AND id = $2"


async def plan_campaigns(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: the members of the day of each running campaign; one that has nothing left to do is done."""
    planned = 0
    for row in await conn.fetch(_RUNNING, store.id):
        planned += await plan_members(conn, store, row, now=now, actor=actor, caps=False)
        if not await conn.fetchval(_LEFT, store.id, row["id"]):
            await conn.execute(_DONE, store.id, row["id"], now)
        await tell_campaign(conn, store.id, row["id"])
    return PlanCounts(planned)


async def plan_members(
    conn: Connection, store: StoreContext, campaign: asyncpg.Record, *, now: datetime, actor: Actor, caps: bool
) -> int:
    """Plan the members whose day has come, leaving out those who may not be reached by now; how many visits came about.

    `caps` asks for the messages a number had lately, which only the api may read; the moment of sending asks again anyway.
    """
    planned, today = 0, store.calendar.day_of(now)
    while rows := await conn.fetch(_WAITING, store.id, campaign["id"], today, CHUNK):
        planned += await _plan(conn, store, plan_of(campaign), rows, now=now, actor=actor, caps=caps)
    await tell(conn, store.id, planned)
    return planned


async def stop_campaign(conn: Connection, store_id: UUID, campaign_id: UUID) -> list[UUID]:
    """Stop the members that wait; out: the open visits, locked, for the caller to cancel."""
    await conn.execute(_STOP_WAITING, store_id, campaign_id)
    return [row["id"] for row in await conn.fetch(_OPEN_OF, store_id, campaign_id)]


async def facts_of_members(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """The launch as it bears on each of these members."""
    rows = await conn.fetch(_FACTS, store.id, list(ids))
    return [
        member_fact(
            row["id"], row["customer_id"], row["vehicle_id"], row["on_day"], row["launched_at"], excluded=bool(row["gone"])
        )
        for row in rows
    ]


async def steps_of(conn: Connection, store_id: UUID, visits: Iterable[Mapping[str, Any]]) -> dict[UUID, Step]:
    """The steps, script and questions, of those of the visits that campaigns planned, by visit."""
    ids = [visit["id"] for visit in visits if visit["programme"] == KEY]
    rows = await conn.fetch(_CAMPAIGNS, store_id, ids) if ids else []
    return {row["visit_id"]: step_of(plan_of(row), row["on_day"]) for row in rows}


async def tell_campaign(conn: Connection, store_id: UUID, campaign_id: UUID) -> None:
    """Let whoever looks at the campaign know that it has moved."""
    await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(store_id, KEY, campaign_id))


def plan_of(row: asyncpg.Record) -> Plan:
    """What a stored campaign does."""
    names = ("id", "name", "purpose", "mode", "channel", "role", "ends_on", "template", "script", "voucher_kind")
    return Plan(**{name: row[name] for name in names}, has_text=row["text"] is not None)


async def _plan(
    conn: Connection,
    store: StoreContext,
    campaign: Plan,
    rows: Sequence[asyncpg.Record],
    *,
    now: datetime,
    actor: Actor,
    caps: bool,
) -> int:
    found = await reaches(conn, store, [row["customer_id"] for row in rows], campaign.channel, now=now, caps=caps)
    reasons = {row["id"]: "not_owner" if row["gone"] else left_out(found[row["customer_id"]], campaign.purpose) for row in rows}
    going = [row for row in rows if reasons[row["id"]] is None]
    assigner = await Assigner.load(conn, store, now=now, customer_ids={row["customer_id"] for row in going})
    programmes: dict[tuple[date, bool], Programme] = {}
    drafts = [draft for row in going for draft in _drafts(store, campaign, row, programmes, assigner, now)]
    written = await write_visits(conn, store.id, drafts, now=now, actor=actor, vault=None)
    states = {id_: MemberState.EXCLUDED if reason else MemberState.PLANNED for id_, reason in reasons.items()}
    await conn.execute(_MEMBERS, store.id, list(states), [str(state) for state in states.values()], list(reasons.values()))
    return written.planned


def _drafts(
    store: StoreContext,
    campaign: Plan,
    row: asyncpg.Record,
    programmes: dict[tuple[date, bool], Programme],
    assigner: Assigner,
    now: datetime,
) -> list[Draft]:
    key = (row["on_day"], row["vehicle_id"] is not None)
    if key not in programmes:
        programmes[key] = programme_of(campaign, row["on_day"], of_a_car=key[1])
    fact = member_fact(
        row["id"], row["customer_id"], row["vehicle_id"], row["on_day"], min(now, store.calendar.opening(row["on_day"]))
    )
    visits, _ = plan(programmes[key], fact, store.calendar, now, first_import=False)
    return [Draft(visit, programmes[key], assigner.assign(visit, fact)) for visit in visits]
