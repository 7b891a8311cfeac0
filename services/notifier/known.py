"""Reading by set: what is known of the visits, customers and numbers of a batch, one statement a kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from services.notifier.policy import LONGEST_CAP
from shared.db import Connection
from shared.domain.consent import Purpose, Sent
from shared.wording import Wording

Row: TypeAlias = asyncpg.Record
Consents: TypeAlias = dict[UUID, list[tuple[str, str, bool]]]

_VISITS = """
    SELECT v.id, v.customer_id, v.vehicle_id, v.programme, v.step, v.purposes, v.message_template, v.tries, v.state, v.channel,
        v.window_end, v.assignee_id, v.trigger_type, v.trigger_id, v.trigger_at, v.occurrence,
        v.callee_name, v.callee_phone, v.callee_phone_index,
        c.name, c.gender, c.kind AS customer_kind, c.language, c.deceased_at,
        k.plate, k.model, k.next_maintenance_on, k.interval_months, k.interval_km, k.ended_at
    FROM visits v
    JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN vehicles k ON k.store_id = v.store_id AND k.id = v.vehicle_id
    WHERE v.store_id = $1 AND v.id = ANY($2)
"""
# A number found dead at one store is dead at all; one that was wrong for one file may be right for another.
_POINTS = """
    SELECT p.id, p.customer_id, p.kind, p.value, p.value_index, p.textable
    FROM contact_points p LEFT JOIN numbers n ON n.number_index = p.value_index
    WHERE p.store_id = $1 AND p.customer_id = ANY($2) AND p.kind = ANY($3) AND p.wrong_at IS NULL
        AND n.wrong_reason IS DISTINCT FROM 'invalid'
    ORDER BY p.customer_id, p.rank, p.created_at, p.id
"""
_OPT_OUTS = "SELECT number_index, channel, scope FROM opt_outs WHERE number_index = ANY($1) AND revoked_at IS NULL"
_SENDS = "SELECT number_index, at, purpose, message_id FROM number_sends WHERE number_index = ANY($1) AND at > $2"
_CONSENTS = """
    SELECT customer_id, purpose, channel, withdrawn_at IS NOT NULL AS withdrawn
    FROM consents WHERE store_id = $1 AND customer_id = ANY($2)
"""
_PEOPLE = "SELECT id, name, phone FROM staff WHERE store_id = $1 AND id = ANY($2)"
_ADVISORS = "SELECT id, advisor_id FROM work_orders WHERE store_id = $1 AND id = ANY($2) AND advisor_id IS NOT NULL"
_WORDINGS = "SELECT key, channel, language, subject, body, html FROM message_templates WHERE store_id = $1"


@dataclass(frozen=True)
class Person:
    """A member of the staff as a message names one."""

    name: str
    phone: str | None


@dataclass
class Numbers:
    """What stands against numbers: opt-outs, and earlier sends for the caps (with the message that made each)."""

    opt_outs: Mapping[bytes, frozenset[tuple[str, str]]] = field(default_factory=dict)
    sends: dict[bytes, list[Sent]] = field(default_factory=dict)

    def add(self, number: bytes, at: datetime, purpose: Purpose) -> None:
        """A send of this batch counts for the next message of the same batch."""
        self.sends.setdefault(number, []).append(Sent(at, purpose))


async def visits_of(conn: Connection, store_id: UUID, visit_ids: Collection[UUID]) -> dict[UUID, Row]:
    """Visits with their customer and vehicle, by id."""
    return {row["id"]: row for row in await conn.fetch(_VISITS, store_id, list(visit_ids))}


async def points_of(
    conn: Connection, store_id: UUID, customer_ids: Collection[UUID], kinds: Collection[str]
) -> dict[UUID, list[Row]]:
    """Phones and e-mail addresses not known to be wrong, best first, by customer."""
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in await conn.fetch(_POINTS, store_id, list(customer_ids), list(kinds)):
        found[row["customer_id"]].append(row)
    return found


async def numbers_of(conn: Connection, indexes: Collection[bytes], now: datetime, *, without: Collection[UUID] = ()) -> Numbers:
    """Opt-outs and the last month's sends of these numbers, over all stores; not the sends of the messages `without`."""
    wanted = list(indexes)
    opt_outs: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
    for row in await conn.fetch(_OPT_OUTS, wanted):
        opt_outs[row["number_index"]].add((row["channel"], row["scope"]))
    numbers = Numbers({number: frozenset(pairs) for number, pairs in opt_outs.items()})
    left_out = frozenset(without)
    for row in await conn.fetch(_SENDS, wanted, now - LONGEST_CAP):
        if row["message_id"] not in left_out:
            numbers.add(row["number_index"], row["at"], Purpose(row["purpose"]))
    return numbers


async def consents_of(conn: Connection, store_id: UUID, customer_ids: Collection[UUID]) -> Consents:
    """What each customer said: (purpose, channel, withdrawn) of every consent."""
    found: Consents = defaultdict(list)
    for row in await conn.fetch(_CONSENTS, store_id, list(customer_ids)):
        found[row["customer_id"]].append((row["purpose"], row["channel"], row["withdrawn"]))
    return found


async def people_of(conn: Connection, store_id: UUID, rows: Sequence[Row]) -> tuple[dict[UUID, Person], dict[UUID, UUID]]:
    """Staff that the visits name: (by id, advisor of each visit by visit id)."""
    orders = {row["trigger_id"]: row["id"] for row in rows if row["trigger_type"].startswith("work_order")}
    advisors: dict[UUID, UUID] = {}
    if orders:
        advisor_of = {row["id"]: row["advisor_id"] for row in await conn.fetch(_ADVISORS, store_id, list(orders))}
        advisors = {
            row["id"]: advisor_of[row["trigger_id"]]
            for row in rows
            if row["trigger_id"] in advisor_of and row["trigger_type"].startswith("work_order")
        }
    ids = {row["assignee_id"] for row in rows if row["assignee_id"]} | set(advisors.values())
    if not ids:
        return {}, advisors
    found = await conn.fetch(_PEOPLE, store_id, list(ids))
    return {row["id"]: Person(row["name"], row["phone"]) for row in found}, advisors


async def wordings_of(conn: Connection, store_id: UUID) -> dict[tuple[str, str, str], Wording]:
    """The store's own wordings."""
    rows = await conn.fetch(_WORDINGS, store_id)
    return {(row["key"], row["channel"], row["language"]): Wording(**dict(row.items())) for row in rows}
