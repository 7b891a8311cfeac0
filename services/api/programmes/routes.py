"""Programmes over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Response

from services.api import audit
from services.api.deps import Me, Now, StoreConnection, TheHouse, Vault
from services.api.programmes import actions, queries
from services.api.programmes.schemas import ProgrammeIn, ProgrammeOut, ProgrammeWithSource, RehearsalIn, RehearsalOut, VersionOut
from services.api.routing import router as make_router
from services.api.wire import Page, json_response
from shared.rehearsal import rehearse

router = make_router("/stores/{store_id}/programmes", "programmes")

Key = Annotated[str, Path(max_length=80, pattern=r"^[a-z][a-z0-9-]*$", examples=["delivery-sales"])]


@router.get("", operation_id="list_programmes", response_model=Page[ProgrammeOut])
async def list_programmes(conn: StoreConnection, me: Me) -> Response:
    """The store's programmes in force, by key; few enough for one page."""
    return json_response({"items": await queries.programmes(conn, me.store_id), "next_cursor": None})


@router.get("/{key}", operation_id="get_programme", response_model=ProgrammeWithSource)
async def get_programme(key: Key, conn: StoreConnection, me: Me) -> Response:
    """One programme with its YAML text."""
    return json_response(await queries.programme(conn, me.store_id, key))


@router.put("/{key}", operation_id="put_programme", response_model=ProgrammeWithSource)
async def put_programme(key: Key, body: ProgrammeIn, conn: StoreConnection, vault: Vault, me: Me, now: Now) -> Response:
    """A new version: another text, another policy, on or off. Faults are named by line and leave the old one in force."""
    await actions.put(conn, vault, me, key, body, now=now)
    await audit.note(
        conn, me, "programme.changed", "programme", None, now=now, detail={"key": key, "fields": sorted(body.model_fields_set)}
    )
    return json_response(await queries.programme(conn, me.store_id, key))


@router.post("/{key}/rehearsal", operation_id="rehearse_programme", status_code=200, response_model=RehearsalOut)
async def rehearse_programme(
    key: Key, body: RehearsalIn, conn: StoreConnection, house: TheHouse, vault: Vault, me: Me, now: Now
) -> Response:
    """Run a change of a programme against the real files for the next days: who would have how many calls, what would be sent.

    Nothing is written and nothing sent; an error of the text is named with its line (or its place in the object).
    """
    changed = await actions.tried(conn, me, key, body)
    store = await house.stores.get(conn, me.store_id, today=now.date())
    found = await rehearse(conn, store, key, changed, now=now, days=body.days, vault=vault, replan=body.replan)
    overruns = [
        {"staff_id": volume.staff_id, "name": volume.name, "on": day.on, "before": day.before, "after": day.after,
         "capacity": volume.capacity}
        for volume, day in found.overruns
    ]  # fmt: skip
    policy = changed.policy if changed else None
    return json_response({"key": key, "policy": policy, "replan": body.replan, **asdict(found), "overruns": overruns})


@router.get("/{key}/versions", operation_id="list_programme_versions", response_model=list[VersionOut])
async def list_programme_versions(key: Key, conn: StoreConnection, me: Me) -> Response:
    """Every version, newest first."""
    return json_response(await queries.versions(conn, me.store_id, key))
