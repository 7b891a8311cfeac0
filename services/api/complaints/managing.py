"""What is done about a complaint beside its course: another owner, a pause, a later deadline, the countersign, a crisis."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import audit
from services.api.complaints.actions import WORKING, WrongState, check_owner, entered, resumed
from services.api.complaints.schemas import ComplaintPatch, CrisisIn, ExtendIn, ItemIn, RegionalIn, RejectIn
from services.api.etags import Expected
from services.api.identities import Me
from shared.complaints import put, record, standing_of
from shared.complaints.opening import ask_for_report, first_clocks, tell_of_crisis
from shared.complaints.telling import finish_tasks, move_response
from shared.complaints.telling import tell as tell_staff
from shared.db import Connection
from shared.domain.complaint import (
    CHECKLIST,
    CONTACT_WITHIN,
    LAST_LEVEL,
    MANAGER_OF,
    OPEN_STATES,
    Department,
    Kind,
    State,
    new_checklist,
    tick,
    untick,
)
from shared.errors import Conflict, Forbidden, Invalid
from shared.stores import StoreContext

KEYS = frozenset(item.key for item in CHECKLIST)
PAUSABLE = (State.RESPONDED, State.HANDLING)
ALL_TASKS = (
    "complaint_respond", "complaint_attitude", "complaint_crisis", "response_overdue", "contact_overdue", "handling_overdue",
    "telling_overdue", "complaint_unconfirmed",
)  # fmt: skip


class AlreadyPaused(Conflict):
    """Its clocks stand still already."""

    code = "complaint_paused"
    zh = "该投诉已暂停计时。"


class NotPaused(Conflict):
    """Its clocks are running."""

    code = "complaint_not_paused"
    zh = "该投诉没有暂停计时。"


class NoCrisis(Conflict):
    """The complaint is no crisis; it has no checklist."""

    code = "complaint_no_crisis"
    zh = "该投诉不是危机事件，没有处理清单。"


async def change(
    conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: ComplaintPatch, expected: Expected, *, now: datetime
) -> None:
    """Write down what was given; another kind has other clocks. Raises ComplaintNotFound, Forbidden, Stale, Invalid, WrongState."""
    row = await entered(conn, me, complaint_id, expected)
    given = {name: value for name, value in body.given.items() if name != "reason"}
    new_owner = given.get("owner_id") if given.get("owner_id") != row["owner_id"] else None
    check_owner(store, new_owner)
    values: dict[str, Any] = {
        name: str(v) if name in ("kind", "category", "severity", "department") else v for name, v in given.items()
    }
    if values.get("kind", row["kind"]) != row["kind"]:
        values |= _of_other_kind(row, store, Kind(values["kind"]))
    done = await put(conn, store, complaint_id, values, now=now)
    plain = sorted(given.keys() - {"owner_id"})
    events: list[tuple[UUID, str, dict[str, object]]] = [(complaint_id, "changed", {"fields": plain})] if plain else []
    if new_owner is not None:
        events.append((complaint_id, "owner_changed", {"from": row["owner_id"], "to": new_owner, "reason": body.reason}))
        await move_response(conn, store.id, complaint_id, new_owner)
        await tell_staff(conn, store, done, "complaint_opened", staff_ids=[new_owner], ref=f":{done['reopened']}",
                         by=done["respond_by"], now=now)  # fmt: skip
    await record(conn, store.id, events, now=now, actor=me.actor)
    if done["kind"] == Kind.ATTITUDE and row["kind"] != Kind.ATTITUDE:
        await tell_staff(conn, store, done, "complaint_attitude", level=LAST_LEVEL, by=done["respond_by"], now=now)
    await audit.note(conn, me, "complaint.changed", "complaint", complaint_id, now=now, detail={"fields": sorted(given)})


async def pause(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, reason: str, *, now: datetime) -> None:
    """Handling and telling stand still, for a reason; the first response does not wait. Raises WrongState, AlreadyPaused."""
    row = await entered(conn, me, complaint_id)
    if row["paused_at"] is not None:
        raise AlreadyPaused
    if row["state"] not in PAUSABLE:
        raise WrongState(row["state"])
    await put(conn, store, complaint_id, {"paused_at": now, "pause_reason": reason}, now=now)
    await record(conn, store.id, [(complaint_id, "paused", {"reason": reason})], now=now, actor=me.actor)


async def resume(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, *, now: datetime) -> None:
    """The clocks go on with what was left. Raises NotPaused."""
    row = await entered(conn, me, complaint_id)
    if row["paused_at"] is None:
        raise NotPaused
    done = await put(conn, store, complaint_id, resumed(row, store, now), now=now)
    moved = {"handle_by": done["handle_by"], "tell_by": done["tell_by"]}
    await record(conn, store.id, [(complaint_id, "resumed", moved)], now=now, actor=me.actor)


async def extend(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: ExtendIn, *, now: datetime) -> None:
    """A later deadline, by a manager and with a reason. Raises WrongState, Invalid."""
    row = await entered(conn, me, complaint_id)
    if State(row["state"]) not in WORKING or row["handled_at"] is not None:
        raise WrongState(row["state"])
    if body.handle_by <= max(now, row["handle_by"]):
        raise Invalid("须晚于现在和原时限 / later than now and than it was", "/handle_by")
    values = {
        "handle_by": body.handle_by, "late_reason": body.reason, "late_approved_by": me.staff_id,
        "warned": [key for key in row["warned"] if not key.startswith("handle:")],
    }  # fmt: skip
    await put(conn, store, complaint_id, values, now=now)
    story: dict[str, object] = {"from": row["handle_by"], "to": body.handle_by, "reason": body.reason}
    await record(conn, store.id, [(complaint_id, "extended", story)], now=now, actor=me.actor)
    await audit.note(conn, me, "complaint.extended", "complaint", complaint_id, now=now)


async def reject(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: RejectIn, *, now: datetime) -> None:
    """Not valid: explained to the customer, with the reason on record. Raises WrongState once the result was told."""
    row = await entered(conn, me, complaint_id)
    if State(row["state"]) not in WORKING:
        raise WrongState(row["state"])
    values = {
        "state": str(State.REJECTED), "valid": False, "invalid_reason": body.reason, "closed_at": now,
        "responded_at": row["responded_at"] or now, "paused_at": None, "pause_reason": None,
    }  # fmt: skip
    await put(conn, store, complaint_id, values, now=now)
    await record(conn, store.id, [(complaint_id, "rejected", {"reason": body.reason})], now=now, actor=me.actor)
    await finish_tasks(conn, store.id, complaint_id, ALL_TASKS, now=now, by=me.staff_id)
    await audit.note(conn, me, "complaint.rejected", "complaint", complaint_id, now=now)


async def sign_off(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, note: str | None, *, now: datetime) -> None:
    """The department's manager countersigns; said twice it stands as first said. Raises Forbidden for other departments' managers."""
    row = await entered(conn, me, complaint_id)
    own = MANAGER_OF[Department(row["department"] or Department.SERVICE)]
    if me.caller.kind == "staff" and not me.is_admin and not me.roles & {own, "general_manager"}:
        raise Forbidden
    if row["signed_off_at"] is not None:
        return
    await put(conn, store, complaint_id, {"signed_off_at": now, "signed_off_by": me.staff_id}, now=now)
    late = row["sign_off_by"] is not None and now > row["sign_off_by"]
    await record(conn, store.id, [(complaint_id, "signed_off", {"note": note, "late": late})], now=now, actor=me.actor)
    await finish_tasks(conn, store.id, complaint_id, ["complaint_sign_off", "sign_off_missing"], now=now, by=me.staff_id)


async def declare_crisis(
    conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: CrisisIn, *, now: datetime
) -> None:
    """It is a crisis: the general manager at once, contact within the hour, a checklist. Raises WrongState when it is closed."""
    row = await entered(conn, me, complaint_id)
    if State(row["state"]) not in OPEN_STATES:
        raise WrongState(row["state"])
    reasons = list(dict.fromkeys([*row["crisis_reasons"], *map(str, body.reasons)]))
    values: dict[str, object] = {"crisis": True, "crisis_reasons": reasons, "level": LAST_LEVEL}
    if not row["crisis"]:
        kept = new_checklist(now, responded=row["responded_at"] is not None)
        values["crisis_checklist"] = tick(kept, "general_manager", now, "system")
        if row["responded_at"] is None:
            values["respond_by"] = min(row["respond_by"], now + CONTACT_WITHIN)
    done = await put(conn, store, complaint_id, values, now=now)
    story: dict[str, object] = {"reasons": reasons, "note": body.note}
    await record(conn, store.id, [(complaint_id, "crisis", story)], now=now, actor=me.actor)
    if not row["crisis"]:
        await tell_of_crisis(conn, store, done, now=now, by=standing_of(done).contact_by or done["respond_by"])
    await audit.note(conn, me, "complaint.crisis", "complaint", complaint_id, now=now, detail={"reasons": reasons})


async def mark_item(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: ItemIn, *, now: datetime) -> None:
    """An item of the checklist is done, or open again. Raises NoCrisis, Invalid for an item there is not."""
    row = await entered(conn, me, complaint_id)
    if not row["crisis"]:
        raise NoCrisis
    if body.item not in KEYS:
        raise Invalid(f"{', '.join(sorted(KEYS))}", "/item")
    kept = orjson.loads(row["crisis_checklist"])
    kept = tick(kept, body.item, now, str(me.staff_id or me.caller.kind), body.note) if body.done else untick(kept, body.item)
    await put(conn, store, complaint_id, {"crisis_checklist": kept}, now=now)
    story: dict[str, object] = {"item": body.item, "done": body.done, "note": body.note}
    await record(conn, store.id, [(complaint_id, "checklist", story)], now=now, actor=me.actor)
    if body.item == "regional" and body.done and row["regional_at"] is None:
        await _report(conn, store, me, row, body.note, now)
    if body.item == "contact" and body.done:
        await _finish(conn, store, me, complaint_id, ["contact_overdue", "complaint_crisis"], now)


async def regional(conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, body: RegionalIn, *, now: datetime) -> None:
    """The house cannot settle it: a task to report to the regional office at once; or the report was made (S3)."""
    row = await entered(conn, me, complaint_id)
    if body.reported:
        if row["regional_at"] is None:
            await _report(conn, store, me, row, body.reason, now)
        return
    reason = body.reason or "cannot_be_solved"
    await record(conn, store.id, [(complaint_id, "regional_asked", {"reason": reason})], now=now, actor=me.actor)
    await ask_for_report(conn, store, row, reason, now=now)


def _of_other_kind(row: asyncpg.Record, store: StoreContext, kind: Kind) -> dict[str, object]:
    """The clocks of the loop as if it had been of this kind from its beginning."""
    if State(row["state"]) not in WORKING:
        raise WrongState(row["state"])
    clocks = first_clocks(store, kind, standing_of(row).since, crisis=row["crisis"])
    moved: dict[str, object] = {"handle_by": clocks["handle_by"]} if row["handled_at"] is None else {}
    return moved | ({"level": LAST_LEVEL} if kind is Kind.ATTITUDE else {})


async def _report(conn: Connection, store: StoreContext, me: Me, row: asyncpg.Record, note: str | None, now: datetime) -> None:
    values: dict[str, object] = {"regional_at": now}
    if row["crisis"]:
        kept = await conn.fetchval("SELECT crisis_checklist FROM complaints WHERE store_id = $1 AND id = $2", store.id, row["id"])
        values["crisis_checklist"] = tick(orjson.loads(kept), "regional", now, str(me.staff_id or me.caller.kind), note)
    await put(conn, store, row["id"], values, now=now)
    await record(conn, store.id, [(row["id"], "regional_reported", {"note": note})], now=now, actor=me.actor)
    await _finish(conn, store, me, row["id"], ["regional_report"], now)


async def _finish(
    conn: Connection, store: StoreContext, me: Me, complaint_id: UUID, kinds: Collection[str], now: datetime
) -> None:
    await finish_tasks(conn, store.id, complaint_id, kinds, now=now, by=me.staff_id)
