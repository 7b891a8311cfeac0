"""Why was this sent, why was this not sent: one message's story in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.messages import queries
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.message import MESSAGE_STATE_LABELS, MessageState

_REASONS: Mapping[str, tuple[str, str]] = {
    "quiet_hours": ("在免打扰时段内，等到下一个可发送时段", "quiet hours: it waits for the next sending window"),
    "cap_all": (
        "该号码近期已收到足够多的消息，等到频次上限释放",
        "the number had enough messages lately: it waits until the cap allows",
    ),
    "cap_marketing": (
        "该号码近期已收到营销消息，等到频次上限释放",
        "the number had marketing lately: it waits until the cap allows",
    ),
    "complaint_open": ("客户有未结投诉，暂缓联系", "an open complaint holds it back"),
    "complaint_gap": ("投诉刚处理完，间隔后再联系", "a complaint was closed lately: it waits"),
    "opted_out": ("该号码已退订", "the number has opted out"),
    "no_consent": ("客户未同意营销", "there is no consent to marketing"),
    "consent_withdrawn": ("客户已撤回同意", "the consent was withdrawn"),
    "no_address": ("档案里没有可用的号码或邮箱", "the file has no usable number or address"),
    "number_wrong": ("号码已标记为错号或空号", "the number is marked wrong or dead"),
    "visit_closed": ("对应的回访已经结束", "its visit is over"),
    "not_owner": ("车已不在该客户名下", "the car has another owner"),
    "deceased": ("客户已离世", "the customer has died"),
    "stale": ("已过有效期，现在发送只会打扰", "it came too late to be of use"),
    "no_template": ("没有对应的消息模板", "there is no wording for it"),
    "no_smtp": ("尚未设置邮件服务器（HUIFANG_SMTP_URL）", "no mail server is set up (HUIFANG_SMTP_URL)"),
    "taken_out": ("已由同事移出", "somebody took it out"),
    "sms_delivered": ("短信已送达，邮件不再发送", "the SMS arrived after all"),
    "lease_lapsed": ("发送中断，结果不明", "the sender stopped in the middle: what came of it is not known"),
    "never_started": ("多次未能开始发送", "it could never be begun"),
    "resend": ("由经理决定重发", "sent again by a manager's order"),
    "settled_by_a_person": ("由同事核实", "settled by somebody who found out"),
}
_KINDS: Mapping[str, tuple[str, str]] = {
    "ladder": (
        "电话联系不上（或客户偏好消息），按补访规则发送",
        "made by the ladder: calls reached nobody, or messages are preferred",
    ),
    "automatic": ("按方案自动发送", "an automatic step of the programme"),
}
_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "accepted": ("服务商已受理", "the provider took it"),
    "delivered": ("已送达", "delivered"),
    "refused_retry": ("服务商暂时拒绝，稍后再试", "refused for now, tried again later"),
    "refused_final": ("服务商拒绝", "refused"),
    "unknown": ("结果不明：可能已发出，不会自动重发", "uncertain: it may have gone, so it is never sent again by itself"),
    "not_started": ("未开始发送", "nothing was sent"),
}
_STORY = """
    SELECT v.programme, v.step FROM messages m LEFT JOIN visits v ON v.store_id = m.store_id AND v.id = m.visit_id
    WHERE m.store_id = $1 AND m.id = $2
"""
_RECEIPTS = "SELECT at, status, code, applied FROM receipts WHERE store_id = $1 AND message_id = $2 ORDER BY at"
_ORDERS = "SELECT at, kind, outcome FROM message_orders WHERE store_id = $1 AND message_id = $2 ORDER BY at"


async def why(conn: Connection, vault: Vault, me: Me, message_id: UUID, language: str) -> dict[str, Any]:
    """The story of a message, oldest first. Raises MessageNotFound."""
    found = await queries.message(conn, vault, me, message_id)
    english = language == "en"
    visit = await conn.fetchrow(_STORY, me.store_id, message_id)
    receipts = await conn.fetch(_RECEIPTS, me.store_id, message_id)
    orders = await conn.fetch(_ORDERS, me.store_id, message_id)
    story = [*_lines(found, english), *_later(receipts, orders, english)]
    reason = found["reason"]
    return {
        "message_id": message_id,
        "state": found["state"],
        "reason": reason,
        "reason_text": reason_text(reason, english) if reason else None,
        "rule": f"{visit['programme']}/{visit['step']}" if visit and visit["programme"] else found["template"],
        "story": sorted(story, key=lambda line: line["at"]),
    }


def reason_text(reason: str, english: bool) -> str:
    """A reason in words; a provider's own code stays as it is."""
    plain = reason.removeprefix("stale_")
    words = _REASONS.get(plain)
    if words is None:
        return reason
    late = ("已过有效期：", "too late: ")[english] if plain != reason else ""
    return late + words[english]


def _lines(found: Mapping[str, Any], english: bool) -> Iterator[dict[str, Any]]:
    yield {"at": found["created_at"], "kind": "made", "text": _KINDS.get(found["kind"], ("已生成", "made"))[english]}
    for attempt in found["attempts"]:
        if attempt["io_started_at"]:
            yield {"at": attempt["io_started_at"], "kind": "sent", "text": ("开始发送", "sent to the provider")[english]}
        if attempt["closed_at"]:
            words = _OUTCOMES.get(attempt["outcome"], (attempt["outcome"], attempt["outcome"]))[english]
            code = f" ({attempt['code']})" if attempt["code"] else ""
            yield {"at": attempt["closed_at"], "kind": attempt["outcome"], "text": f"{words}{code}"}
    label = MESSAGE_STATE_LABELS[MessageState(found["state"])]
    reason = f"：{reason_text(found['reason'], english)}" if found["reason"] else ""
    yield {"at": found["updated_at"], "kind": found["state"], "text": f"{label.en if english else label.zh}{reason}"}


def _later(receipts: list[asyncpg.Record], orders: list[asyncpg.Record], english: bool) -> Iterator[dict[str, Any]]:
    for row in receipts:
        ignored = "" if row["applied"] else ("（不改变结果）", " (changes nothing)")[english]
        yield {"at": row["at"], "kind": "receipt", "text": f"{('回执', 'receipt')[english]} {row['status']}{ignored}"}
    for row in orders:
        yield {
            "at": row["at"],
            "kind": row["kind"],
            "text": f"{('人工处理', 'ordered')[english]} {row['kind']}: {row['outcome'] or '…'}",
        }
