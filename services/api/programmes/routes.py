"""Programmes over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from services.api import audit
from services.api.deps import Me, Now, StoreConnection
from services.api.programmes import actions, queries
from services.api.programmes.schemas import ProgrammeIn, ProgrammeOut, ProgrammeWithSource, VersionOut
from services.api.routing import router as make_router
from services.api.wire import Page, json_response

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
async def put_programme(key: Key, body: ProgrammeIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """A new version: another text, another policy, on or off. Faults are named by line and leave the old one in force."""
    await actions.put(conn, me, key, body, now=now)
    await audit.note(
        conn, me, "programme.changed", "programme", None, now=now, detail={"key": key, "fields": sorted(body.model_fields_set)}
    )
    return json_response(await queries.programme(conn, me.store_id, key))


@router.get("/{key}/versions", operation_id="list_programme_versions", response_model=list[VersionOut])
async def list_programme_versions(key: Key, conn: StoreConnection, me: Me) -> Response:
    """Every version, newest first."""
    return json_response(await queries.versions(conn, me.store_id, key))
