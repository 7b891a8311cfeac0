"""What people are told about complaints and problems: tasks and e-mails, in the store's language, without a word of the customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.complaint import KIND_LABELS, Department, Kind, level_role
from shared.ids import new_id
from shared.notices import notify
from shared.stores import StoreContext

_TASKS = """
    INSERT INTO tasks (store_id, id, kind, customer_id, about_id, role, assignee_id, due_at, detail, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""
_DONE = """
    UPDATE tasks SET done_at = $4, done_by = $5
    WHERE store_id = $1 AND about_id = $2 AND kind = ANY($3::text[]) AND done_at IS NULL
"""
_RENEW = (
    "UPDATE tasks SET assignee_id = $3 WHERE store_id = $1 AND about_id = $2 AND kind = 'complaint_respond' AND done_at IS NULL"
)


@dataclass(frozen=True)
class Work:
    """A task about a complaint or a problem."""

    kind: str
    role: str | None = None
    assignee_id: UUID | None = None
    due_at: datetime | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


async def open_task(
    conn: Connection, store_id: UUID, about: Mapping[str, Any] | asyncpg.Record, work: Work, *, now: datetime
) -> None:
    """Open a task about a row that has `id` and `customer_id`; of a kind there is one open."""
    detail = orjson.dumps({"about_id": about["id"], **work.detail}, str).decode()
    await conn.execute(
        _TASKS, store_id, new_id(), work.kind, about["customer_id"], about["id"], work.role, work.assignee_id, work.due_at, detail, now
    )  # fmt: skip


async def finish_tasks(
    conn: Connection, store_id: UUID, about_id: UUID, kinds: Collection[str], *, now: datetime, by: UUID | None
) -> None:
    """The tasks of these kinds about the row are done. (The API's alone: the scheduler only opens tasks.)"""
    await conn.execute(_DONE, store_id, about_id, list(kinds), now, by)


async def move_response(conn: Connection, store_id: UUID, about_id: UUID, owner_id: UUID | None) -> None:
    """The open task of the first response goes to the new owner."""
    await conn.execute(_RENEW, store_id, about_id, owner_id)


async def tell(
    conn: Connection,
    store: StoreContext,
    row: Mapping[str, Any] | asyncpg.Record,
    kind: str,
    *,
    level: int = 0,
    staff_ids: Collection[UUID] = (),
    ref: str = "",
    by: datetime | None = None,
    now: datetime,
) -> None:
    """E-mail those named, and everybody in the role of the level. `ref` tells several of one kind about one complaint apart."""
    zh, en = _WORDS[kind]
    english = store.language == "en"
    label = KIND_LABELS[Kind(row["kind"])]
    due = f"{store.calendar.local(by):%m-%d %H:%M}" if by else ""
    about = {"number": row["number"], "kind": label.en if english else label.zh, "by": due}
    subject = (en if english else zh).format(**about)
    role = level_role(level, Department(row["department"] or Department.SERVICE))
    await notify(
        conn,
        store,
        roles=(role,) if role else (),
        staff_ids=staff_ids,
        kind=kind,
        ref=f"{row['id']}{ref}",
        subject=subject,
        body=f"{subject}\n{store.name}",
        now=now,
    )


_WORDS: Mapping[str, tuple[str, str]] = {
    "complaint_opened": (
        "投诉 {number}（{kind}）由您负责，{by} 前首次响应",
        "Complaint {number} ({kind}) is yours: respond by {by}",
    ),
    "complaint_attitude": (
        "服务态度投诉 {number} 直接上报总经理，{by} 前首次响应",
        "Complaint {number} about attitude: respond by {by}",
    ),
    "complaint_crisis": ("危机事件 {number}：{by} 前联系客户", "CRISIS {number}: contact the customer by {by}"),
    "complaint_reopened": (
        "投诉 {number}：客户不满意，已升级，{by} 前响应",
        "Complaint {number}: not satisfied, one level up, respond by {by}",
    ),
    "warning_respond": ("投诉 {number} 须在 {by} 前首次响应", "Complaint {number}: first response by {by}"),
    "warning_contact": ("危机事件 {number} 须在 {by} 前联系客户", "CRISIS {number}: contact by {by}"),
    "warning_handle": ("投诉 {number} 须在 {by} 前处理完成", "Complaint {number}: to be handled by {by}"),
    "warning_tell": ("投诉 {number} 须在 {by} 前告知客户结果", "Complaint {number}: tell the result by {by}"),
    "escalation_respond": (
        "投诉 {number} 首次响应超时（{by}），已升级到您",
        "Complaint {number}: no response by {by}, escalated to you",
    ),
    "escalation_contact": ("危机事件 {number} 未在 {by} 前联系客户", "CRISIS {number}: not contacted by {by}"),
    "escalation_handle": (
        "投诉 {number} 处理超时（{by}），已升级到您",
        "Complaint {number}: not handled by {by}, escalated to you",
    ),
    "escalation_tell": (
        "投诉 {number} 未在 {by} 前告知结果，已升级到您",
        "Complaint {number}: not told by {by}, escalated to you",
    ),
    "sign_off_missing": ("投诉 {number} 当日未会签", "Complaint {number} was not countersigned the same day"),
    "regional_report": ("投诉 {number} 须报告区域", "Complaint {number}: report to the regional office"),
    "complaint_unconfirmed": (
        "投诉 {number}：回访未得到客户确认，请决定",
        "Complaint {number}: the customer could not confirm, please decide",
    ),
}
