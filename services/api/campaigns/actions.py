"""What people do with campaigns: enter, change, preview, approve, launch, stop. What is running is never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import audit, records
from services.api.campaigns.check import checked, own_wording, rendered, segment_of
from services.api.campaigns.queries import TABLE, CampaignNotFound
from services.api.campaigns.schemas import CampaignIn, CampaignPatch
from services.api.etags import Expected
from services.api.identities import Me
from shared.db import Connection
from shared.domain.campaign import APPROVAL_ABOVE, NEXT, RECALL, CampaignState, DoesNotFit, left_out, spread, text_key
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.planning.campaigns import plan_members, stop_campaign, tell_campaign
from shared.planning.replan import cancel_visits
from shared.segments import Candidate, candidates, reaches, unknown_vins
from shared.stores import StoreContext

SAMPLE = 10
STOPPED = "campaign_stopped"
_DAY = timedelta(days=1)
_CHECKED = (
    "name", "purpose", "mode", "channel", "role", "segment", "template", "text", "script", "voucher_kind", "starts_on", "ends_on", "a_day",
)  # fmt: skip
_MEMBERS = """
    INSERT INTO campaign_members (store_id, campaign_id, id, customer_id, vehicle_id, on_day, state, reason)
    SELECT $1, $2, u.* FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::date[], $7::text[], $8::text[]) AS u
    ON CONFLICT DO NOTHING
"""
_TEXT = """
    INSERT INTO message_templates (store_id, id, key, channel, language, subject, body, updated_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) ON CONFLICT (store_id, key, channel, language) DO NOTHING
"""


class NotLaunchable(Conflict):
    """The campaign has been launched, or stopped; enter a new one."""

    code = "campaign_not_open"
    zh = "活动已启动或已结束，请新建。"


class NotRunning(Conflict):
    """Only a campaign that runs can be stopped."""

    code = "campaign_not_running"
    zh = "活动未在进行中。"


class ApprovalNeeded(Conflict):
    """So large a campaign needs a second person's approval first."""

    code = "approval_needed"
    zh = "人数较多，须另一位经理批准后才能启动。"


class OwnCampaign(Conflict):
    """Whoever entered a campaign cannot approve it."""

    code = "own_campaign"
    zh = "不能批准自己建的活动。"


class Nobody(Conflict):
    """The campaign would reach nobody."""

    code = "campaign_empty"
    zh = "没有可以联系的客户。"


@dataclass(frozen=True)
class Reached:
    """Whom a campaign would reach, whom not and why, and on which days."""

    going: Sequence[Candidate]
    excluded: Sequence[tuple[Candidate, str]]
    days: Sequence[date]
    room: int | None = None

    @property
    def reasons(self) -> dict[str, int]:
        return dict(Counter(reason for _, reason in self.excluded).most_common())


async def add(conn: Connection, store: StoreContext, me: Me, body: CampaignIn, *, now: datetime) -> UUID:
    """A draft. Raises CampaignInvalid."""
    values = body.model_dump()
    await checked(conn, store, values, store.calendar.day_of(now))
    row = await records.insert(conn, TABLE, store.id, {**values, "state": "draft", "created_by": me.staff_id}, now=now)
    await audit.note(conn, me, "campaign.created", "campaign", row["id"], now=now, detail={"purpose": body.purpose})
    campaign_id: UUID = row["id"]
    return campaign_id


async def change(
    conn: Connection, store: StoreContext, me: Me, campaign_id: UUID, body: CampaignPatch, expected: Expected, *, now: datetime
) -> None:
    """Change a draft; an approval is void. Raises CampaignNotFound, Stale, NotLaunchable, CampaignInvalid."""
    row = await _open(conn, store.id, campaign_id, expected)
    given = body.given
    values = {**{name: row[name] for name in _CHECKED}, "segment": _data(row), **given}
    await checked(conn, store, values, store.calendar.day_of(now))
    void = {"state": "draft", "approved_by": None, "approved_at": None, "size": None}
    await records.update(conn, TABLE, store.id, campaign_id, {**given, **void}, now=now)
    await audit.note(conn, me, "campaign.changed", "campaign", campaign_id, now=now, detail={"fields": sorted(given)})


