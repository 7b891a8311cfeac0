"""Writes of staff. Every change of roles, activity or absence makes other processes read the store anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.auth.passwords import Passwords
from services.api.etags import Expected
from services.api.identities import Me
from services.api.staff import accounts, queries
from services.api.staff.handover import work_of
from services.api.staff.schemas import AbsenceIn, StaffIn, StaffPatch
from shared.db import raw
from shared.errors import Conflict, Invalid, NotFound
from shared.handover.absences import begin_absence, undo_absence
from shared.stores import bump_store, load_store
from shared.tables.stores import Account, Staff, StaffAbsence

_PLAIN = ("name", "phone", "email", "capacity")


class NameTaken(Conflict):
    """Somebody of this store has that name; change that person, or add a mark to the name."""

    code = "staff_name_taken"
    zh = "本店已有同名员工，请修改该员工，或在姓名后加以区别。"


class HasOpenWork(Conflict):
    """Open work is this person's; hand it over first."""

    code = "staff_has_open_visits"

    def __init__(self, work: Mapping[str, int]) -> None:
        visits = work.get("visits", 0)
        super().__init__(
            f"{visits} open visits and {sum(work.values()) - visits} other things are this person's; hand them over first:"
            " POST …/handover, with deactivate: true to do both at once."
        )
        self.zh = (
            f"该员工名下还有 {visits} 个未完成的回访和 {sum(work.values()) - visits} 项其他工作，请先移交（移交时可同时停用）。"
        )
        self.more = {"open_visits": visits, "open_work": dict(work)}


class NotYourself(Conflict):
    """An administrator does not take the role from themselves."""

    code = "not_yourself"
    zh = "管理员不能停用自己或取消自己的管理员角色。"


async def add_staff(session: AsyncSession, passwords: Passwords, me: Me, body: StaffIn, *, now: datetime) -> Staff:
    """A new person; with a login, one of that name who has none yet is given it. Raises NameTaken, LoginTaken."""
    staff = await _of_that_name(session, me.store_id, body.name)
    if staff is None:
        staff = Staff(store_id=me.store_id, name=body.name, created_at=now, updated_at=now)
        session.add(staff)
    elif body.login is None or not accounts.has_no_sign_in(await session.get(Account, staff.account_id or me.store_id)):
        raise NameTaken
    else:
        staff.version += 1
    staff.roles = _distinct(body.roles)
    staff.phone, staff.capacity, staff.active, staff.updated_at = body.phone or staff.phone, body.capacity, True, now
    staff.email = body.email or staff.email
    await session.flush()
    if body.login is not None:
        await accounts.give_sign_in(session, passwords, me, staff, body.login, body.password, now)
    await bump_store(await raw(session), me.store_id)
    return staff


async def change_staff(
    session: AsyncSession, passwords: Passwords, me: Me, staff_id: UUID, body: StaffPatch, expected: Expected, *, now: datetime
) -> Staff:
    """Change what was given. Raises Stale, NotFound, NameTaken, HasOpenWork, NotYourself, LoginTaken."""
    staff = await queries.person(session, me.store_id, staff_id, lock=True)
    expected.check(staff.version)
    given = body.given
    await _may_change(session, me, staff, given, body.roles, now)
    for name in _PLAIN:
        if name in given:
            setattr(staff, name, given[name])
    if "roles" in given:
        staff.roles = _distinct(body.roles)
    if "active" in given and body.active != staff.active:
        staff.active = body.active
        await session.flush()
        await accounts.follow_activity(session, staff, now)
    staff.version, staff.updated_at = staff.version + 1, now
    await _change_sign_in(session, passwords, me, staff, given, now)
    await session.flush()
    await bump_store(await raw(session), me.store_id)
    return staff


async def add_absence(session: AsyncSession, me: Me, staff_id: UUID, body: AbsenceIn, *, now: datetime) -> StaffAbsence:
    """Days away; when they have begun, what is due in them is given at once.

    Raises NotFound, Invalid when they end before they begin or the delegate is nobody who works there.
    """
    store_id = me.store_id
    if body.to_on < body.from_on:
        raise Invalid("早于 from_on / lies before from_on", "/to_on")
    await queries.person(session, store_id, staff_id, lock=True)
    if body.delegate_id is not None:
        delegate = await session.get(Staff, (store_id, body.delegate_id))
        if delegate is None or not delegate.active or delegate.id == staff_id:
            raise Invalid("须为本店另一位在岗员工 / the delegate is another active person of the store", "/delegate_id")
    absence = StaffAbsence(store_id=store_id, staff_id=staff_id, **body.model_dump())
    session.add(absence)
    await session.flush()
    conn = await raw(session)
    await bump_store(conn, store_id)
    store = await load_store(conn, store_id, today=now.date())
    await begin_absence(conn, store, absence.id, now=now, actor=me.actor)
    return absence


async def remove_absence(session: AsyncSession, me: Me, staff_id: UUID, absence_id: UUID, *, now: datetime) -> None:
    """They are not away after all, and have again what others had for them. Raises NotFound."""
    absence = await session.get(StaffAbsence, (me.store_id, absence_id), with_for_update=True)
    if absence is None or absence.staff_id != staff_id:
        raise NotFound
    conn = await raw(session)
    store = await load_store(conn, me.store_id, today=now.date())
    await undo_absence(conn, store, absence_id, now=now, actor=me.actor)
    await session.delete(absence)
    await session.flush()
    await bump_store(conn, me.store_id)


async def _of_that_name(session: AsyncSession, store_id: UUID, name: str) -> Staff | None:
    named = select(Staff).where(col(Staff.store_id) == store_id, col(Staff.name) == name)
    return await session.scalar(named.order_by(col(Staff.ordinal)).limit(1).with_for_update())


async def _may_change(
    session: AsyncSession, me: Me, staff: Staff, given: dict[str, object], roles: Iterable[str], now: datetime
) -> None:
    leaves = given.get("active") is False and staff.active
    demoted = "roles" in given and "admin" in set(staff.roles) - set(roles)
    if staff.id == me.staff_id and (leaves or demoted):
        raise NotYourself
    if leaves:
        work = await work_of(await raw(session), me, staff.id, now=now)
        if work:
            raise HasOpenWork(work)
    if "name" in given and given["name"] != staff.name and await _of_that_name(session, me.store_id, str(given["name"])):
        raise NameTaken


async def _change_sign_in(
    session: AsyncSession, passwords: Passwords, me: Me, staff: Staff, given: dict[str, object], now: datetime
) -> None:
    login, password = given.get("login"), given.get("password")
    if login is None and password is None:
        return
    known = str(login) if login is not None else None
    word = str(password) if password is not None else None
    if staff.account_id is None and known is not None:
        await accounts.give_sign_in(session, passwords, me, staff, known, word, now)
    else:
        await accounts.change_sign_in(session, passwords, me, staff, known, word)


def _distinct(roles: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(role) for role in roles))
