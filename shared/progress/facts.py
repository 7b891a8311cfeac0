"""A batch of visits as the ladder wants to see them: attempts, messages, numbers and answers, each read by one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.ladder import AttemptFacts, MessageFacts, NumberFacts, SignalFacts, VisitFacts
from shared.domain.message import SETTLED, MessageState
from shared.domain.visit import Channel, Outcome, ReachedPerson, Result, State

RECALL = "recall_safety"
MARKETING = "marketing"
PROMISE_SET = "promise_set"  # the event that whoever sets a promise by hand leaves behind

_VISITS = """
    SELECT v.id, v.customer_id, v.vehicle_id, v.programme, v.step, v.tier, v.role, v.assignee_id, v.channel, v.state,
           v.state_reason, v.late, v.tries, v.purposes, v.due_at, v.window_end, v.promised_at, v.callee_phone_index, v.on_missed,
           v.next_step, v.next_at, v.next_reason, v.wake_at, v.due_seq, v.closed_at, c.preferred_channel
    FROM visits v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    WHERE v.store_id = $1 AND v.id = ANY($2::uuid[]) ORDER BY v.id
"""
_ATTEMPTS = """
    SELECT visit_id, at, channel, outcome, direction, contact_point_id, next_at, reached_person, result, withdrawn_at
    FROM attempts WHERE store_id = $1 AND visit_id = ANY($2::uuid[]) ORDER BY visit_id, seq
"""
_MESSAGES = """
    SELECT visit_id, channel, state, reason, created_at, sent_at, delivered_at, updated_at
    FROM messages WHERE store_id = $1 AND visit_id = ANY($2::uuid[]) ORDER BY visit_id, created_at
"""
# What came back, what was done already, and when a promise was set by hand: (what, visit, at, text, texts).
_TRACES = """
    SELECT 'reply' AS what, visit_id, at, 'sms' AS word, NULL::text[] AS keys, NULL::text[] AS undone, id
    FROM visit_signals WHERE store_id = $1 AND visit_id = ANY($2::uuid[]) AND kind = 'reply'
    UNION ALL
    SELECT 'answer', visit_id, answered_at, channel, NULL, NULL, id
    FROM surveys WHERE store_id = $1 AND visit_id = ANY($2::uuid[]) AND answered_at IS NOT NULL
    UNION ALL
    SELECT 'event', visit_id, due_at, step, NULL, NULL, id
    FROM due_contact_events WHERE store_id = $1 AND visit_id = ANY($2::uuid[])
    UNION ALL
    SELECT 'event', v.id, e.due_at, e.step, NULL, NULL, e.id
    FROM visits v JOIN due_contact_events e ON e.store_id = v.store_id AND e.id = v.due_event_id
    WHERE v.store_id = $1 AND v.id = ANY($2::uuid[])
    UNION ALL
    SELECT CASE WHEN kind = 'promise_set' THEN 'promise' ELSE 'effects' END, visit_id, at, NULL,
           ARRAY(SELECT jsonb_array_elements_text(coalesce(detail->'effects', '[]'))),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(detail->'undone', '[]'))), id
    FROM visit_events
    WHERE store_id = $1 AND visit_id = ANY($2::uuid[]) AND (kind = 'promise_set' OR detail ? 'effects' OR detail ? 'undone')
    ORDER BY 3, 7
"""
_NUMBERS = """
    SELECT c.id, c.customer_id, c.kind, c.value_index, c.textable, c.wrong_at IS NOT NULL AS wrong,
           coalesce(n.wrong_reason = 'invalid', false) AS dead,
           ARRAY(SELECT o.channel FROM opt_outs o
                 WHERE o.number_index = c.value_index AND o.scope <> 'marketing' AND o.revoked_at IS NULL) AS opted_out
    FROM contact_points c LEFT JOIN numbers n ON n.number_index = c.value_index
    WHERE c.store_id = $1 AND c.customer_id = ANY($2::uuid[]) AND c.kind IN ('phone', 'email')
    ORDER BY c.customer_id, c.rank, c.created_at, c.id
"""
_CALLEES = """
    SELECT i.value_index, coalesce(n.wrong_reason = 'invalid', false) AS dead,
           ARRAY(SELECT o.channel FROM opt_outs o
                 WHERE o.number_index = i.value_index AND o.scope <> 'marketing' AND o.revoked_at IS NULL) AS opted_out
    FROM unnest($1::bytea[]) AS i(value_index) LEFT JOIN numbers n ON n.number_index = i.value_index
"""

T = TypeVar("T")


@dataclass(frozen=True)
class Known:
    """One visit: its row, the ladder's facts, and which effects were applied (events by their step and instant)."""

    row: asyncpg.Record
    visit: VisitFacts
    attempts: tuple[AttemptFacts, ...]
    messages: tuple[MessageFacts, ...]
    applied: frozenset[str]
    emitted: frozenset[tuple[str, datetime]]

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    @property
    def closed_by_a_withdrawn_attempt(self) -> bool:
        """True when the attempt that ended the visit was taken back and no other stands in its place."""
        closed_at = self.visit.closed_at
        standing = any(attempt.at == closed_at for attempt in self.attempts if not attempt.withdrawn)
        return closed_at is not None and not standing and any(a.at == closed_at for a in self.attempts if a.withdrawn)


