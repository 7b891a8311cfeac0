"""Who did what: for managers and administrators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.deps import Me, Session
from services.api.paging import PageQuery, Paging
from services.api.routing import router as make_router
from services.api.wire import Instant, InstantIn, Out, Page, Text
from shared.tables.stores import AuditEntry

router = make_router("/stores/{store_id}/audit-log", "audit-log")


class AuditEntryOut(Out):
    """One act."""

    id: UUID
    at: Instant
    actor_kind: str = Field(examples=["staff"])
    actor_id: UUID | None
    action: str = Field(examples=["staff.changed"])
    object_kind: str = Field(examples=["staff"])
    object_id: UUID | None
    detail: dict[str, Any] = Field(examples=[{"fields": ["roles"]}])
    request_id: str | None


@router.get("", operation_id="list_audit_log")
async def list_audit_log(
    session: Session,
    me: Me,
    page: PageQuery,
    action: Text | None = None,
    object_id: UUID | None = None,
    actor_id: UUID | None = None,
    from_at: Annotated[InstantIn | None, Query(alias="from")] = None,
    to_at: Annotated[InstantIn | None, Query(alias="to")] = None,
) -> Page[AuditEntryOut]:
    """What was done in the store, the latest first; `from` inclusive, `to` exclusive."""
    tests: list[tuple[object, Callable[[Any], ColumnElement[bool]]]] = [
        (action, col(AuditEntry.action).__eq__),
        (object_id, col(AuditEntry.object_id).__eq__),
        (actor_id, col(AuditEntry.actor_id).__eq__),
        (from_at, col(AuditEntry.at).__ge__),
        (to_at, col(AuditEntry.at).__lt__),
    ]
    conditions = [test(given) for given, test in tests if given is not None]
    rows = await _entries(session, me.store_id, conditions, page)
    items, following = page.cut(rows, lambda entry: (entry.at, entry.id))
    return Page(items=[AuditEntryOut.model_validate(entry) for entry in items], next_cursor=following)


async def _entries(session: AsyncSession, store_id: UUID, conditions: Sequence[Any], page: Paging) -> Sequence[AuditEntry]:
    found = (
        select(AuditEntry)
        .where(col(AuditEntry.store_id) == store_id, *conditions)
        .order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
        .limit(page.limit + 1)
    )
    at, last = page.after_instant(0), page.after_uuid(1)
    if at is not None:
        found = found.where(or_(col(AuditEntry.at) < at, and_(col(AuditEntry.at) == at, col(AuditEntry.id) < last)))
    return (await session.scalars(found)).all()
