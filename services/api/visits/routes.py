"""Visits over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import KeyedConnection, Locale, Me, Now, StoreConnection, TheHouse, Vault
from services.api.direct import directly
from services.api.etags import IfMatch, etag
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.visits import actions, attempts, queries
from services.api.visits.brief import brief
from services.api.visits.next import with_limits
from services.api.visits.schemas import (
    AttemptIn,
    AttemptOut,
    AttemptRecorded,
    BriefOut,
    ConfirmIn,
    Filters,
    ReassignIn,
    VisitIn,
    VisitOut,
    VisitPatch,
    WhyOut,
)
from services.api.visits.why import why
from services.api.wire import Day, Flag, Line, Page, json_response
from shared.domain.confirmation import SAMPLE_PERCENT
from shared.domain.visit import State

router = make_router("/stores/{store_id}/visits", "visits")


@router.get("", operation_id="list_visits", response_model=Page[VisitOut])
async def list_visits(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    state: Annotated[list[State] | None, Query(description="Several may be given.")] = None,
    assignee_id: UUID | None = None,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    programme: Annotated[Line | None, Query()] = None,
    due_from: Day | None = None,
    due_to: Day | None = None,
    to_confirm: Annotated[Flag, Query(description="Only results that wait for a manager's word (S1).")] = False,
    sort: Annotated[Line, Query(description=f"One of {', '.join(queries.SORTS)}.")] = "due_on",
) -> Response:
    """Visits the caller may know of, a page at a time."""
    filters = Filters(
        state=state,
        assignee_id=assignee_id,
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        programme=programme,
        due_from=due_from,
        due_to=due_to,
        to_confirm=to_confirm,
    )
    percent = SAMPLE_PERCENT
    if to_confirm:
        percent = (await house.stores.get(conn, me.store_id, today=now.date())).setting("confirm_percent", SAMPLE_PERCENT)
    items, cursor = await queries.page_of_visits(conn, me, filters, queries.sort_key(sort), page, percent)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_visit", response_model=VisitOut)
async def create_visit(body: VisitIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Plan a follow-up by hand."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    visit_id = await actions.plan_by_hand(conn, store, me, body, now=now)
    visit = (await queries.visits_by_id(conn, me.store_id, [visit_id]))[visit_id]
    headers = {"Location": f"/v1/stores/{me.store_id}/visits/{visit_id}", "ETag": etag(visit["version"])}
    return json_response(visit, 201, headers)


@router.get("/{visit_id}", operation_id="get_visit", response_model=VisitOut)
@directly
async def get_visit(visit_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One visit with its attempts and what happens next."""
    visit = await queries.visit(conn, me, visit_id)
    return json_response(visit, headers={"ETag": etag(visit["version"])})


@router.patch("/{visit_id}", operation_id="update_visit", response_model=VisitOut)
async def update_visit(
    visit_id: UUID, body: VisitPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Cancel with a reason, promise an instant, or move an untouched visit to another day."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change(conn, store, me, visit_id, body, if_match, now=now)
    return await _answer(conn, me, visit_id)


@router.get("/{visit_id}/brief", operation_id="get_brief", response_model=BriefOut)
async def get_brief(
    visit_id: UUID, conn: StoreConnection, house: TheHouse, vault: Vault, me: Me, now: Now, locale: Locale
) -> Response:
    """Everything to know before the call: customer, car, history, promises, script and questions. Logs no view."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return json_response(await brief(conn, store, vault, me, visit_id, now=now, language=locale))


@router.get("/{visit_id}/why", operation_id="get_visit_why", response_model=WhyOut)
async def get_why(visit_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, locale: Locale) -> Response:
    """The whole story: rule, trigger, shifts, tries, messages and what stopped them, what comes next."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return json_response(await why(conn, store, me, visit_id, locale, now=now))


@router.get("/{visit_id}/attempts", operation_id="list_attempts", response_model=list[AttemptOut])
async def list_attempts(visit_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """The attempts of a visit, oldest first, withdrawn ones marked."""
    return json_response((await queries.visit(conn, me, visit_id))["attempts"])


@router.post("/{visit_id}/attempts", status_code=201, operation_id="record_attempt", response_model=AttemptRecorded)
async def record_attempt(
    visit_id: UUID, body: AttemptIn, conn: KeyedConnection, house: TheHouse, vault: Vault, me: Me, now: Now
) -> Response:
    """Record a try; the answer says what happens next."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    recorded = await attempts.record(conn, store, vault, me, visit_id, body, now=now)
    found = await queries.visits_by_id(conn, me.store_id, recorded.visit_ids)
    visits = {each: with_limits(one, store) for each, one in found.items()}
    visit = visits[visit_id]
    attempt = next(one for one in visit["attempts"] if one["id"] == recorded.attempt_id)
    return json_response({**attempt, "visit": visit, "visits": [visits[each] for each in recorded.visit_ids]}, 201)


@router.post("/{visit_id}/attempts/{attempt_id}/withdraw", operation_id="withdraw_attempt", response_model=VisitOut)
async def withdraw_attempt(
    visit_id: UUID, attempt_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now
) -> Response:
    """Take an attempt back within ten minutes, while no message went out."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await attempts.withdraw(conn, store, me, visit_id, attempt_id, now=now)
    return await _answer(conn, me, visit_id)


@router.post("/{visit_id}/reassign", operation_id="reassign_visit", response_model=VisitOut)
async def reassign_visit(visit_id: UUID, body: ReassignIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Give the visit to somebody else, or back to the pool (managers)."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.reassign(conn, store, me, visit_id, body, now=now)
    return await _answer(conn, me, visit_id)


@router.post("/{visit_id}/confirm", operation_id="confirm_visit", response_model=VisitOut)
async def confirm_visit(visit_id: UUID, conn: StoreConnection, me: Me, now: Now, body: ConfirmIn | None = None) -> Response:
    """Confirm the result (managers, S1)."""
    await actions.confirm(conn, me, visit_id, body or ConfirmIn(), now=now)
    return await _answer(conn, me, visit_id)


async def _answer(conn: StoreConnection, me: Me, visit_id: UUID) -> Response:
    visit = (await queries.visits_by_id(conn, me.store_id, [visit_id]))[visit_id]
    return json_response(visit, headers={"ETag": etag(visit["version"])})
