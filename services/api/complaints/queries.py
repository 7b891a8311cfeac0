"""Reading complaints: with every clock, their words only for those whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import records
from services.api.complaints.schemas import Filters
from services.api.identities import Me
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.complaints import policy_of, standing_of
from shared.db import Connection
from shared.domain.complaint import CHECKLIST, CONTACT_WITHIN, Clock, State, clocks_of
from shared.errors import NotFound
from shared.stores import StoreContext

TABLE = "complaints"
WORDS = (
    "crisis_reasons", "text", "wish", "invalid_reason", "cause", "solution", "customer_opinion", "result", "summary", "measure",
    "compensation_fen", "late_reason", "pause_reason",
)  # fmt: skip
"""What only owner and managers may read."""

_HIDDEN = frozenset({"store_id", "crisis_checklist", "pauses", "round_at", "warned", "wake_at"})
_NEXT_BY = """
    CASE WHEN t.closed_at IS NOT NULL OR t.told_at IS NOT NULL THEN NULL WHEN t.responded_at IS NULL THEN t.respond_by
         WHEN t.handled_at IS NULL THEN t.handle_by ELSE t.tell_by END
"""
_LATE = f"(t.paused_at IS NULL AND coalesce({_NEXT_BY} < {{0}}, false))"
SORTS: Mapping[str, Sort] = {
    "next_by": Sort(f"coalesce({_NEXT_BY}, TIMESTAMPTZ '9999-01-01')", "timestamptz"),
    "-opened_at": Sort("t.opened_at", "timestamptz", True),
    "opened_at": Sort("t.opened_at", "timestamptz"),
}
_SELECT = """
    SELECT t.*, c.name AS customer_name, v.plate FROM complaints t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    LEFT JOIN vehicles v ON v.store_id = t.store_id AND v.id = t.vehicle_id
"""
_HISTORY = """
    SELECT id, at, kind, actor_kind, actor_id, detail FROM complaint_events WHERE store_id = $1 AND complaint_id = $2
    ORDER BY at, id LIMIT 1000
"""


class ComplaintNotFound(NotFound):
    """There is no such complaint."""

    code = "complaint_not_found"
    zh = "没有该投诉，或您无权知道。"


def may_read(me: Me, row: Mapping[str, Any] | asyncpg.Record) -> bool:
    """The words are for the owner and for managers (keys are bound by their scopes)."""
    return me.reads_all or (me.staff_id is not None and row["owner_id"] == me.staff_id)


async def complaint(
    conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, now: datetime, *, just_said: bool = False
) -> dict[str, Any]:
    """One complaint as it goes out; `just_said`: to whoever has this moment written its words. Raises ComplaintNotFound."""
    row = await conn.fetchrow(f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2", store.id, complaint_id)
    if row is None:
        raise ComplaintNotFound
    return shown(row, store, now, readable=just_said or may_read(me, row))


async def page_of_complaints(
    conn: Connection, store: StoreContext, me: Me, filters: Filters, sort: Sort, paging: Paging, now: datetime
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of complaints as they go out."""
    calendar = store.calendar
    where = [
        Where("t.state = ANY({})", [str(state) for state in filters.state] if filters.state else None),
        Where("t.kind = {}", filters.kind),
        Where("t.category = {}", filters.category),
        Where("t.department = {}", filters.department),
        Where("t.owner_id = {}", filters.owner_id),
        Where("t.customer_id = {}", filters.customer_id),
        Where("t.crisis = {}", filters.crisis),
        Where("(t.closed_at IS NULL) = {}", filters.open),
        Where("t.opened_at >= {}", calendar.at(filters.opened_from, time.min) if filters.opened_from else None),
        Where("t.opened_at < {}", calendar.at(filters.opened_to + timedelta(days=1), time.min) if filters.opened_to else None),
    ]
    if filters.overdue is not None:
        where.append(Where(_LATE if filters.overdue else f"NOT {_LATE}", now))
    rows, cursor = await records.page(conn, _SELECT, store.id, where, sort, paging)
    return [shown(row, store, now, readable=may_read(me, row)) for row in rows], cursor


async def history(conn: Connection, store: StoreContext, complaint_id: UUID) -> list[dict[str, Any]]:
    """Everything that happened with a complaint, oldest first."""
    return [_happened(row, store) for row in await conn.fetch(_HISTORY, store.id, complaint_id)]


def _happened(row: asyncpg.Record, store: StoreContext) -> dict[str, Any]:
    person = store.staff.get(row["actor_id"]) if row["actor_id"] else None
    return {**dict(row), "detail": orjson.loads(row["detail"]), "actor": person.name if person else None}


def shown(row: asyncpg.Record, store: StoreContext, now: datetime, *, readable: bool) -> dict[str, Any]:
    """A complaint as it goes out."""
    out = {name: value for name, value in row.items() if name not in _HIDDEN and name != "sort_key"}
    clocks = clocks_of(standing_of(row), policy_of(store))
    next_by = _next_by(row)
    owner = store.staff.get(row["owner_id"]) if row["owner_id"] else None
    out |= {
        "owner_name": owner.name if owner else None,
        "readable": readable,
        "next_by": next_by,
        "overdue": next_by is not None and row["paused_at"] is None and next_by < now,
        "clocks": [_clock(clock, store, now) for clock in clocks],
    }
    return out if readable else out | dict.fromkeys(WORDS)


def checklist(row: asyncpg.Record) -> dict[str, Any]:
    """The checklist of a crisis; of a complaint that is none, with nothing done."""
    kept: dict[str, Any] = orjson.loads(row["crisis_checklist"]) if row["crisis_checklist"] else {}
    done, at = kept.get("items") or {}, _instant(kept.get("at"))
    items = [
        {
            "key": item.key,
            "zh": item.zh,
            "en": item.en,
            "done_at": _instant(done.get(item.key, {}).get("at")),
            "done_by": done.get(item.key, {}).get("by"),
            "note": done.get(item.key, {}).get("note"),
        }
        for item in CHECKLIST
    ]
    contact_by = _instant(kept.get("contact_by")) or (at + CONTACT_WITHIN if at else None)
    return {
        "complaint_id": row["id"], "crisis": row["crisis"], "declared_at": at, "contact_by": contact_by, "items": items,
    }  # fmt: skip


def _next_by(row: asyncpg.Record) -> datetime | None:
    if row["closed_at"] is not None or row["told_at"] is not None or State(row["state"]) is State.REJECTED:
        return None
    pairs = (("responded_at", "respond_by"), ("handled_at", "handle_by"), ("told_at", "tell_by"))
    found: datetime | None = next((row[by] for done, by in pairs if row[done] is None), None)
    return found


def _clock(clock: Clock, store: StoreContext, now: datetime) -> dict[str, Any]:
    return {
        "name": str(clock.name),
        "way": str(clock.way),
        "start": clock.start,
        "by": clock.by,
        "done_at": clock.done_at,
        "paused": clock.stopped_at is not None,
        "used_percent": clock.used(now, store.calendar),
        "late": clock.late(now),
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
