"""Scripts over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Response

from services.api.deps import Locale, Me, Now, StoreConnection, TheHouse
from services.api.routing import router as make_router
from services.api.scripts import actions, queries
from services.api.scripts.schemas import PreviewIn, PreviewOut, ScriptIn, ScriptOut, ScriptsOut
from services.api.visits.door import made_up, render_script, script_facts, unfilled
from services.api.visits.queries import visit as visit_by_id
from services.api.wire import json_response
from shared.domain.programme import PLACEHOLDERS, SCRIPT_PARTS

router = make_router("/stores/{store_id}/scripts", "scripts")
Key = Annotated[str, Path(max_length=64, examples=["after-repair"])]


@router.get("", operation_id="list_scripts", response_model=ScriptsOut)
async def list_scripts(conn: StoreConnection, house: TheHouse, me: Me, now: Now, locale: Locale) -> Response:
    """The words of every step somebody calls for, the store's own among them."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    items = await queries.scripts(conn, store, locale)
    return json_response({"items": items, "parts": list(SCRIPT_PARTS), "variables": sorted(PLACEHOLDERS)})


@router.post("/preview", operation_id="preview_script", response_model=PreviewOut)
async def preview_script(body: PreviewIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The words filled in for a real visit (or a made-up one); nothing is kept."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    _, step = queries.step_of(store, body.programme, body.step)
    actions.check(body)
    if body.visit_id is None:
        facts = made_up(store, now)
    else:
        facts = await script_facts(conn, store, me, await visit_by_id(conn, me, body.visit_id))
    tried = replace(step, script=body.text)
    lines = [{"part": part, "text": text} for part, text in render_script([tried], facts)]
    return json_response({"lines": lines, "unfilled": unfilled(body.text, facts)})


@router.get("/{programme}/{step}", operation_id="get_script", response_model=ScriptOut)
async def get_script(
    programme: Key, step: Key, conn: StoreConnection, house: TheHouse, me: Me, now: Now, locale: Locale
) -> Response:
    """The words of one step."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return json_response(await queries.script(conn, store, programme, step, locale))


@router.put("/{programme}/{step}", operation_id="set_script", response_model=ScriptOut)
async def set_script(
    programme: Key, step: Key, body: ScriptIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, locale: Locale
) -> Response:
    """Set the store's own words. Faults are named by line, and the old words stay."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.put_script(conn, store, me, programme, step, body, now=now)
    return json_response(await queries.script(conn, store, programme, step, locale))


@router.delete("/{programme}/{step}", operation_id="delete_script", status_code=204)
async def delete_script(programme: Key, step: Key, conn: StoreConnection, me: Me, now: Now) -> None:
    """Back to the programme's own words."""
    await actions.delete_script(conn, me, programme, step, now=now)
