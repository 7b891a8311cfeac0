"""Planned visits as rows: one INSERT … SELECT FROM unnest for any number, what is there already is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import PlannedVisit, Programme
from shared.events import NOTIFY_DUE, NOTIFY_FEED, Actor, feed
from shared.ids import new_id
from shared.planning.gifts import issue_with
from shared.planning.people import Assigned
from shared.wakes import wake

CHUNK = 4000
NEXT_STEP: Mapping[str, str] = {"sms": "sms", "email": "email", "letter": "letter"}
PLANNED, EXPIRED = "planned", "expired"

# Column of the row, type of the array it comes in.
_ARRAYS = (
    ("id", "uuid"), ("customer_id", "uuid"), ("vehicle_id", "uuid"), ("programme", "text"), ("programme_version", "int"),
    ("step", "text"), ("occurrence", "int"), ("tier", "text"), ("purposes", "text"), ("role", "text"), ("assignee_id", "uuid"),
    ("channel", "text"), ("message_template", "text"), ("state", "text"), ("state_reason", "text"), ("follows_visit_id", "uuid"),
    ("due_on", "date"), ("due_at", "timestamptz"), ("window_start", "timestamptz"), ("window_end", "timestamptz"),
    ("target_at", "timestamptz"), ("promised_at", "timestamptz"), ("trigger_type", "text"), ("trigger_id", "uuid"),
    ("trigger_at", "timestamptz"), ("callee_name", "text"), ("callee_phone", "bytea"), ("callee_phone_index", "bytea"),
    ("on_missed", "text"), ("next_step", "text"), ("next_at", "timestamptz"),
)  # fmt: skip
_NAMES = tuple(name for name, _ in _ARRAYS)
_NOW = f"${len(_ARRAYS) + 2}"

_INSERT = f"""
    INSERT INTO visits (store_id, {", ".join(_NAMES)}, next_reason, wake_at, late, due_seq, tries, closed_at, created_at,
                        updated_at, version)
    SELECT $1, {", ".join("string_to_array(p.purposes, ',')" if name == "purposes" else f"p.{name}" for name in _NAMES)},
           CASE WHEN p.state = 'planned' THEN 'planned' END, p.next_at, false, 0, 0,
           CASE WHEN p.state = 'expired' THEN {_NOW}::timestamptz END, {_NOW}, {_NOW}, 1
    FROM unnest({", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(_ARRAYS, start=2))}) AS p({", ".join(_NAMES)})
    ON CONFLICT (store_id, trigger_id, programme, step, occurrence) DO NOTHING
    RETURNING id
"""
_EVENTS = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, e.id, e.visit_id, $2, e.kind, $3, $4, e.detail::jsonb
    FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[]) AS e(id, visit_id, kind, detail)
"""
_CALLEES = """
    SELECT id, contact_name, contact_phone, contact_phone_index FROM work_orders
    WHERE store_id = $1 AND id = ANY($2) AND contact_phone IS NOT NULL
"""


@dataclass(frozen=True)
class Draft:
    """A planned visit with its programme and its person."""

    visit: PlannedVisit
    programme: Programme
    assigned: Assigned


@dataclass(frozen=True)
class Callee:
    """Who brought the car, when that was not the owner."""

    name: str | None
    phone: str
    phone_index: bytes


@dataclass(frozen=True)
class Written:
    """How many rows came about, by state."""

    planned: int = 0
    expired: int = 0


async def write_visits(
    conn: Connection, store_id: UUID, drafts: Sequence[Draft], *, now: datetime, actor: Actor, vault: Vault | None
) -> Written:
    """Insert the visits that are not there yet, each with the event that tells why and the vouchers that it brings."""
    planned = expired = 0
    for start in range(0, len(drafts), CHUNK):
        chunk = drafts[start : start + CHUNK]
        callees = await _callees(conn, store_id, chunk, vault) if vault else {}
        ids = [new_id() for _ in chunk]
        rows = [_row(draft, id_, store_id, callees, vault) for draft, id_ in zip(chunk, ids, strict=True)]
        made = {row["id"] for row in await conn.fetch(_INSERT, store_id, *zip(*rows, strict=True), now)}
        await wake(conn, store_id, made)
        written = [(id_, draft) for id_, draft in zip(ids, chunk, strict=True) if id_ in made]
        await write_events(conn, store_id, [(id_, d.visit.state, why(d)) for id_, d in written], now=now, actor=actor)
        expired += (over := sum(draft.visit.state == EXPIRED for _, draft in written))
        planned += len(written) - over
        await issue_with(conn, store_id, {id_: (draft.visit, draft.programme) for id_, draft in written}, now=now)
    return Written(planned, expired)


async def write_events(
    conn: Connection, store_id: UUID, events: Iterable[tuple[UUID, str, Mapping[str, object]]], *, now: datetime, actor: Actor
) -> None:
    """Append (visit, kind, detail) to the histories of visits."""
    rows = [(new_id(), visit_id, kind, orjson.dumps(detail, str).decode()) for visit_id, kind, detail in events]
    if rows:
        await conn.execute(_EVENTS, store_id, now, actor.kind, actor.id, *zip(*rows, strict=True))


async def tell(conn: Connection, store_id: UUID, count: int) -> None:
    """Wake the scheduler and the live feeds when visits came about or moved."""
    if count:
        await conn.execute(
            "SELECT pg_notify($1, $2), pg_notify($3, $4)", NOTIFY_DUE, str(store_id), NOTIFY_FEED, feed(store_id, "visit")
        )


def why(draft: Draft) -> dict[str, object]:
    """The reason of a visit for /why: rule → trigger → shifts → whose."""
    visit = draft.visit
    detail: dict[str, object] = {
        "rule": {
            "programme": visit.programme,
            "step": visit.step,
            "occurrence": visit.occurrence,
            "version": visit.version,
            "policy": visit.policy,
        },
        "trigger": {"type": visit.trigger_type, "id": visit.trigger_id, "at": visit.trigger_at.isoformat()},
        "due_on": visit.due_on.isoformat(),
        "shifts": visit.shifts,
        "assigned": {"to": draft.assigned.staff_id, "why": draft.assigned.why},
    }
    if visit.reason:
        detail["reason"] = visit.reason
    if visit.follows_visit_id:
        detail["follows"] = visit.follows_visit_id
    return detail


async def _callees(conn: Connection, store_id: UUID, drafts: Sequence[Draft], vault: Vault) -> dict[UUID, Callee]:
    """Who brought the car, by work order."""
    orders = list({d.visit.trigger_id for d in drafts if d.visit.trigger_type.startswith("work_order.")})
    rows = await conn.fetch(_CALLEES, store_id, orders) if orders else []
    return {
        row["id"]: Callee(
            row["contact_name"],
            vault.open(row["contact_phone"], "work_orders", "contact_phone", store_id, row["id"]),
            row["contact_phone_index"],
        )
        for row in rows
    }


def _row(draft: Draft, id_: UUID, store_id: UUID, callees: Mapping[UUID, Callee], vault: Vault | None) -> tuple[object, ...]:
    """The values of a row in the order of _ARRAYS."""
    visit, step = draft.visit, draft.programme.step(draft.visit.step)
    waits = visit.state == PLANNED
    callee = callees.get(visit.trigger_id)
    sealed = vault.seal(callee.phone, "visits", "callee_phone", store_id, id_) if callee and vault else None
    return (
        id_, visit.customer_id, visit.vehicle_id, visit.programme, visit.version,
        visit.step, visit.occurrence, draft.programme.tier, ",".join(visit.purposes), visit.role, draft.assigned.staff_id,
        visit.channel, visit.message, visit.state, visit.reason, visit.follows_visit_id,
        visit.due_on, visit.due_at, visit.window_start, visit.window_end,
        visit.target_at, visit.promised_at, str(visit.trigger_type), visit.trigger_id,
        visit.trigger_at, callee.name if callee else None, sealed, callee.phone_index if callee else None,
        step.on_missed, NEXT_STEP.get(visit.channel, "call") if waits else None,
        (visit.promised_at or visit.due_at) if waits else None,
    )  # fmt: skip
