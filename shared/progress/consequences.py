"""What a decision leaves to be done beside the visit itself: tasks, a flag, another visit for another person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from shared.db import Connection
from shared.domain.ladder import Effect, FollowUp, NotifyManager, OpenTask, TaskKind
from shared.events import Actor
from shared.ids import new_id
from shared.notices import notify
from shared.progress import persons
from shared.progress.write import Change
from shared.stores import StoreContext
from shared.wakes import wake

MANAGERS = {"sales": "sales_manager", "club": "customer_manager", "service": "service_manager"}
NOTICES = {
    "deadline": "deadline_passed",
    "call_overdue": "call_overdue",
    "promise_overdue": "promise_overdue",
    "expired": "visits_expired",
}
MAILS: Mapping[str, tuple[str, str]] = {
    "deadline_passed": ("有回访到期未联系，请在任务中查看", "Follow-ups passed their deadline without a try; see the tasks"),
    "call_overdue": ("有再次联系已逾期，请在任务中查看", "Further calls are overdue; see the tasks"),
    "promise_overdue": ("有约定的回电已逾期，请在任务中查看", "Promised calls are overdue; see the tasks"),
    "visits_expired": ("有回访过期，请在任务中查看", "Follow-ups have expired; see the tasks"),
}
CONFIRM = "confirm_number"
_DAY = timedelta(days=1)

# A task done is not opened again by the same cause; of a kind there is one open for a visit.
_TASKS = """
    INSERT INTO tasks (store_id, id, kind, customer_id, visit_id, role, assignee_id, due_at, detail, created_at)
    SELECT $1, t.id, t.kind, t.customer_id, t.visit_id, t.role, t.assignee_id, t.due_at, t.detail::jsonb, $2
    FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::timestamptz[], $10::text[])
         AS t(id, kind, customer_id, visit_id, role, assignee_id, due_at, detail)
    ON CONFLICT DO NOTHING
"""
_FLAG = """
    UPDATE customers SET flags = array_append(flags, $3)
    WHERE store_id = $1 AND id = ANY($2::uuid[]) AND NOT flags @> ARRAY[$3]
"""
# For anybody but the one who missed it: to the pool, which everybody in the role sees. It has no deadline's message of its own.
_AGAIN = """
    INSERT INTO visits (store_id, id, customer_id, vehicle_id, programme, programme_version, step, occurrence, tier,
           purposes, role, channel, message_template, state, late, follows_visit_id, due_on, due_at, window_start, window_end,
           trigger_type, trigger_id, trigger_at, callee_name, on_missed, next_step, next_at, next_reason, wake_at, due_seq, tries,
           created_at, updated_at, version)
    SELECT v.store_id, a.id, v.customer_id, v.vehicle_id, v.programme, v.programme_version, v.step, 1, v.tier, v.purposes, v.role,
           v.channel, v.message_template, 'planned', false, v.id, a.due_on, a.at, a.at, a.window_end, 'visit.closed', v.id,
           $2, v.callee_name, 'none', 'call', a.at, 'reassigned', a.at, 0, 0, $2, $2, 1
    FROM unnest($3::uuid[], $4::uuid[], $5::date[], $6::timestamptz[], $7::timestamptz[])
         AS a(id, visit_id, due_on, at, window_end)
    JOIN visits v ON v.store_id = $1 AND v.id = a.visit_id
    WHERE v.store_id = $1
    ON CONFLICT DO NOTHING
    RETURNING id, follows_visit_id
"""
_HISTORY = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, h.id, h.visit_id, $2, 'planned', $3, $4, h.detail::jsonb
    FROM unnest($5::uuid[], $6::uuid[], $7::text[]) AS h(id, visit_id, detail)
"""