async def preview(conn: Connection, store: StoreContext, me: Me, campaign_id: UUID, *, now: datetime) -> dict[str, Any]:
    """Whom it would reach now. Raises CampaignNotFound."""
    row = await records.one(conn, TABLE, store.id, campaign_id, CampaignNotFound)
    reached, segment = await reach(conn, store, row, now=now), segment_of(row)
    words = await rendered(conn, store, row)
    per_day = Counter(reached.days)
    return {
        "candidates": len(reached.going) + len(reached.excluded),
        "size": len(reached.going),
        "excluded": reached.reasons,
        "needs_approval": _needs_approval(store, len(reached.going)),
        "fits": reached.room is None,
        "days": [{"on": day, "members": per_day[day]} for day in sorted(per_day)],
        "sample": [
            {"customer_id": one.customer_id, "vehicle_id": one.vehicle_id, "name": one.name, "plate": one.plate}
            for one in reached.going[:SAMPLE]
        ],
        "unknown_vins": await unknown_vins(conn, store.id, segment.vins) if segment.vins else [],
        "text": words.body if words else None,
        "sms_segments": words.segments if words and row["channel"] == "sms" else None,
    }


async def approve(conn: Connection, store: StoreContext, me: Me, campaign_id: UUID, *, now: datetime) -> None:
    """A second person says yes to what is entered. Raises CampaignNotFound, NotLaunchable, OwnCampaign."""
    row = await _open(conn, store.id, campaign_id)
    if row["created_by"] == me.staff_id:
        raise OwnCampaign
    if row["state"] == CampaignState.APPROVED:
        return
    reached = await reach(conn, store, row, now=now)
    values = {"state": "approved", "approved_by": me.staff_id, "approved_at": now, "size": len(reached.going)}
    await records.update(conn, TABLE, store.id, campaign_id, values, now=now)
    await audit.note(conn, me, "campaign.approved", "campaign", campaign_id, now=now, detail={"size": len(reached.going)})
    await tell_campaign(conn, store.id, campaign_id)


async def launch(conn: Connection, store: StoreContext, me: Me, campaign_id: UUID, *, now: datetime) -> None:
    """Fix its members and begin. Raises CampaignNotFound, NotLaunchable, ApprovalNeeded, Nobody, Invalid when they do not fit."""
    row = await _open(conn, store.id, campaign_id)
    today = store.calendar.day_of(now)
    if row["ends_on"] < today:
        raise Invalid("活动已过结束日 / its last day has passed", "/ends_on")
    reached = await reach(conn, store, row, now=now)
    size = len(reached.going)
    if not size:
        raise Nobody
    if _needs_approval(store, size) and row["state"] != CampaignState.APPROVED:
        raise ApprovalNeeded
    if reached.room is not None:
        raise Invalid(f"这些天每天 a_day 人只够 {reached.room} 人 / only {reached.room} of {size} fit into its days", "/a_day")
    values = {"state": "running", "size": size, "launched_by": me.staff_id, "launched_at": now}
    running = await records.update(conn, TABLE, store.id, campaign_id, values, now=now)
    await _members(conn, store, campaign_id, reached, max(today, row["starts_on"]))
    await _keep_text(conn, store, running, now)
    await plan_members(conn, store, running, now=now, actor=me.actor, caps=True)
    detail = {"size": size, "excluded": reached.reasons, "purpose": row["purpose"]}
    await audit.note(conn, me, "campaign.launched", "campaign", campaign_id, now=now, detail=detail)
    await tell_campaign(conn, store.id, campaign_id)


