"""Staff over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api import audit
from services.api.deps import AfterCommit, Me, Now, Session, TheHouse
from services.api.etags import IfMatch, tag
from services.api.paging import PageQuery
from services.api.permissions import Role
from services.api.routing import router as make_router
from services.api.staff import actions, handover, queries
from services.api.staff.schemas import (
    AbsenceIn,
    AbsenceOut,
    HandoverIn,
    HandoverOut,
    HandoverPreview,
    HandoverPreviewIn,
    StaffIn,
    StaffOut,
    StaffPatch,
    UndoneOut,
)
from services.api.wire import Flag, Page, Text

router = make_router("/stores/{store_id}/staff", "staff")


@router.get("", operation_id="list_staff")
async def list_staff(
    session: Session,
    me: Me,
    page: PageQuery,
    role: Role | None = None,
    active: Flag | None = None,
    q: Annotated[Text | None, Query(description="Part of a name.")] = None,
) -> Page[StaffOut]:
    """The people of the store, by name."""
    after = (str(page.after[0]), UUID(str(page.after[1]))) if page.after else None
    rows = await queries.people(session, me.store_id, after=after, limit=page.limit, role=role, active=active, q=q)
    items, following = page.cut(rows, lambda row: (row[0].name, row[0].id))
    return Page(items=[queries.shown(staff, login) for staff, login in items], next_cursor=following)


@router.post("", status_code=201, operation_id="create_staff")
async def create_staff(
    body: StaffIn, session: Session, me: Me, house: TheHouse, now: Now, then: AfterCommit, response: Response
) -> StaffOut:
    """Add somebody, with a sign-in when a login and a password come along."""
    staff = await actions.add_staff(session, house.passwords, me, body, now=now)
    await audit.note(session, me, "staff.added", "staff", staff.id, now=now, detail={"roles": staff.roles})
    then.append(house.identities.forget)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/staff/{staff.id}"
    tag(response, staff.version)
    return queries.shown(staff, await queries.login_of(session, staff))


@router.get("/{staff_id}", operation_id="get_staff")
async def get_staff(staff_id: UUID, session: Session, me: Me, response: Response) -> StaffOut:
    """One person."""
    staff = await queries.person(session, me.store_id, staff_id)
    tag(response, staff.version)
    return queries.shown(staff, await queries.login_of(session, staff))


@router.patch("/{staff_id}", operation_id="update_staff")
async def update_staff(
    staff_id: UUID,
    body: StaffPatch,
    session: Session,
    me: Me,
    if_match: IfMatch,
    house: TheHouse,
    now: Now,
    then: AfterCommit,
    response: Response,
) -> StaffOut:
    """Change roles, name, sign-in; `active: false` when somebody leaves (409 with the counts while open work is theirs: hand it over)."""
    staff = await actions.change_staff(session, house.passwords, me, staff_id, body, if_match, now=now)
    await audit.note(session, me, "staff.changed", "staff", staff.id, now=now, detail={"fields": sorted(body.model_fields_set)})
    then.append(house.identities.forget)
    tag(response, staff.version)
    return queries.shown(staff, await queries.login_of(session, staff))


@router.get("/{staff_id}/absences", operation_id="list_absences")
async def list_absences(staff_id: UUID, session: Session, me: Me, page: PageQuery) -> Page[AbsenceOut]:
    """Days away of a person, the latest first."""
    await queries.person(session, me.store_id, staff_id)
    last = page.after_uuid(1)
    after = (page.after_day(0), last) if last else None
    rows = await queries.absences_of(session, me.store_id, staff_id, after=after, limit=page.limit)
    items, following = page.cut(rows, lambda absence: (absence.from_on, absence.id))
    return Page(items=[AbsenceOut.model_validate(absence) for absence in items], next_cursor=following)


@router.post("/{staff_id}/absences", status_code=201, operation_id="create_absence")
async def create_absence(staff_id: UUID, body: AbsenceIn, session: Session, me: Me, now: Now) -> AbsenceOut:
    """Somebody is away for some days: what is due in them goes to the delegate, or is split, from the first day on."""
    absence = await actions.add_absence(session, me, staff_id, body, now=now)
    await audit.note(session, me, "staff.absence_added", "staff", staff_id, now=now, detail={"absence_id": absence.id})
    return AbsenceOut.model_validate(absence)


@router.delete("/{staff_id}/absences/{absence_id}", status_code=204, operation_id="delete_absence")
async def delete_absence(staff_id: UUID, absence_id: UUID, session: Session, me: Me, now: Now) -> None:
    """Somebody is not away after all: what others had for them and nobody worked on comes back."""
    await actions.remove_absence(session, me, staff_id, absence_id, now=now)
    await audit.note(session, me, "staff.absence_removed", "staff", staff_id, now=now, detail={"absence_id": absence_id})


@router.get("/{staff_id}/handover", operation_id="list_handovers")
async def list_handovers(staff_id: UUID, session: Session, me: Me, page: PageQuery, now: Now) -> Page[HandoverOut]:
    """What was handed over of a person's work, the latest first: when somebody left, was away, or by hand."""
    items, following = await handover.page(session, me, staff_id, page, now=now)
    return Page(items=items, next_cursor=following)


@router.post("/{staff_id}/handover/preview", operation_id="preview_handover")
async def preview_handover(
    staff_id: UUID, session: Session, me: Me, now: Now, body: HandoverPreviewIn | None = None
) -> HandoverPreview:
    """Who would get what: split evenly by open work and capacity, in role; or all to a named person."""
    return await handover.preview(session, me, staff_id, body.to_id if body else None, now=now)


@router.post("/{staff_id}/handover", status_code=201, operation_id="hand_over")
async def hand_over(
    staff_id: UUID, session: Session, me: Me, house: TheHouse, now: Now, then: AfterCommit, body: HandoverIn | None = None
) -> HandoverOut:
    """Give everything open to others: visits with their promises and tries, files, leads, appointments, complaints, tasks."""
    done = await handover.do(session, me, staff_id, body or HandoverIn(), now=now)
    then.append(house.identities.forget)
    return done


@router.post("/{staff_id}/handover/{handover_id}/undo", operation_id="undo_handover")
async def undo_handover(staff_id: UUID, handover_id: UUID, session: Session, me: Me, now: Now) -> UndoneOut:
    """Take back what nobody has worked on since; the answer says what stays and why."""
    return await handover.undo(session, me, staff_id, handover_id, now=now)
