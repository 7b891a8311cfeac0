"""Why is this due, why was this not sent: rule, trigger, each shift, each try, each message and what stopped it (domain.md §11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.identities import Me
from services.api.visits import queries
from services.api.visits.frozen import frozen_line
from shared.db import Connection
from shared.domain.visit import CHANNEL_LABELS, OPEN, OUTCOME_LABELS, STATE_LABELS, Channel, Outcome, State
from shared.stores import StoreContext

# What each kind of event says, zh and en; a state's own name stands for the move to it.
_EVENTS: Mapping[str, tuple[str, str]] = {
    "planned": ("按方案计划", "planned by the rule"),
    "expired": ("计划时窗口已过，记为过期", "its window had closed: expired"),
    "due": ("到期，进入回访名单", "due: on the worklist"),
    "progressed": ("下一步已更新", "the next step was set"),
    "promise_set": ("约定了时间", "a time was promised"),
    "appointment_booked": ("通话中约好了到店时间", "an appointment was made on the call"),
    "moved": ("改期", "moved to another day"),
    "reassigned": ("改派", "given to somebody else"),
    "confirmed": ("经理已确认结果", "confirmed by the manager"),
    "corrected": ("通话中更正了档案", "the file was corrected on the call"),
    "attempt_withdrawn": ("撤回了一次联系记录", "an attempt was withdrawn"),
}


# Why a day was moved, zh and en; `detail` is what stands at the end of the shift.
_SHIFTS: Mapping[str, tuple[str, str]] = {
    "closed_day": ("当天休息 {detail}", "closed that day {detail}"),
    "closed_window": ("整段时间休息 {detail}", "closed in the whole window {detail}"),
    "closed_hours": ("非营业时间", "outside opening hours"),
    "planned_late": ("计划时已过应访日", "its day had passed when it was planned"),
    "spacing": ("与同一顾问的其他回访错开", "kept apart from another visit of the same person"),
    "load": ("当天已满（{detail} 个）", "the day was full ({detail} calls)"),
    "load_past_window": (
        "当天已满（{detail} 个），顺延到期限之后",
        "the day was full ({detail} calls), put off beyond its window",
    ),
    "other_tier": ("当天已由{detail}联系", "{detail} calls the same customer that day"),
    "no_room": ("没有可安排的日子，记为过期", "no day was left: expired"),
}
_TIERS: Mapping[str, tuple[str, str]] = {
    "sales": ("销售", "sales"),
    "club": ("客户俱乐部", "the club"),
    "service": ("售后", "the workshop"),
}


async def why(conn: Connection, store: StoreContext, me: Me, visit_id: UUID, language: str, *, now: datetime) -> dict[str, Any]:
    """The whole story of a visit, oldest first. Raises VisitNotFound."""
    visit = await queries.visit(conn, me, visit_id)
    events = await conn.fetch(_STORY, store.id, visit_id)
    messages = await conn.fetch(_MESSAGES, store.id, visit_id)
    planned: dict[str, Any] = next((orjson.loads(row["detail"]) for row in events if "rule" in orjson.loads(row["detail"])), {})
    english = language == "en"
    shifts = [text for row in events for text in orjson.loads(row["detail"]).get("shifts") or ()]
    rung = await conn.fetch(_RUNG, store.id, visit_id)
    story = [
        *(_event(row, store, english) for row in events if row["kind"] not in _TOLD_BY_MESSAGES),
        *(_due(row, english) for row in rung),
        *(_attempt(attempt, store, english) for attempt in visit["attempts"]),
        *(line for row in messages for line in _message(row, english)),
        *(await frozen_line(conn, store, visit, now, english=english) if visit["state"] in OPEN else ()),
    ]
    return {
        "visit_id": visit_id,
        "state": visit["state"],
        "state_reason": visit["state_reason"],
        "rule": _rule(visit, planned, shifts, store, english),
        "trigger": visit["trigger"],
        "story": sorted(story, key=lambda line: line["at"]),
        "messages": [dict(row) for row in messages],
        "next": visit["next"],
    }


def _rule(
    visit: Mapping[str, Any], planned: Mapping[str, Any], shifts: Sequence[str], store: StoreContext, english: bool
) -> dict[str, Any]:
    programme = store.programmes.get(visit["programme"])
    rule = planned.get("rule")
    known = rule if isinstance(rule, dict) else {}
    name = visit["programme"] if programme is None else programme.name_en if english else programme.name_zh
    return {
        "programme": visit["programme"],
        "name": name,
        "step": visit["step"],
        "occurrence": visit["occurrence"],
        "version": known.get("version"),
        "policy": known.get("policy"),
        "shifts": shifts,
        "assigned": planned.get("assigned"),
    }


def _event(row: asyncpg.Record, store: StoreContext, english: bool) -> dict[str, Any]:
    kind = row["kind"]
    zh, en = _EVENTS.get(kind) or _state_words(kind)
    detail = orjson.loads(row["detail"])
    shifts = "；".join(_shift(text, english) for text in detail.get("shifts") or ())
    words = en if english else zh
    return {
        "at": row["at"],
        "kind": kind,
        "text": f"{words}（{shifts}）" if shifts else words,
        "actor": _actor(row["actor_kind"], row["actor_id"], store),
        "detail": detail,
    }


def _shift(text: str, english: bool) -> str:
    """`load|2026-11-23|2026-11-24|60` as people say it; a code without words of its own as it stands."""
    code, start, end, detail = (*text.split("|", 3), "", "", "")[:4]
    zh, en = _SHIFTS.get(code, (code, code))
    words = (en if english else zh).format(detail=_TIERS.get(detail, (detail, detail))[english])
    return f"{words}: {start} → {end}" if english else f"{words}：{start} → {end}"


def _due(row: asyncpg.Record, english: bool) -> dict[str, Any]:
    """A due-contact event: the day came, or the ladder went on to a message."""
    zh, en = _DUE[row["step"]]
    detail = {"step": row["step"], "due_at": row["due_at"], "due_seq": row["due_seq"]}
    return {"at": row["created_at"], "kind": "due_contact", "text": en if english else zh, "actor": "system", "detail": detail}


def _state_words(kind: str) -> tuple[str, str]:
    label = STATE_LABELS.get(State(kind)) if kind in set(State) else None
    return (label.zh, label.en) if label else (kind, kind)


def _attempt(attempt: Mapping[str, Any], store: StoreContext, english: bool) -> dict[str, Any]:
    outcome, channel = OUTCOME_LABELS[Outcome(attempt["outcome"])], CHANNEL_LABELS[Channel(attempt["channel"])]
    text = f"{channel.en}: {outcome.en}" if english else f"{channel.zh}：{outcome.zh}"
    kept = ("seq", "outcome", "channel", "direction", "next_at", "satisfaction", "late", "withdrawn_at")
    return {
        "at": attempt["at"],
        "kind": "attempt",
        "text": text,
        "actor": _actor("staff", attempt["staff_id"], store),
        "detail": {name: attempt[name] for name in kept if attempt[name] is not None},
    }


def _message(row: asyncpg.Record, english: bool) -> Iterable[dict[str, Any]]:
    label = CHANNEL_LABELS[Channel(row["channel"])]
    name = label.en if english else label.zh
    detail = {"message_id": row["id"], "channel": row["channel"], "state": row["state"], "reason": row["reason"]}
    moments = (("created_at", "message_made"), ("sent_at", "message_sent"), ("delivered_at", "message_delivered"))
    for column, kind in moments:
        if row[column] is not None:
            zh, en = _MOMENTS[kind]
            yield {
                "at": row[column],
                "kind": kind,
                "text": f"{name}: {en}" if english else f"{name}{zh}",
                "actor": None,
                "detail": detail,
            }
    if row["state"] in _NOT_SENT:
        zh, en = _NOT_SENT[row["state"]]
        reason = row["reason"] or row["state"]
        text = f"{name}: {en} ({reason})" if english else f"{name}{zh}（{reason}）"
        yield {"at": row["updated_at"], "kind": f"message_{row['state']}", "text": text, "actor": None, "detail": detail}


_MOMENTS: Mapping[str, tuple[str, str]] = {
    "message_made": ("已生成", "made"),
    "message_sent": ("已发出", "sent"),
    "message_delivered": ("已送达", "delivered"),
}
_NOT_SENT: Mapping[str, tuple[str, str]] = {
    "held": ("暂缓", "held"),
    "suppressed": ("未发", "not sent"),
    "undelivered": ("未送达", "not delivered"),
    "rejected": ("被拒", "refused"),
    "unknown": ("待核实", "uncertain"),
    "unknown_final": ("无法核实", "never settled"),
    "receipt_timeout": ("无回执", "no receipt"),
}


def _actor(kind: str, actor_id: UUID | None, store: StoreContext) -> str | None:
    person = store.staff.get(actor_id) if actor_id else None
    return person.name if person else kind


_TOLD_BY_MESSAGES = frozenset({"message_accepted", "message_delivered", *(f"message_{state}" for state in _NOT_SENT)})
_DUE: Mapping[str, tuple[str, str]] = {
    "call": ("到期：请打电话", "due: to be called"),
    "sms": ("到期：改发短信", "due: an SMS"),
    "email": ("到期：改发邮件", "due: an e-mail"),
}
_RUNG = """
    SELECT step, due_at, created_at, due_seq FROM due_contact_events
    WHERE store_id = $1 AND (visit_id = $2 OR id = (SELECT due_event_id FROM visits WHERE store_id = $1 AND id = $2))
"""
_STORY = """
    SELECT at, kind, actor_kind, actor_id, detail FROM visit_events WHERE store_id = $1 AND visit_id = $2 ORDER BY at, id
"""
_MESSAGES = """
    SELECT id, channel, kind, state, reason, created_at, sent_at, delivered_at, updated_at FROM messages
    WHERE store_id = $1 AND visit_id = $2 ORDER BY created_at, id
"""
