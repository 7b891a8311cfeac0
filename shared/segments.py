"""Segments against the files of a store: who is meant, and what stands against reaching each. Reads only, by set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from shared.db import Connection
from shared.domain.calendar import add_months
from shared.domain.campaign import Reach
from shared.domain.segment import Between, Segment
from shared.stores import StoreContext

CAPS = ((1, 7), (3, 30))  # marketing messages to a number in so many days, as in shared.domain.consent
GAP_AFTER_COMPLAINT_DAYS = 7
KIND = {"phone": "phone", "sms": "phone", "email": "email"}
Condition = tuple[str, object]

_BY_CUSTOMER = "SELECT c.id AS customer_id, NULL::uuid AS vehicle_id, c.name, NULL AS plate FROM customers c"
_BY_CAR = """
    SELECT {once} c.id AS customer_id, v.id AS vehicle_id, c.name, v.plate FROM customers c
    JOIN vehicles v ON v.store_id = c.store_id AND v.customer_id = c.id AND v.ended_at IS NULL AND NOT v.excluded
"""
_LAST_VISIT = """
    (SELECT max((w.closed_at AT TIME ZONE {zone})::date) FROM work_orders w
     WHERE w.store_id = c.store_id AND w.customer_id = c.id AND w.kind <> 'internal')
"""
_SPENT = """
    (SELECT coalesce(sum(w.fee_fen), 0) FROM work_orders w
     WHERE w.store_id = c.store_id AND w.customer_id = c.id AND w.kind <> 'internal' AND w.closed_at >= {since})
"""
_BEGAN = """
    coalesce((SELECT max(s.delivered_on) FROM sales s WHERE s.store_id = v.store_id AND s.vehicle_id = v.id), v.purchased_on)
"""
_MILEAGE = """
    (SELECT m.km FROM mileage_readings m WHERE m.store_id = v.store_id AND m.vehicle_id = v.id ORDER BY m.read_on DESC LIMIT 1)
"""
_VOUCHER = "EXISTS (SELECT FROM vouchers o WHERE o.store_id = c.store_id AND o.customer_id = c.id AND {})"
_VOUCHER_STATES = {
    "open": "o.redeemed_at IS NULL AND o.cancelled_at IS NULL AND o.valid_to >= {}",
    "expired": "o.redeemed_at IS NULL AND o.cancelled_at IS NULL AND o.valid_to < {}",
    "redeemed": "o.redeemed_at IS NOT NULL AND {}::date IS NOT NULL",
}
# A number counts for the channel when it is not marked wrong, here or (dead) anywhere, and can take what is sent.
_REACH = """
    SELECT c.id, c.deceased_at IS NOT NULL AS deceased, p.numbers, p.free, p.capped,
        (SELECT bool_or(n.withdrawn_at IS NULL) FROM consents n WHERE n.store_id = c.store_id AND n.customer_id = c.id
         AND n.purpose = 'marketing' AND n.channel IN ($3, 'all')) AS consent,
        EXISTS (SELECT FROM complaints k WHERE k.store_id = c.store_id AND k.customer_id = c.id
                AND (k.state NOT IN ('closed', 'closed_unconfirmed', 'rejected') OR k.closed_at > $5)) AS complaint
    FROM customers c CROSS JOIN LATERAL (
        SELECT count(*) AS numbers, count(*) FILTER (WHERE NOT i.refused) AS free,
               count(*) > 0 AND bool_and(i.refused OR i.capped) AND bool_or(i.capped) AS capped
        FROM (
            SELECT EXISTS (SELECT FROM opt_outs o WHERE o.number_index = q.value_index AND o.channel IN ($3, 'all')
                           AND o.revoked_at IS NULL) AS refused,
                   {capped} AS capped
            FROM contact_points q LEFT JOIN numbers d ON d.number_index = q.value_index
            WHERE q.store_id = c.store_id AND q.customer_id = c.id AND q.kind = $4 AND q.wrong_at IS NULL
              AND d.wrong_reason IS DISTINCT FROM 'invalid' AND ($3 <> 'sms' OR q.textable)
        ) i
    ) p
    WHERE c.store_id = $1 AND c.id = ANY($2)
"""
_CAPPED = """
    EXISTS (SELECT FROM unnest($6::int[], $7::timestamptz[]) AS cap(most, since)
            WHERE (SELECT count(*) FROM number_sends s WHERE s.number_index = q.value_index AND s.purpose = 'marketing'
                   AND s.at > cap.since) >= cap.most)
