"""Appointments over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from services.api.appointments import actions, queries
from services.api.appointments.ics import CONTENT_TYPE, calendar
from services.api.appointments.schemas import (
    AppointmentIn,
    AppointmentOut,
    AppointmentPatch,
    CancelIn,
    FeedOut,
    PreparationOut,
    SlotPlanIn,
    SlotPlanOut,
    SlotsOut,
)
from services.api.deps import Me, Now, StoreConnection, TheHouse, Vault
from services.api.etags import IfMatch, etag
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.routing import store_of
from services.api.wire import Day, Line, Page, json_response
from shared.appointments import slot_plan, slots_between
from shared.domain.appointment import AppointmentState, plan_json
from shared.errors import Invalid

LONGEST_SPAN = 62
USUAL_SPAN = 6
_ICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An iCalendar file (RFC 5545).",
        "content": {"text/calendar": {"schema": {"type": "string", "examples": ["BEGIN:VCALENDAR\r\nVERSION:2.0\r\n…"]}}},
    },
    404: {"description": "The token is unknown or was ended."},
}

router = make_router("/stores/{store_id}", "appointments")


@router.get("/appointments", operation_id="list_appointments", response_model=Page[AppointmentOut])
async def list_appointments(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    on: Annotated[Day | None, Query(description="One day; instead of `from` and `to`.")] = None,
    from_on: Annotated[Day | None, Query(alias="from")] = None,
    to_on: Annotated[Day | None, Query(alias="to")] = None,
    state: Annotated[list[AppointmentState] | None, Query(description="Several may be given.")] = None,
    advisor_id: UUID | None = None,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    sort: Literal["starts_at", "-starts_at", "-created_at"] = "starts_at",
) -> Response:
    """Appointments of the store by day, advisor, state, customer."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    items, cursor = await queries.page_of_appointments(
        conn, store, page, queries.SORTS[sort], days=(on or from_on, on or to_on), states=state,
        advisor_id=advisor_id, customer_id=customer_id, vehicle_id=vehicle_id,
    )  # fmt: skip
    return json_response({"items": items, "next_cursor": cursor})


