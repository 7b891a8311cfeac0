"""The sign-ins of people: made, renamed, given a password, disabled and enabled with the person."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.auth.actions import attach, end_sessions, fold
from services.api.auth.passwords import NO_PASSWORD, Passwords
from services.api.identities import Me
from shared.db import raw
from shared.errors import Conflict, Invalid
from shared.tables.stores import Account, AccountStore, Staff


class LoginTaken(Conflict):
    """Somebody signs in with this name already."""

    code = "login_taken"
    zh = "该登录名已被使用。"


class SharedAccount(Conflict):
    """This sign-in belongs to other stores too; only the operator or its owner changes it."""

    code = "shared_account"
    zh = "该登录名同时用于其他门店，只能由运维人员或本人修改。"


async def give_sign_in(
    session: AsyncSession, passwords: Passwords, me: Me, staff: Staff, login: str, password: str | None, now: datetime
) -> None:
    """Let a person sign in. A login that exists is shared only by the operator. Raises LoginTaken, Invalid."""
    known = await session.scalar(select(Account).where(col(Account.login) == fold(login)))
    if known is not None:
        if me.caller.kind != "operator" or password is not None:
            raise LoginTaken
        account_id = known.id
    else:
        if password is None:
            raise Invalid("a login wants a password", "/password")
        account = Account(login=fold(login), password_hash=await passwords.hash(password), created_at=now)
        session.add(account)
        account_id = account.id
    staff.account_id = account_id
    await session.flush()
    await attach(await raw(session), account_id, staff.store_id, staff.id)


async def change_sign_in(
    session: AsyncSession, passwords: Passwords, me: Me, staff: Staff, login: str | None, password: str | None
) -> None:
    """Rename a person's login, set their password; their sessions end. Raises LoginTaken, SharedAccount."""
    account = await session.get(Account, staff.account_id) if staff.account_id else None
    if account is None:
        raise Invalid("there is no sign-in to change: send both login and password", "/login")
    if me.caller.kind != "operator" and await _stores_of(session, account.id) > 1:
        raise SharedAccount
    if login is not None and fold(login) != account.login:
        if await session.scalar(select(col(Account.id)).where(col(Account.login) == fold(login))):
            raise LoginTaken
        account.login = fold(login)
    if password is not None:
        account.password_hash = await passwords.hash(password)
    await session.flush()
    await end_sessions(await raw(session), account.id)


async def follow_activity(session: AsyncSession, staff: Staff, now: datetime) -> None:
    """A person who left signs in no more, unless another store has them; one who came back does again."""
    if staff.account_id is None or await _stores_of(session, staff.account_id) > 1:
        return
    await session.execute(
        update(Account).where(col(Account.id) == staff.account_id).values(disabled_at=None if staff.active else now)
    )
    if not staff.active:
        await end_sessions(await raw(session), staff.account_id)


def has_no_sign_in(account: Account | None) -> bool:
    """True for nobody's account, and for one made for scripts."""
    return account is None or account.password_hash == NO_PASSWORD


async def _stores_of(session: AsyncSession, account_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(col(AccountStore.account_id) == account_id)) or 0
