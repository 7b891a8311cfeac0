"""Problems over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.complaints.door import ComplaintOut
from services.api.complaints.queries import complaint
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, etag
from services.api.paging import PageQuery
from services.api.problems import actions
from services.api.problems.schemas import ActIn, ProblemIn, ProblemOut, ProblemPatch, ToComplaintIn, ToldIn
from services.api.records import Where
from services.api.routing import router as make_router
from services.api.wire import Flag, Page, json_response
from shared.db import Connection
from shared.domain.complaint import Department, ProblemState
from shared.domain.visit import ProblemType
from shared.stores import StoreContext

router = make_router("/stores/{store_id}/problems", "problems")


@router.get("", operation_id="list_problems", response_model=Page[ProblemOut])
async def list_problems(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    state: Annotated[list[ProblemState] | None, Query(description="Several may be given.")] = None,
    department: Department | None = None,
    type: ProblemType | None = None,
    head_id: UUID | None = None,
    customer_id: UUID | None = None,
    visit_id: UUID | None = None,
    overdue: Annotated[Flag | None, Query(description="Whether nobody acted within 24 hours.")] = None,
    sort: Literal["act_by", "-opened_at"] = "act_by",
) -> Response:
    """Problems of the store, the nearest deadline first."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    filters = [
        Where("t.state = ANY({})", [str(one) for one in state] if state else None),
        Where("t.department = {}", department),
        Where("t.type = {}", type),
        Where("t.head_id = {}", head_id),
        Where("t.customer_id = {}", customer_id),
        Where("t.visit_id = {}", visit_id),
    ]
    items, cursor = await actions.page_of_problems(conn, store, filters, overdue, actions.SORTS[sort], page, now)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_problem", response_model=ProblemOut)
async def create_problem(body: ProblemIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Write a problem down; its department has 24 hours."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    problem_id = await actions.add(conn, store, me, body, now=now)
    problem = await actions.problem(conn, store, problem_id, now)
    headers = {"Location": f"/v1/stores/{me.store_id}/problems/{problem_id}", "ETag": etag(problem["version"])}
    return json_response(problem, 201, headers)


@router.get("/{problem_id}", operation_id="get_problem", response_model=ProblemOut)
async def get_problem(problem_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """One problem."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return await _answer(conn, store, problem_id, now)


@router.patch("/{problem_id}", operation_id="update_problem", response_model=ProblemOut)
async def update_problem(
    problem_id: UUID, body: ProblemPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Give it to another department or person, while nothing was done yet."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change(conn, store, me, problem_id, body, if_match, now=now)
    return await _answer(conn, store, problem_id, now)


@router.post("/{problem_id}/act", operation_id="act_on_problem", response_model=ProblemOut)
async def act(problem_id: UUID, body: ActIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """What the department did about it."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.act(conn, store, me, problem_id, body, now=now)
    return await _answer(conn, store, problem_id, now)


@router.post("/{problem_id}/tell", operation_id="tell_problem_result", response_model=ProblemOut)
async def tell(
    problem_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, body: ToldIn | None = None
) -> Response:
    """The customer was told what was done."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.tell(conn, store, me, problem_id, body or ToldIn(), now=now)
    return await _answer(conn, store, problem_id, now)


@router.post("/{problem_id}/resolve", operation_id="resolve_problem", response_model=ProblemOut)
async def resolve(problem_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Resolved, after the customer was told."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.resolve(conn, store, me, problem_id, now=now)
    return await _answer(conn, store, problem_id, now)


@router.post("/{problem_id}/complaint", status_code=201, operation_id="turn_problem_into_complaint", response_model=ComplaintOut)
async def to_complaint(
    problem_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, body: ToComplaintIn | None = None
) -> Response:
    """It is a complaint after all; the answer is the complaint."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    complaint_id = await actions.to_complaint(conn, store, me, problem_id, body or ToComplaintIn(), now=now)
    opened = await complaint(conn, store, me, complaint_id, now)
    headers = {"Location": f"/v1/stores/{me.store_id}/complaints/{complaint_id}", "ETag": etag(opened["version"])}
    return json_response(opened, 201, headers)


async def _answer(conn: Connection, store: StoreContext, problem_id: UUID, now: datetime) -> Response:
    problem = await actions.problem(conn, store, problem_id, now)
    return json_response(problem, headers={"ETag": etag(problem["version"])})
