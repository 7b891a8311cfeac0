"""Complaints over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api import records
from services.api.complaints import actions, managing, queries
from services.api.complaints.schemas import (
    ChecklistOut,
    ComplaintIn,
    ComplaintOut,
    ComplaintPatch,
    CrisisIn,
    ExtendIn,
    Filters,
    HandleIn,
    HappenedOut,
    ItemIn,
    NoteIn,
    ReasonIn,
    RegionalIn,
    RejectIn,
    ReopenIn,
    ResolveIn,
    ResponseIn,
    Sort,
    TellIn,
)
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, etag
from services.api.identities import Me as Caller
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Day, Flag, Page, json_response
from shared.db import Connection
from shared.domain.complaint import Category, Department, Kind, State
from shared.errors import Forbidden
from shared.stores import StoreContext

router = make_router("/stores/{store_id}/complaints", "complaints")


@router.get("", operation_id="list_complaints", response_model=Page[ComplaintOut])
async def list_complaints(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    state: Annotated[list[State] | None, Query(description="Several may be given.")] = None,
    kind: Kind | None = None,
    category: Category | None = None,
    department: Department | None = None,
    owner_id: UUID | None = None,
    customer_id: UUID | None = None,
    crisis: Flag | None = None,
    overdue: Annotated[Flag | None, Query(description="Whether the deadline that is next has passed.")] = None,
    open: Annotated[Flag | None, Query(description="Whether it is not closed yet.")] = None,
    opened_from: Day | None = None,
    opened_to: Day | None = None,
    sort: Sort = "next_by",
) -> Response:
    """Complaints of the store, the nearest deadline first. Everybody sees that they are there; the words only owner and managers."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    filters = Filters(
        state=state,
        kind=kind,
        category=category,
        department=department,
        owner_id=owner_id,
        customer_id=customer_id,
        crisis=crisis,
        overdue=overdue,
        open=open,
        opened_from=opened_from,
        opened_to=opened_to,
    )
    items, cursor = await queries.page_of_complaints(conn, store, me, filters, queries.SORTS[sort], page, now)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_complaint", response_model=ComplaintOut)
async def create_complaint(body: ComplaintIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Register a complaint; its clocks run from now."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    complaint_id = await actions.add(conn, store, me, body, now=now)
    complaint = await queries.complaint(conn, store, me, complaint_id, now, just_said=True)
    headers = {"Location": f"/v1/stores/{me.store_id}/complaints/{complaint_id}", "ETag": etag(complaint["version"])}
    return json_response(complaint, 201, headers)


@router.get("/{complaint_id}", operation_id="get_complaint", response_model=ComplaintOut)
async def get_complaint(complaint_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """One complaint with its clocks."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return await _answer(conn, store, me, complaint_id, now)


@router.patch("/{complaint_id}", operation_id="update_complaint", response_model=ComplaintOut)
async def update_complaint(
    complaint_id: UUID, body: ComplaintPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Write down cause, solution, summary, improvement; correct kind or category; give it to another owner, with a reason."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.change(conn, store, me, complaint_id, body, if_match, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.get("/{complaint_id}/history", operation_id="get_complaint_history", response_model=list[HappenedOut])
async def get_history(complaint_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Everything that happened with it, oldest first: responses, warnings, escalations, every loop. For owner and managers."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await _readable(conn, me, complaint_id)
    return json_response(await queries.history(conn, store, complaint_id))


@router.post("/{complaint_id}/responses", operation_id="respond_to_complaint", response_model=ComplaintOut)
async def respond(complaint_id: UUID, body: ResponseIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Somebody spoke with the customer; the first time is the first response, later ones are its log."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.respond(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/handle", operation_id="handle_complaint", response_model=ComplaintOut)
async def handle(complaint_id: UUID, body: HandleIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The solution, and that it was carried out."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.handle(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/tell", operation_id="tell_complaint_result", response_model=ComplaintOut)
async def tell(complaint_id: UUID, body: TellIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The customer was told the result; the follow-up that asks for his word is planned."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.tell(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/resolve", operation_id="resolve_complaint", response_model=ComplaintOut)
async def resolve(complaint_id: UUID, body: ResolveIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Handled and told in one step; after a follow-up without the customer's word: confirmed since, or closed without it."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.resolve(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/reopen", operation_id="reopen_complaint", response_model=ComplaintOut)
async def reopen(complaint_id: UUID, body: ReopenIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The customer is not satisfied: the loop again, one level up, counted."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.start_again(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/sign-off", operation_id="sign_off_complaint", response_model=ComplaintOut)
async def sign_off(
    complaint_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, body: NoteIn | None = None
) -> Response:
    """The department's manager countersigns the record by closing time of the day it was opened (S1). It closes nothing."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.sign_off(conn, store, me, complaint_id, body.note if body else None, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/pause", operation_id="pause_complaint", response_model=ComplaintOut)
async def pause(complaint_id: UUID, body: ReasonIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Handling stands still, for a reason."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.pause(conn, store, me, complaint_id, body.reason, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/resume", operation_id="resume_complaint", response_model=ComplaintOut)
async def resume(complaint_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The clocks go on with the time that was left."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.resume(conn, store, me, complaint_id, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/extend", operation_id="extend_complaint", response_model=ComplaintOut)
async def extend(complaint_id: UUID, body: ExtendIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """A manager sets a later deadline for handling, with a reason."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.extend(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/reject", operation_id="reject_complaint", response_model=ComplaintOut)
async def reject(complaint_id: UUID, body: RejectIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Not valid: it was explained to the customer, and why is on record."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.reject(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.post("/{complaint_id}/crisis", operation_id="declare_crisis", response_model=ComplaintOut)
async def declare_crisis(
    complaint_id: UUID, body: CrisisIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now
) -> Response:
    """It has become a crisis: the general manager at once, contact within the hour, around the clock."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.declare_crisis(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


@router.get("/{complaint_id}/checklist", operation_id="get_crisis_checklist", response_model=ChecklistOut)
async def get_checklist(complaint_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """The checklist of a crisis: what was done, when and by whom. For owner and managers."""
    row = await records.one(conn, queries.TABLE, me.store_id, complaint_id, queries.ComplaintNotFound)
    if not queries.may_read(me, row):
        raise Forbidden
    return json_response(queries.checklist(row))


@router.post("/{complaint_id}/checklist", operation_id="mark_crisis_item", response_model=ChecklistOut)
async def mark_item(complaint_id: UUID, body: ItemIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """An item is done, or open again."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.mark_item(conn, store, me, complaint_id, body, now=now)
    row = await records.one(conn, queries.TABLE, me.store_id, complaint_id, queries.ComplaintNotFound)
    return json_response(queries.checklist(row))


@router.post("/{complaint_id}/regional", operation_id="report_to_region", response_model=ComplaintOut)
async def regional(complaint_id: UUID, body: RegionalIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """What the house cannot settle is reported to the regional office (S3): ask for the report, or say that it was made."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await managing.regional(conn, store, me, complaint_id, body, now=now)
    return await _answer(conn, store, me, complaint_id, now)


async def _readable(conn: Connection, me: Caller, complaint_id: UUID) -> None:
    row = await records.one(conn, queries.TABLE, me.store_id, complaint_id, queries.ComplaintNotFound)
    if not queries.may_read(me, row):
        raise Forbidden


async def _answer(conn: Connection, store: StoreContext, me: Caller, complaint_id: UUID, now: datetime) -> Response:
    complaint = await queries.complaint(conn, store, me, complaint_id, now)
    return json_response(complaint, headers={"ETag": etag(complaint["version"])})
