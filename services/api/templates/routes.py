"""Templates over HTTP: what there is, a store's own wording, a preview with segments."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
from fastapi import Response
from pydantic import Field

from services.api import audit
from services.api.deps import Me, Now, StoreConnection
from services.api.etags import IfMatch, etag
from services.api.routing import router as make_router
from services.api.wire import In, Instant, Line, Out, Page, Text, json_response
from shared.db import Connection
from shared.errors import Invalid, NotFound
from shared.ids import new_id
from shared.wording import VARIABLES, Rendered, Wording, faults, render, shipped, wording_for

router = make_router("/stores/{store_id}/templates", "templates")

Words = Literal["sms", "email"]
Tongue = Literal["zh", "en"]

# The own words of a campaign stand here too, for the notifier; they are the campaign's, not the store's.
_OWN = """
    SELECT key, channel, language, subject, body, html, updated_at, version FROM message_templates
    WHERE store_id = $1 AND key NOT LIKE 'campaign-%'
"""
_ONE = f"{_OWN} AND key = $2 AND channel = $3 AND language = $4 FOR UPDATE"
_PUT = """
    INSERT INTO message_templates (store_id, id, key, channel, language, subject, body, html, updated_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
    ON CONFLICT (store_id, key, channel, language) DO UPDATE SET subject = excluded.subject, body = excluded.body,
        html = excluded.html, updated_at = excluded.updated_at, version = message_templates.version + 1
"""
_DELETE = "DELETE FROM message_templates WHERE store_id = $1 AND key = $2 AND channel = $3 AND language = $4"
_STORE = "SELECT name, phone, signature FROM stores WHERE id = $1"


class TemplateNotFound(NotFound):
    """There is no message of that key."""

    code = "template_not_found"
    zh = "没有这个模板。"


class NothingToShow(Invalid):
    """Send a body, or the key of a message that there is on this channel."""

    code = "nothing_to_show"
    zh = "请提供正文，或该渠道已有模板的 key。"

    def __init__(self) -> None:
        super().__init__(pointer="/key")


class TemplateFaulty(Invalid):
    """The wording cannot be used; `errors` names every fault."""

    code = "template_faulty"
    zh = "模板有误，见 errors。"

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__()
        self.errors = [{"pointer": f"#/{field}", "message": message} for field, message in found]


class TemplateOut(Out):
    """The wording in force for one message, channel and language. `own`: the store's, else shipped. `version` 0: shipped."""

    key: str = Field(examples=["unreached"])
    channel: Words
    language: Tongue
    subject: str | None
    body: str
    html: str | None
    own: bool
    version: int
    updated_at: Instant | None


class TemplateIn(In):
    """A store's own wording. `body` null returns to the shipped one. Variables: those of the preview."""

    channel: Words
    language: Tongue = "zh"
    subject: Line | None = None
    body: str | None = Field(
        max_length=20_000, examples=["{{ customer_name }}{{ salutation }}您好，请点 {{ survey_url }} 评价。"]
    )
    html: str | None = Field(None, max_length=50_000)


class PreviewIn(In):
    """A wording to look at: a text of one's own, or, with `key` alone, the one in force."""

    channel: Words = "sms"
    language: Tongue = "zh"
    key: Line | None = None
    subject: Line | None = None
    body: str | None = Field(None, max_length=20_000)
    marketing: bool = False
    values: dict[str, Text] = Field(default_factory=dict, description="Instead of the sample values.")


class PreviewOut(Out):
    """What the customer would read, and what an SMS is billed as."""

    subject: str | None
    text: str
    characters: int = Field(examples=[68])
    segments: int = Field(examples=[1])
    variables: list[str]


@router.get("", operation_id="list_templates", response_model=Page[TemplateOut])
async def list_templates(conn: StoreConnection, me: Me) -> Response:
    """Every wording in force."""
    own = {(row["key"], row["channel"], row["language"]): row for row in await conn.fetch(_OWN, me.store_id)}
    items = [_out(place, own.get(place)) for place in sorted({*shipped(), *own})]
    return json_response({"items": items, "next_cursor": None})


@router.put("/{key}", operation_id="put_template", response_model=TemplateOut)
async def put_template(key: Line, body: TemplateIn, conn: StoreConnection, me: Me, if_match: IfMatch, now: Now) -> Response:
    """Put a store's own wording in force, or with `body` null the shipped one again. 422 names every fault of the text."""
    place = (key, body.channel, body.language)
    if place not in shipped():
        raise TemplateNotFound
    before = await conn.fetchrow(_ONE, me.store_id, *place)
    if_match.check(before["version"] if before else 0)
    if body.body is None:
        await conn.execute(_DELETE, me.store_id, *place)
    else:
        await _put(conn, me, Wording(key, body.channel, body.language, body.body, body.subject, body.html), now)
    await audit.note(conn, me, "template.changed", "template", now=now, detail={"key": key, "channel": body.channel})
    after = await conn.fetchrow(_ONE, me.store_id, *place)
    return json_response(_out(place, after), headers={"ETag": etag(after["version"] if after else 0)})


@router.post("/preview", operation_id="preview_template", response_model=PreviewOut)
async def preview_template(body: PreviewIn, conn: StoreConnection, me: Me) -> Response:
    """Render a wording with sample values, signature and suffixes included."""
    wording = await _wording(conn, me.store_id, body)
    if found := faults(wording):
        raise TemplateFaulty(found)
    store = await conn.fetchrow(_STORE, me.store_id)
    signature = store["signature"] if store else ""
    values = {**VARIABLES, **{name: value for name, value in body.values.items() if name in VARIABLES}}
    rendered: Rendered = render(wording, values, signature=signature, marketing=body.marketing)
    return json_response(
        {
            "subject": rendered.subject,
            "text": rendered.body,
            "characters": len(rendered.body),
            "segments": rendered.segments,
            "variables": sorted(VARIABLES),
        }
    )


async def _put(conn: Connection, me: Me, wording: Wording, now: datetime) -> None:
    if found := faults(wording):
        raise TemplateFaulty(found)
    place = (wording.key, wording.channel, wording.language)
    await conn.execute(_PUT, me.store_id, new_id(), *place, wording.subject, wording.body, wording.html, now)


async def _wording(conn: Connection, store_id: UUID, body: PreviewIn) -> Wording:
    if body.body is not None:
        return Wording(body.key or "preview", body.channel, body.language, body.body, body.subject)
    rows = await conn.fetch(_OWN, store_id)
    own = {(row["key"], row["channel"], row["language"]): _own(row) for row in rows}
    found = wording_for(own, body.key or "", body.channel, body.language)
    if found is None:
        raise NothingToShow
    return found


def _own(row: asyncpg.Record) -> Wording:
    return Wording(row["key"], row["channel"], row["language"], row["body"], row["subject"], row["html"])


def _out(place: tuple[str, str, str], own: asyncpg.Record | None) -> dict[str, object]:
    wording = _own(own) if own else shipped()[place]
    return {
        "key": wording.key,
        "channel": wording.channel,
        "language": wording.language,
        "subject": wording.subject,
        "body": wording.body,
        "html": wording.html,
        "own": own is not None,
        "version": own["version"] if own else 0,
        "updated_at": own["updated_at"] if own else None,
    }