"""
_WITH_CAPS, _WITHOUT_CAPS = _REACH.format(capped=_CAPPED), _REACH.format(capped="false")
_VINS = "SELECT vin FROM vehicles WHERE store_id = $1 AND vin = ANY($2) AND ended_at IS NULL"


@dataclass(frozen=True)
class Candidate:
    """A customer, or a car of one, whom the segment means."""

    customer_id: UUID
    vehicle_id: UUID | None
    name: str
    plate: str | None


async def candidates(
    conn: Connection, store: StoreContext, segment: Segment, *, each_car: bool, now: datetime
) -> list[Candidate]:
    """Whom a segment means, in a stable order; `each_car`: every car by itself (a recall), else each customer once."""
    about_cars = each_car or segment.about_cars
    once = "" if each_car else "DISTINCT ON (c.id)"
    values: list[object] = [store.id]
    clauses = ["c.store_id = $1", "c.merged_into IS NULL"]
    for sql, value in _conditions(segment, store, store.calendar.day_of(now)):
        values.append(value)
        clauses.append(sql.format(f"${len(values)}"))
    select = _BY_CAR.format(once=once) if about_cars else _BY_CUSTOMER
    order = "c.id, v.id" if about_cars else "c.id"
    rows = await conn.fetch(f"{select} WHERE {' AND '.join(clauses)} ORDER BY {order}", *values)
    return [Candidate(row["customer_id"], row["vehicle_id"], row["name"], row["plate"]) for row in rows]


async def reaches(
    conn: Connection, store: StoreContext, customer_ids: Collection[UUID], channel: str, *, now: datetime, caps: bool = True
) -> Mapping[UUID, Reach]:
    """What stands against reaching each customer by a channel. `caps`: whether earlier messages of all stores are counted too."""
    gap = now - timedelta(days=_setting(store, "gap_after_complaint_days", GAP_AFTER_COMPLAINT_DAYS))
    values: list[object] = [store.id, list(set(customer_ids)), channel, KIND[channel], gap]
    if caps:
        counted = (store.policies.get("contact") or {}).get("marketing_caps") or CAPS
        values += [[most for most, _ in counted], [now - timedelta(days=days) for _, days in counted]]
    rows = await conn.fetch(_WITH_CAPS if caps else _WITHOUT_CAPS, *values)
    return {
        row["id"]: Reach(
            row["deceased"],
            row["numbers"],
            row["free"],
            row["consent"],
            row["complaint"],
            bool(row["capped"]) and channel != "phone",
        )
        for row in rows
    }


async def unknown_vins(conn: Connection, store_id: UUID, vins: Collection[str]) -> list[str]:
    """Those of a recall's VINs that no car of the store has."""
    known = {row["vin"] for row in await conn.fetch(_VINS, store_id, list(vins))}
    return [vin for vin in vins if vin not in known]


def _setting(store: StoreContext, name: str, default: int) -> int:
    value = (store.policies.get("contact") or {}).get(name)
    return value if isinstance(value, int) else default


def _conditions(segment: Segment, store: StoreContext, today: date) -> Iterator[Condition]:
    """Each condition as SQL with `{}` for its value."""
    yield from _of_the_file(segment)
    yield from _of_visits(segment, store, today)
    yield from _of_the_car(segment, today)


def _of_the_file(segment: Segment) -> Iterator[Condition]:
    lists: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("c.lifecycle = ANY({})", segment.lifecycle),
        ("c.flags && {}", segment.flags),
        ("NOT c.flags && {}", segment.without_flags),
        ("c.service_preferences && {}", segment.service_preferences),
        ("c.preferred_channel = ANY({})", segment.preferred_channels),
        ("c.holder_id = ANY({})", segment.holder_ids),
        ("c.id = ANY({})", segment.customer_ids),
    )
    yield from ((sql, list(values)) for sql, values in lists if values)
    if segment.regions:
        yield "concat(c.region, ' ', c.address) ILIKE ANY({})", [_part(text) for text in segment.regions]
    if segment.tier is not None:
        yield "('high_value' = ANY(c.flags)) = {}", segment.tier == "high_value"


def _of_visits(segment: Segment, store: StoreContext, today: date) -> Iterator[Condition]:
    last = _LAST_VISIT.format(zone=f"'{store.timezone}'")
    if segment.last_visit_before is not None:
        yield f"{last} < {{}}", segment.last_visit_before
    if segment.last_visit_after is not None:
        yield f"{last} > {{}}", segment.last_visit_after
    if segment.spent is not None:
        since = store.calendar.at(add_months(today, -segment.spent.months), time(0))
        spent = _SPENT.format(since=f"'{since.isoformat()}'::timestamptz")
        yield from _between(spent, segment.spent.amount_fen)
    if segment.voucher is not None:
        wanted = segment.voucher
        yield _VOUCHER.format(_VOUCHER_STATES[wanted.state] + _more_of_voucher(wanted.kind, wanted.expires_before)), today


def _more_of_voucher(kind: str | None, expires_before: date | None) -> str:
    """Both are checked values: a word of our own list, a date."""
    named = f" AND o.kind = '{kind}'" if kind else ""
    return named + (f" AND o.valid_to < '{expires_before.isoformat()}'" if expires_before else "")


def _of_the_car(segment: Segment, today: date) -> Iterator[Condition]:
    if segment.models:
        yield "replace(v.model, ' ', '') ILIKE ANY({})", [_part(text.replace(" ", "")) for text in segment.models]
    if segment.vins:
        yield "v.vin = ANY({})", list(segment.vins)
    if segment.mileage_km is not None:
        yield from _between(_MILEAGE, segment.mileage_km)
    age = segment.car_age_months
    if age is not None and age.least is not None:
        yield f"{_BEGAN} <= {{}}", add_months(today, -age.least)
    if age is not None and age.most is not None:
        yield f"{_BEGAN} > {{}}", add_months(today, -age.most - 1)
    if segment.delivered_after is not None:
        yield f"{_BEGAN} > {{}}", segment.delivered_after
    if segment.delivered_before is not None:
        yield f"{_BEGAN} < {{}}", segment.delivered_before


def _between(sql: str, between: Between) -> Iterator[Condition]:
    if between.least is not None:
        yield f"{sql} >= {{}}::bigint", between.least
    if between.most is not None:
        yield f"{sql} <= {{}}::bigint", between.most


def _part(text: str) -> str:
    """A text anywhere within another, as LIKE writes it."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