async def stop(conn: Connection, me: Me, campaign_id: UUID, reason: str, *, now: datetime) -> None:
    """Cancel what was not sent and not called. Raises CampaignNotFound, NotRunning."""
    row = await records.locked(conn, TABLE, me.store_id, campaign_id, CampaignNotFound)
    if CampaignState.STOPPED not in NEXT[CampaignState(row["state"])]:
        raise NotRunning
    visits = await stop_campaign(conn, me.store_id, campaign_id)
    await cancel_visits(conn, me.store_id, {STOPPED: visits} if visits else {}, now, me.actor)
    values = {"state": "stopped", "stopped_by": me.staff_id, "stopped_at": now, "stop_reason": reason}
    await records.update(conn, TABLE, me.store_id, campaign_id, values, now=now)
    detail = {"reason": reason, "cancelled": len(visits)}
    await audit.note(conn, me, "campaign.stopped", "campaign", campaign_id, now=now, detail=detail)
    await tell_campaign(conn, me.store_id, campaign_id)


async def reach(conn: Connection, store: StoreContext, row: asyncpg.Record, *, now: datetime) -> Reached:
    """Whom a campaign would reach if it were launched now."""
    found = await candidates(conn, store, segment_of(row), each_car=row["purpose"] == RECALL, now=now)
    known = await reaches(conn, store, [one.customer_id for one in found], row["channel"], now=now)
    judged = [(one, left_out(known[one.customer_id], row["purpose"])) for one in found]
    going = [one for one, reason in judged if reason is None]
    excluded = [(one, reason) for one, reason in judged if reason is not None]
    open_days = _days(store, row, now)
    try:
        days = spread(len(going), open_days, row["a_day"], at_once=row["mode"] == "message")
    except DoesNotFit as fault:
        return Reached(going, excluded, [], fault.room)
    return Reached(going, excluded, days)


def _days(store: StoreContext, row: asyncpg.Record, now: datetime) -> list[date]:
    """The days of a campaign that are left: calls on open days, messages on any."""
    first = max(row["starts_on"], store.calendar.day_of(now))
    days = [first + count * _DAY for count in range((row["ends_on"] - first).days + 1)]
    return [day for day in days if row["mode"] == "message" or store.calendar.is_open(day)]


def _needs_approval(store: StoreContext, size: int) -> bool:
    return size > store.setting("campaign_approval_size", APPROVAL_ABOVE)


async def _open(conn: Connection, store_id: UUID, campaign_id: UUID, expected: Expected | None = None) -> asyncpg.Record:
    row = await records.locked(conn, TABLE, store_id, campaign_id, CampaignNotFound, expected)
    if CampaignState.RUNNING not in NEXT[CampaignState(row["state"])]:
        raise NotLaunchable
    return row


async def _members(conn: Connection, store: StoreContext, campaign_id: UUID, reached: Reached, first: date) -> None:
    rows: list[tuple[Candidate, date, str, str | None]] = [
        (one, day, "waiting", None) for one, day in zip(reached.going, reached.days, strict=True)
    ]
    rows += [(one, first, "excluded", reason) for one, reason in reached.excluded]
    columns = [(new_id(), one.customer_id, one.vehicle_id, day, state, reason) for one, day, state, reason in rows]
    await conn.execute(_MEMBERS, store.id, campaign_id, *zip(*columns, strict=True))


async def _keep_text(conn: Connection, store: StoreContext, row: asyncpg.Record, now: datetime) -> None:
    """A text of its own stands among the store's wordings, where the notifier finds it."""
    if row["text"] is None:
        return
    key = text_key(row["id"])
    wording = own_wording(store, row["name"], row["channel"], row["text"], key)
    await conn.execute(_TEXT, store.id, new_id(), key, wording.channel, wording.language, wording.subject, wording.body, now)


def _data(row: asyncpg.Record) -> Any:
    return orjson.loads(row["segment"])
