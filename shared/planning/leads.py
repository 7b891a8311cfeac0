"""Leads as facts: an intent to buy that is open, won, or lost since a day that is known.

The next contact counts from the last one. Each contact is a turn, and the occurrence of its visit is the number of the turn, so that
a date which moves with the level is not planned a second time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.lead import next_contact_on
from shared.domain.programme import INTERVAL, Fact, Trigger
from shared.stores import StoreContext

PROGRAMME = "lead"
OPEN, WON, LOST = "open", "won", "lost"
_DAY_ONE = date(2000, 1, 1)

# Calls about the car he has are not about the car he wants: what the sales tier did counts, and what was planned by hand.
_LEADS = """
    SELECT l.id, l.customer_id, l.consultant_id, l.expected_on, l.first_visit_on, l.state, l.next_on, l.closed_on, l.created_at,
           c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL AS excluded, t.turn, t.closed_at, t.last_state, r.reached_at
    FROM leads l
    JOIN customers c ON c.store_id = l.store_id AND c.id = l.customer_id
    LEFT JOIN LATERAL (
        SELECT coalesce(max(occurrence) FILTER (WHERE v.closed_at IS NULL), max(occurrence) + 1, 1) AS turn,
               max(v.closed_at) AS closed_at, (array_agg(state ORDER BY occurrence DESC))[1] AS last_state
        FROM visits v
        WHERE v.store_id = l.store_id AND v.trigger_id = l.id AND v.programme = 'lead' AND v.step = 'contact') t ON true
    LEFT JOIN LATERAL (
        SELECT max(a.at) AS reached_at FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
        WHERE v.store_id = l.store_id AND v.customer_id = l.customer_id AND v.programme IN ('lead', 'by-hand')
          AND a.outcome = 'reached' AND a.withdrawn_at IS NULL) r ON true
    WHERE l.store_id = $1 AND l.id = ANY($2)
"""
_WAITING = """
    SELECT trigger_id, min(coalesce(promised_at, due_at)) AS at FROM visits
    WHERE store_id = $1 AND trigger_id = ANY($2) AND programme = 'lead' AND closed_at IS NULL GROUP BY trigger_id
"""


async def facts_of_leads(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """One fact for each lead, whatever became of it: open, won, or lost since a day that is known."""
    policy = store.lead_policy
    return [_fact(row, store, policy) for row in await conn.fetch(_LEADS, store.id, list(ids))]


@dataclass(frozen=True)
class Contact:
    """When somebody was last in touch about a lead, and when it is to be next."""

    last_on: date
    next_on: date


async def contacts_of_leads(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> dict[UUID, Contact]:
    """The last and the next contact of each lead: the day of the visit that waits, else what the level asks for."""
    policy = store.lead_policy
    waits = {row["trigger_id"]: row["at"] for row in await conn.fetch(_WAITING, store.id, list(ids))}
    found: dict[UUID, Contact] = {}
    for row in await conn.fetch(_LEADS, store.id, list(ids)):
        last, at = last_contact_on(row, store), waits.get(row["id"])
        day = store.calendar.day_of(at) if at else next_contact_on(row["expected_on"], last, policy, row["next_on"])
        found[row["id"]] = Contact(last, day)
    return found


def last_contact_on(lead: asyncpg.Record, store: StoreContext) -> date:
    """The day the next contact counts from: the last one, else the first visit to the showroom, else the day of the file."""
    first = lead["first_visit_on"] or store.calendar.day_of(lead["created_at"])
    return max([first, *(store.calendar.day_of(at) for at in (lead["closed_at"], lead["reached_at"]) if at)])


def _fact(row: asyncpg.Record, store: StoreContext, policy: str) -> Fact:
    opened_on = row["first_visit_on"] or store.calendar.day_of(row["created_at"])
    last = last_contact_on(row, store)
    attrs = {
        "state": row["state"],
        "next_contact_on": next_contact_on(row["expected_on"], last, policy, row["next_on"]).isoformat(),
        INTERVAL: str(row["turn"]),
    }
    if row["state"] == OPEN and row["last_state"] == "declined" and not (row["next_on"] and row["next_on"] > last):
        attrs["declined"] = "yes"
    if row["state"] == LOST:
        lost_on = row["closed_on"]
        # One call for each loss; whoever was lost before we knew him is not called about it.
        attrs |= {"lost_on": lost_on.isoformat(), INTERVAL: str((lost_on - _DAY_ONE).days)} if lost_on else {"state": "gone"}
    return Fact(
        type=Trigger.LEAD_OPEN,
        id=row["id"],
        on=opened_on,
        at=store.calendar.opening(opened_on),
        customer_id=row["customer_id"],
        person_staff_id=row["consultant_id"],
        excluded=row["excluded"],
        attrs=attrs,
    )