async def apply(conn: Connection, store: StoreContext, changes: Sequence[Change], *, now: datetime, actor: Actor) -> None:
    """Apply the new effects of all changes, and take back those of withdrawn attempts."""
    tasks = [task for change in changes for task in _tasks(change)]
    if tasks:
        await conn.execute(_TASKS, store.id, now, *zip(*tasks, strict=True))
    await _mail_managers(conn, store, changes, now)
    flagged = {change.known.row["customer_id"] for change in changes if _confirms(change.effects)}
    if flagged:
        await conn.execute(_FLAG, store.id, list(flagged), CONFIRM)
    await _reassign(conn, store, changes, now, actor)
    for change in changes:
        await persons.take_back(conn, store.id, change, now=now, actor=actor)
        await persons.apply(conn, store.id, change, now=now, actor=actor)


async def _mail_managers(conn: Connection, store: StoreContext, changes: Sequence[Change], now: datetime) -> None:
    """What the tasks say one by one, by e-mail once a day for each kind: a manager with forty visits gets one, not forty."""
    told = {
        (NOTICES[effect.kind], MANAGERS["club"] if effect.kind == "expired" else _manager(change))
        for change in changes
        for effect in change.effects
        if isinstance(effect, NotifyManager)
    }
    for kind, role in sorted(told):
        zh, en = MAILS[kind]
        subject = en if store.language == "en" else zh
        ref = f"{role}:{store.calendar.day_of(now)}"
        await notify(
            conn, store, roles=[role], kind=kind, ref=ref, subject=subject, body=f"{subject}\n{store.name}", now=now
        )  # fmt: skip


def _manager(change: Change) -> str:
    return MANAGERS.get(change.known.row["tier"], MANAGERS["service"])


def _confirms(effects: Iterable[Effect]) -> bool:
    return any(isinstance(effect, OpenTask) and effect.kind is TaskKind.CONFIRM_NUMBER for effect in effects)


def _tasks(change: Change) -> Iterator[tuple[object, ...]]:
    row = change.known.row
    for effect in change.effects:
        match effect:
            case OpenTask(kind, number_id, ref):
                detail = {"number_id": number_id, "ref": ref or None}
                # A message by itself is nobody's own; letters are posted by the sales office.
                alone = "sales_clerk" if kind is TaskKind.LETTER else "followup_specialist"
                role = row["role"] if row["role"] != "system" else alone
                yield _task(str(kind), row["customer_id"], row["id"], role, row["assignee_id"], detail)
            case NotifyManager("expired", _):
                # An outage lets many expire at once: the manager gets one task for all, the visits are a list of their own.
                yield _task(NOTICES["expired"], None, None, MANAGERS["club"], None, {"first_visit_id": row["id"]})
            case NotifyManager(kind, ref):
                yield _task(NOTICES[kind], row["customer_id"], row["id"], _manager(change), None, {"ref": ref or None})


def _task(
    kind: str,
    customer_id: UUID | None,
    visit_id: UUID | None,
    role: str | None,
    assignee_id: UUID | None,
    detail: Mapping[str, object],
) -> tuple[object, ...]:
    text = orjson.dumps({name: value for name, value in detail.items() if value}, str).decode()
    return new_id(), kind, customer_id, visit_id, role, assignee_id, None, text


async def _reassign(conn: Connection, store: StoreContext, changes: Sequence[Change], now: datetime, actor: Actor) -> None:
    """`on_missed: reassign`: a new visit, from the next opening to the end of the open day after it."""
    rows = []
    for change in changes:
        for effect in change.effects:
            if isinstance(effect, FollowUp) and effect.reason == "reassign":
                day = store.calendar.day_of(effect.at)
                until = store.calendar.end_of_day(store.calendar.next_open_day(day + _DAY))
                rows.append((new_id(), change.id, day, effect.at, until))
    if not rows:
        return
    made = await conn.fetch(_AGAIN, store.id, now, *zip(*rows, strict=True))
    await wake(conn, store.id, [row["id"] for row in made])
    details = [orjson.dumps({"reason": "reassigned", "follows": row["follows_visit_id"]}, str).decode() for row in made]
    ids = [new_id() for _ in made]
    await conn.execute(_HISTORY, store.id, now, actor.kind, actor.id, ids, [row["id"] for row in made], details)
