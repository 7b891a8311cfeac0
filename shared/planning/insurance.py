"""The insurance of cars as facts: policies that end, accidents, and who holds the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.programme import Fact, Trigger
from shared.domain.renewal import SUCCEEDS_AFTER_DAYS, holder_role
from shared.stores import StoreContext

RENEWAL = "renewal_specialist"
_GONE = "c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL OR v.ended_at IS NOT NULL OR v.excluded"
_SOLD = """
    LEFT JOIN LATERAL (
        SELECT delivered_on, insurance_specialist_id, renewal_specialist_id, renewal_moved_on FROM sales
        WHERE store_id = p.store_id AND vehicle_id = p.vehicle_id ORDER BY delivered_on DESC LIMIT 1) s ON true
"""
_POLICIES = f"""
    SELECT p.id, p.customer_id, p.vehicle_id, p.expires_on, {_GONE} AS excluded, s.insurance_specialist_id, s.renewal_specialist_id,
           CASE WHEN p.result IS NOT NULL THEN p.result
                WHEN EXISTS (SELECT FROM insurance_policies n WHERE n.store_id = p.store_id AND n.vehicle_id = p.vehicle_id
                             AND n.expires_on >= p.expires_on + {SUCCEEDS_AFTER_DAYS}) THEN 'renewed' END AS result,
           EXISTS (SELECT FROM visits r WHERE r.store_id = p.store_id AND r.trigger_id = p.id AND r.programme = 'renewal'
                   AND r.closed_at IS NULL) AS renewal_visit
    FROM insurance_policies p
    JOIN vehicles v ON v.store_id = p.store_id AND v.id = p.vehicle_id
    JOIN customers c ON c.store_id = p.store_id AND c.id = p.customer_id
    {_SOLD}
    WHERE p.store_id = $1 AND p.id = ANY($2)
"""
_ACCIDENTS = f"""
    SELECT p.id, p.customer_id, p.vehicle_id, p.reported_at, p.claim_closed_on, p.happened_on, {_GONE} AS excluded,
           s.delivered_on, s.insurance_specialist_id, s.renewal_specialist_id, s.renewal_moved_on,
           EXISTS (SELECT FROM insurance_policies i WHERE i.store_id = p.store_id AND i.vehicle_id = p.vehicle_id) AS insured,
           EXISTS (SELECT FROM insurance_policies i WHERE i.store_id = p.store_id AND i.vehicle_id = p.vehicle_id
                   AND p.happened_on BETWEEN coalesce(i.starts_on, (i.expires_on - interval '12 months')::date) AND i.expires_on
           ) AS covered
    FROM accidents p
    JOIN vehicles v ON v.store_id = p.store_id AND v.id = p.vehicle_id
    JOIN customers c ON c.store_id = p.store_id AND c.id = p.customer_id
    {_SOLD}
    WHERE p.store_id = $1 AND p.id = ANY($2)
"""


async def facts_of_policies(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """Two facts for each policy: it expires, and it nears its end with nobody calling about it, which is as of now."""
    rows = await conn.fetch(_POLICIES, store.id, list(ids))
    expiring = [_expiring(row, store) for row in rows]
    return [*expiring, *(_nearing(fact, row) for fact, row in zip(expiring, rows, strict=True))]


async def facts_of_accidents(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """One fact for each accident, with who holds the file and whether the claim is closed."""
    return [_accident(row, store) for row in await conn.fetch(_ACCIDENTS, store.id, list(ids))]


def _expiring(row: asyncpg.Record, store: StoreContext) -> Fact:
    attrs = {name: str(row[name]) for name in ("insurance_specialist_id", "renewal_specialist_id", "result") if row[name]}
    if row["renewal_visit"]:
        attrs["renewal_visit"] = "yes"
    return Fact(
        type=Trigger.POLICY_EXPIRES,
        id=row["id"],
        on=row["expires_on"],
        at=store.calendar.opening(row["expires_on"]),
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        excluded=row["excluded"],
        attrs=attrs,
    )


def _nearing(fact: Fact, row: asyncpg.Record) -> Fact:
    """With a result nobody need be reminded: it counts as if somebody were on it."""
    attrs = dict(fact.attrs) | ({"renewal_visit": "yes"} if row["result"] else {})
    return changed(fact, Trigger.POLICY_NEARS_END, attrs)


def changed(fact: Fact, trigger: Trigger, attrs: Mapping[str, str]) -> Fact:
    """The fact under another trigger, with other attributes."""
    return Fact(trigger, fact.id, fact.on, fact.at, fact.customer_id, fact.vehicle_id, excluded=fact.excluded, attrs=attrs)


def _accident(row: asyncpg.Record, store: StoreContext) -> Fact:
    attrs = {name: str(row[name]) for name in ("insurance_specialist_id", "renewal_specialist_id") if row[name]}
    day = store.calendar.day_of(row["reported_at"])
    attrs["holder_role"] = RENEWAL if row["renewal_moved_on"] else holder_role(row["delivered_on"], day)
    if row["claim_closed_on"]:
        attrs["claim_closed"] = "yes"
    if row["insured"] and not row["covered"]:
        attrs["covered"] = "no"
    return Fact(
        type=Trigger.ACCIDENT_REPORTED,
        id=row["id"],
        on=day,
        at=row["reported_at"],
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        excluded=row["excluded"],
        attrs=attrs,
    )