@router.post("/appointments", status_code=201, operation_id="create_appointment", response_model=AppointmentOut)
async def create_appointment(body: AppointmentIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Book. 409 `slot_full` names the next free hours in `slots`."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    appointment_id = await actions.add_appointment(conn, store, me, body, now=now)
    return await _answer(conn, me, appointment_id, 201)


@router.get("/appointments/preparation", operation_id="get_preparation", response_model=PreparationOut)
async def get_preparation(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    on: Annotated[Day | None, Query(description="Default: the next open day.")] = None,
) -> Response:
    """The workshop's list of a day: each car, what is to be done, how long it takes, what was done last."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    day = on or store.calendar.next_open_day(store.calendar.day_of(now), inclusive=False)
    return json_response(await queries.preparation(conn, store, day))


@router.post("/appointments/feed", status_code=201, operation_id="create_appointment_feed", response_model=FeedOut)
async def create_appointment_feed(conn: StoreConnection, house: TheHouse, vault: Vault, me: Me, now: Now) -> Response:
    """An address for the caller's own calendar app. Shown once; a former one ends."""
    token = await actions.new_feed(conn, vault, me, now=now)
    return json_response({"url": f"{house.settings.public_url}/v1/stores/{me.store_id}/appointments.ics?token={token}"}, 201)


@router.delete("/appointments/feed", status_code=204, operation_id="delete_appointment_feed")
async def delete_appointment_feed(conn: StoreConnection, me: Me, now: Now) -> None:
    """End the address of the caller's own calendar."""
    await actions.end_feed(conn, me, now=now)


@router.get("/appointments.ics", operation_id="get_appointment_feed", response_class=Response, responses=_ICS)
async def get_appointment_feed(
    request: Request,
    conn: StoreConnection,
    house: TheHouse,
    vault: Vault,
    now: Now,
    token: Annotated[Line, Query(max_length=64, description="From `POST /appointments/feed`; it is the credential.")],
) -> Response:
    """The feed a calendar app subscribes to: cars and work, no customer."""
    store = await house.stores.get(conn, store_of(request), today=now.date())
    staff_id = await actions.feed_owner(conn, vault, store, token)
    events = await queries.events(conn, store, staff_id, now)
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(calendar(f"{store.name} 预约", events, store.address), 200, headers, CONTENT_TYPE)


@router.get("/appointments/{appointment_id}", operation_id="get_appointment", response_model=AppointmentOut)
async def get_appointment(appointment_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One appointment."""
    return await _answer(conn, me, appointment_id)


@router.patch("/appointments/{appointment_id}", operation_id="update_appointment", response_model=AppointmentOut)
async def update_appointment(
    appointment_id: UUID, body: AppointmentPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Change it, or move it to another hour: the answer is then the new appointment, which names the old one."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    stands = await actions.change_appointment(conn, store, me, appointment_id, body, if_match, now=now)
    return await _answer(conn, me, stands)


@router.post("/appointments/{appointment_id}/arrived", operation_id="mark_appointment_arrived", response_model=AppointmentOut)
async def mark_arrived(appointment_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The car is here. A work order of that car on that day says the same by itself."""
    return await _become(conn, house, me, appointment_id, AppointmentState.ARRIVED, now)


@router.post("/appointments/{appointment_id}/no-show", operation_id="mark_appointment_no_show", response_model=AppointmentOut)
async def mark_no_show(appointment_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Nobody came: a follow-up is planned. The next morning says it by itself of those nobody said anything of."""
    return await _become(conn, house, me, appointment_id, AppointmentState.NO_SHOW, now)


@router.post("/appointments/{appointment_id}/confirm", operation_id="confirm_appointment", response_model=AppointmentOut)
async def confirm_appointment(appointment_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The customer said that it stands."""
    return await _become(conn, house, me, appointment_id, AppointmentState.CONFIRMED, now)


@router.post("/appointments/{appointment_id}/cancel", operation_id="cancel_appointment", response_model=AppointmentOut)
async def cancel_appointment(
    appointment_id: UUID, body: CancelIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now
) -> Response:
    """Cancel it, with the reason; its place is free again."""
    return await _become(conn, house, me, appointment_id, AppointmentState.CANCELLED, now, body.reason)


@router.get("/appointment-slots", operation_id="list_appointment_slots", response_model=SlotsOut)
async def list_slots(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    from_on: Annotated[Day | None, Query(alias="from", description="Default: today.")] = None,
    to_on: Annotated[Day | None, Query(alias="to", description="Default: six days later; at most two months.")] = None,
) -> Response:
    """Every hour of opening between two days: how many places it has, how many are held."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    first = from_on or store.calendar.day_of(now)
    last = to_on or first + timedelta(days=USUAL_SPAN)
    if not 0 <= (last - first).days < LONGEST_SPAN:
        raise Invalid(f"`to` lies within {LONGEST_SPAN} days after `from`", "query/to")
    slots = [
        {
            "starts_at": one.slot.starts_at,
            "ends_at": one.slot.ends_at,
            "total": one.slot.capacity,
            "taken": one.taken,
            "free": one.free,
        }
        for one in await slots_between(conn, store, first, last)
    ]
    return json_response({"plan": plan_json(slot_plan(store)), "slots": slots, "as_of": now})


@router.put("/appointment-slots", operation_id="set_appointment_slots", response_model=SlotPlanOut)
async def set_slots(body: SlotPlanIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """Set how many cars an hour takes. Bookings that are there stay, even where fewer places are left."""
    return json_response(plan_json(await actions.set_plan(conn, me, body, now=now)))


async def _become(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    appointment_id: UUID,
    to: AppointmentState,
    now: Now,
    reason: str | None = None,
) -> Response:
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.become(conn, store, me, appointment_id, to, reason=reason, now=now)
    return await _answer(conn, me, appointment_id)


async def _answer(conn: StoreConnection, me: Me, appointment_id: UUID, status: int = 200) -> Response:
    found = await queries.appointment(conn, me.store_id, appointment_id)
    headers = {"ETag": etag(found["version"])}
    if status == 201:
        headers["Location"] = f"/v1/stores/{me.store_id}/appointments/{appointment_id}"
    return json_response(found, status, headers)
