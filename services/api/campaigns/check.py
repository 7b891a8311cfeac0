"""What makes a campaign one that can be launched: everything is checked when it is entered, each fault named at its field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.campaign import RECALL
from shared.domain.programme.steps import script_faults
from shared.domain.segment import Segment, SegmentInvalid, parse_segment
from shared.errors import Invalid
from shared.stores import StoreContext
from shared.wording import VARIABLES, Rendered, Wording, faults, render, wording_for

LONGEST = timedelta(days=366)
_OWN = "SELECT key, channel, language, subject, body, html FROM message_templates WHERE store_id = $1"
Fault = tuple[str, str]


class CampaignInvalid(Invalid):
    """The campaign cannot be; `errors` names every fault at its field."""

    code = "campaign_invalid"
    zh = "活动有误，见 errors。"

    def __init__(self, found: list[Fault]) -> None:
        super().__init__()
        self.errors = [{"pointer": f"#{pointer}", "message": message} for pointer, message in found]


async def checked(conn: Connection, store: StoreContext, values: Mapping[str, Any], today: date) -> Segment:
    """The segment of a campaign all of whose parts fit together. Raises CampaignInvalid with every fault."""
    found = [*_days(values, today), *_way(values), *_words(store, values)]
    if values["template"] is not None and values["mode"] == "message":
        known = await wordings(conn, store.id)
        if wording_for(known, values["template"], values["channel"], store.language) is None:
            found.append(("/template", "没有该模板 / no such message on this channel"))
    segment = _segment(values["segment"], values["purpose"], found)
    if found or segment is None:
        raise CampaignInvalid(found)
    return segment


def segment_of(row: asyncpg.Record) -> Segment:
    """The segment of a stored campaign, which was checked when it was entered."""
    return parse_segment(orjson.loads(row["segment"]))


async def rendered(conn: Connection, store: StoreContext, row: asyncpg.Record) -> Rendered | None:
    """The message with sample values; None for a call list."""
    wording = await wording_of(conn, store, row)
    if wording is None:
        return None
    return render(wording, VARIABLES, signature=store.signature, marketing=row["purpose"] != RECALL)


async def wording_of(conn: Connection, store: StoreContext, row: asyncpg.Record) -> Wording | None:
    """The words of a message campaign: its own, or of the template it names."""
    if row["mode"] != "message":
        return None
    if row["text"] is not None:
        return own_wording(store, row["name"], row["channel"], row["text"])
    return wording_for(await wordings(conn, store.id), row["template"], row["channel"], store.language)


def own_wording(store: StoreContext, name: str, channel: str, text: str, key: str = "campaign") -> Wording:
    """A campaign's own text as a wording; an e-mail's subject is the campaign's name."""
    return Wording(key, channel, store.language, text, name if channel == "email" else None)


async def wordings(conn: Connection, store_id: UUID) -> dict[tuple[str, str, str], Wording]:
    """The store's own wordings."""
    return {
        (row["key"], row["channel"], row["language"]): Wording(**dict(row.items())) for row in await conn.fetch(_OWN, store_id)
    }


def _segment(data: object, purpose: str, found: list[Fault]) -> Segment | None:
    try:
        segment = parse_segment(data)
    except SegmentInvalid as fault:
        found += [(f"/segment{pointer}", message) for pointer, message in fault.faults]
        return None
    if purpose == RECALL and not segment.about_cars:
        found.append(("/segment", "召回要说明是哪些车 / a recall names cars: vins, models, …"))
    return segment


def _days(values: Mapping[str, Any], today: date) -> Iterator[Fault]:
    if values["ends_on"] < values["starts_on"]:
        yield "/ends_on", "结束早于开始 / ends before it starts"
    elif values["ends_on"] < today:
        yield "/ends_on", "已经过去 / is over already"
    elif values["ends_on"] - values["starts_on"] > LONGEST:
        yield "/ends_on", "最长一年 / a year at most"


def _way(values: Mapping[str, Any]) -> Iterator[Fault]:
    calls = values["mode"] == "call_list"
    if calls != (values["channel"] == "phone"):
        yield "/channel", "电话名单用 phone，消息用 sms 或 email / phone for a call list, sms or email for a message"
    if calls and values["role"] is None:
        yield "/role", "由哪个岗位打电话 / say who calls"
    for name in ("role", "script") if not calls else ("template", "text"):
        if values[name] is not None:
            yield f"/{name}", "与方式不符 / not for this mode"
    if not calls and (values["template"] is None) == (values["text"] is None):
        yield "/text", "template 与 text 二选一 / either template or text"


def _words(store: StoreContext, values: Mapping[str, Any]) -> Iterator[Fault]:
    if values["script"] is not None:
        yield from (("/script", message) for message in script_faults(values["script"]))
    if values["text"] is not None and values["channel"] != "phone":
        wording = own_wording(store, values["name"], values["channel"], values["text"])
        yield from ((f"/{'name' if field == 'subject' else 'text'}", message) for field, message in faults(wording))