async def read_facts(conn: Connection, store_id: UUID, visit_ids: Sequence[UUID], *, lock: bool = True) -> list[Known]:
    """The visits of the store with those ids, ordered by id, locked for the rest of the transaction unless `lock` is False."""
    rows = await conn.fetch(f"{_VISITS} FOR UPDATE OF v" if lock else _VISITS, store_id, visit_ids)
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    attempts = _grouped(await conn.fetch(_ATTEMPTS, store_id, ids), "visit_id")
    messages = _grouped(await conn.fetch(_MESSAGES, store_id, ids), "visit_id")
    traces = _grouped(await conn.fetch(_TRACES, store_id, ids), "visit_id")
    numbers = _grouped(await conn.fetch(_NUMBERS, store_id, list({row["customer_id"] for row in rows})), "customer_id")
    callees = await _callees(conn, rows)
    return [
        _known(row, attempts[row["id"]], messages[row["id"]], traces[row["id"]], numbers[row["customer_id"]], callees)
        for row in rows
    ]


async def _callees(conn: Connection, rows: Iterable[asyncpg.Record]) -> dict[bytes, asyncpg.Record]:
    indexes = list({row["callee_phone_index"] for row in rows if row["callee_phone_index"]})
    return {row["value_index"]: row for row in await conn.fetch(_CALLEES, indexes)} if indexes else {}


def _known(
    row: asyncpg.Record,
    attempts: Sequence[asyncpg.Record],
    messages: Sequence[asyncpg.Record],
    traces: Sequence[asyncpg.Record],
    numbers: Sequence[asyncpg.Record],
    callees: Mapping[bytes, asyncpg.Record],
) -> Known:
    applied: set[str] = set()
    for trace in traces:
        applied = (applied | set(trace["keys"] or ())) - set(trace["undone"] or ())
    recall = RECALL in row["purposes"]
    visit = VisitFacts(
        state=State(row["state"]),
        channel=Channel(row["channel"]),
        due_at=row["due_at"],
        window_end=row["window_end"],
        promised_at=row["promised_at"],
        promised_set_at=max((trace["at"] for trace in traces if trace["what"] == "promise"), default=None),
        preferred_channel=_word(Channel, row["preferred_channel"]),
        numbers=_phones(row, numbers, callees, applied, recall),
        email_ok=any(n["kind"] == "email" and not n["wrong"] and not _refuses(n, "email", recall) for n in numbers),
        on_missed=row["on_missed"],
        closed_at=row["closed_at"],
        signals=tuple(_signal(trace) for trace in traces if trace["what"] in ("reply", "answer")),
    )
    return Known(
        row=row,
        visit=visit,
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        messages=tuple(_message(message) for message in messages),
        applied=frozenset(applied),
        emitted=frozenset((trace["word"], trace["at"]) for trace in traces if trace["what"] == "event"),
    )


def _phones(
    row: asyncpg.Record,
    numbers: Sequence[asyncpg.Record],
    callees: Mapping[bytes, asyncpg.Record],
    applied: set[str],
    recall: bool,
) -> tuple[NumberFacts, ...]:
    """The numbers of the file, the callee's first.

    A number that this visit itself found wrong counts as good: its own attempts say so, and the ladder reads them.
    """
    phones = [n for n in numbers if n["kind"] == "phone"]
    index = row["callee_phone_index"]
    phones.sort(key=lambda n: n["value_index"] != index)
    found = [
        NumberFacts(
            id=n["id"],
            textable=n["textable"],
            usable=(not (n["wrong"] or n["dead"]) or f"mark:{n['id']}" in applied) and not _refuses(n, "phone", recall),
            sms_ok=not _refuses(n, "sms", recall),
            refused=not (n["wrong"] or n["dead"]) and _refuses(n, "phone", recall),
        )
        for n in phones
    ]
    callee = callees.get(index) if index and not any(n["value_index"] == index for n in phones) else None
    if callee is None:
        return tuple(found)
    refused = _refuses(callee, "phone", recall)
    good = not callee["dead"] or f"mark:{row['id']}" in applied
    # Who brought the car is not in the file: the visit's own id stands for that number.
    brought = NumberFacts(
        row["id"], usable=good and not refused, sms_ok=not _refuses(callee, "sms", recall), refused=good and refused
    )
    return (brought, *found)


def _refuses(number: asyncpg.Record, channel: str, recall: bool) -> bool:
    return not recall and any(named in (channel, "all") for named in number["opted_out"])


def _attempt(row: asyncpg.Record) -> AttemptFacts:
    return AttemptFacts(
        at=row["at"],
        channel=Channel(row["channel"]),
        outcome=Outcome(row["outcome"]),
        direction=row["direction"],
        number_id=row["contact_point_id"],
        next_at=row["next_at"],
        reached_person=_word(ReachedPerson, row["reached_person"]),
        withdrawn=row["withdrawn_at"] is not None,
        result=_word(Result, row["result"]),
    )


def _message(row: asyncpg.Record) -> MessageFacts:
    state = MessageState(row["state"])
    return MessageFacts(
        channel=Channel(row["channel"]),
        state=state,
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        settled_at=(row["delivered_at"] or row["updated_at"]) if state in SETTLED else None,
        reason=row["reason"],
    )


def _signal(trace: asyncpg.Record) -> SignalFacts:
    return SignalFacts(trace["at"], trace["what"], Channel.EMAIL if trace["word"] == "email" else Channel.SMS)


def _word(kind: type[T], value: Any) -> T | None:
    return kind(value) if value else None  # type: ignore[call-arg]  # an enumeration is called with a value


def _grouped(rows: Iterable[asyncpg.Record], column: str) -> defaultdict[UUID, list[asyncpg.Record]]:
    groups: defaultdict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups
