"""Reads of staff."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, and_, any_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.permissions import Role
from services.api.staff.schemas import StaffOut
from shared.errors import NotFound
from shared.tables.stores import Account, Staff, StaffAbsence


def _people(store_id: UUID) -> Select[Staff, str | None]:
    return (
        select(Staff, col(Account.login))
        .outerjoin(Account, col(Account.id) == col(Staff.account_id))
        .where(col(Staff.store_id) == store_id)
        .order_by(col(Staff.name), col(Staff.id))
    )


async def people(
    session: AsyncSession,
    store_id: UUID,
    *,
    after: tuple[str, UUID] | None,
    limit: int,
    role: Role | None = None,
    active: bool | None = None,
    q: str | None = None,
) -> list[tuple[Staff, str | None]]:
    """People of a store by name, one more than `limit`."""
    found = _people(store_id).limit(limit + 1)
    if after is not None:
        name, last = after
        found = found.where(or_(col(Staff.name) > name, and_(col(Staff.name) == name, col(Staff.id) > last)))
    if role is not None:
        found = found.where(literal(role.value) == any_(col(Staff.roles)))
    if active is not None:
        found = found.where(col(Staff.active) == active)
    if q:
        found = found.where(col(Staff.name).contains(q, autoescape=True))
    return [(staff, login) for staff, login in await session.execute(found)]


async def person(session: AsyncSession, store_id: UUID, staff_id: UUID, *, lock: bool = False) -> Staff:
    """One person, locked until the transaction ends if wanted. Raises NotFound."""
    staff = await session.get(Staff, (store_id, staff_id), with_for_update=lock)
    if staff is None:
        raise NotFound
    return staff


async def login_of(session: AsyncSession, staff: Staff) -> str | None:
    """The name a person signs in with. One made for scripts, without a password, is none."""
    if staff.account_id is None:
        return None
    account = await session.get(Account, staff.account_id)
    return account.login if account else None


def shown(staff: Staff, login: str | None) -> StaffOut:
    """A person as the API shows one."""
    return StaffOut.model_validate({**staff.model_dump(), "login": login})


async def absences_of(
    session: AsyncSession, store_id: UUID, staff_id: UUID, *, after: tuple[object, UUID] | None, limit: int
) -> Sequence[StaffAbsence]:
    """Days away of a person, latest first, one more than `limit`."""
    found = (
        select(StaffAbsence)
        .where(col(StaffAbsence.store_id) == store_id, col(StaffAbsence.staff_id) == staff_id)
        .order_by(col(StaffAbsence.from_on).desc(), col(StaffAbsence.id).desc())
        .limit(limit + 1)
    )
    if after is not None:
        day, last = after
        earlier = col(StaffAbsence.from_on) < day
        found = found.where(or_(earlier, and_(col(StaffAbsence.from_on) == day, col(StaffAbsence.id) < last)))
    return (await session.scalars(found)).all()
