"""Signing in and out. Machine time throughout: business time may stand still, tokens may not."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

from services.api.auth import throttle
from services.api.auth.passwords import NO_PASSWORD
from services.api.auth.schemas import TokensOut
from services.api.auth.tokens import ACCESS_LIFE, access_token
from services.api.errors import Unauthenticated
from services.api.house import House
from shared.clock import machine_now
from shared.crypto import Vault
from shared.db import Connection, set_store_sql
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.tokens import base62

REFRESH_LIFE = timedelta(days=14)


class WrongCredentials(Unauthenticated):
    """The name or the password is wrong."""

    code = "wrong_credentials"
    zh = "用户名或密码不正确。"


class WrongRefreshToken(Unauthenticated):
    """The refresh token is unknown, used or expired; sign in again."""

    code = "wrong_refresh_token"
    zh = "刷新令牌无效，请重新登录。"


class SeveralPeople(Conflict):
    """Several people answer to this; say the store, or the id."""

    code = "several_people"
    zh = "有多人符合，请指明门店或编号。"


@dataclass(frozen=True)
class Account:
    """An account that has shown its password."""

    id: UUID
    token_version: int


def fold(login: str) -> str:
    """A login as it is kept: without blanks around it, in lower case."""
    return login.strip().casefold()


async def verify(house: House, login: str, password: str, address: str) -> Account:
    """The account of a login and a password. Raises TooManyRequests, WrongCredentials; holds no connection while it computes."""
    counted = throttle.subjects(house.vault, fold(login), address)
    await throttle.check(house.pool, counted)
    row = await house.pool.fetchrow(
        "SELECT id, password_hash, token_version, disabled_at FROM accounts WHERE login = $1", fold(login)
    )
    good = await house.passwords.verify(row["password_hash"] if row else None, password)
    if not good or row is None or row["disabled_at"] is not None:
        await throttle.failed(house.pool, counted)
        house.meters.sign_ins.labels("refused").inc()
        raise WrongCredentials
    await throttle.succeeded(house.pool, counted)
    house.meters.sign_ins.labels("ok").inc()
    return Account(row["id"], row["token_version"])


async def give_tokens(connection: Connection, house: House, account: Account, family: UUID | None = None) -> TokensOut:
    """A fresh pair of tokens, of a family that began with a sign-in."""
    token = base62(secrets.token_bytes(32))
    await connection.execute(
        "INSERT INTO refresh_tokens (token_index, account_id, family, expires_at) VALUES ($1, $2, $3, $4)",
        refresh_index(house.vault, token),
        account.id,
        family or uuid4(),
        machine_now() + REFRESH_LIFE,
    )
    return TokensOut(
        access_token=access_token(house.settings.secret_key, account.id, account.token_version),
        expires_in=int(ACCESS_LIFE.total_seconds()),
        refresh_token=token,
        refresh_expires_in=int(REFRESH_LIFE.total_seconds()),
    )


def refresh_index(vault: Vault, token: str) -> bytes:
    """What a refresh token is found by."""
    return vault.index("refresh", token)


async def refresh(connection: Connection, house: House, token: str) -> TokensOut | None:
    """The next pair of tokens. None when the token is not good; one that was used before has its whole family revoked.

    None rather than an error, so that the revocation is committed with the answer.
    """
    index, now = refresh_index(house.vault, token), machine_now()
    row = await connection.fetchrow(
        "UPDATE refresh_tokens r SET used_at = $2 FROM accounts a WHERE r.token_index = $1 AND r.used_at IS NULL"
        " AND r.revoked_at IS NULL AND r.expires_at > $2 AND a.id = r.account_id AND a.disabled_at IS NULL"
        " RETURNING r.family, a.id, a.token_version",
        index,
        now,
    )
    if row is None:
        await _revoke_family(connection, index, "AND r.used_at IS NOT NULL")
        return None
    return await give_tokens(connection, house, Account(row["id"], row["token_version"]), row["family"])


async def sign_out(connection: Connection, house: House, token: str) -> None:
    """Revoke the token's family. An unknown token is signed out already."""
    await _revoke_family(connection, refresh_index(house.vault, token), "")


async def _revoke_family(connection: Connection, index: bytes, only: str) -> None:
    await connection.execute(
        "UPDATE refresh_tokens SET revoked_at = $2 WHERE revoked_at IS NULL"
        f" AND family IN (SELECT r.family FROM refresh_tokens r WHERE r.token_index = $1 {only})",
        index,
        machine_now(),
    )


async def end_sessions(connection: Connection, account_id: UUID) -> None:
    """Void every token of an account."""
    await connection.execute("UPDATE accounts SET token_version = token_version + 1 WHERE id = $1", account_id)
    await connection.execute(
        "UPDATE refresh_tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL", account_id, machine_now()
    )


async def change_password(connection: Connection, house: House, account_id: UUID, old: str, new: str, address: str) -> bool:
    """Set the caller's own password and end all sessions; False, with the failure counted, when the old one is wrong."""
    row = await connection.fetchrow("SELECT login, password_hash FROM accounts WHERE id = $1", account_id)
    if row is None:
        return False
    counted = throttle.subjects(house.vault, row["login"], address)
    await throttle.check(connection, counted)
    if not await house.passwords.verify(row["password_hash"], old):
        await throttle.failed(connection, counted)
        return False
    await connection.execute("UPDATE accounts SET password_hash = $2 WHERE id = $1", account_id, await house.passwords.hash(new))
    await end_sessions(connection, account_id)
    return True


async def person(connection: Connection, staff: str, store: str | None) -> asyncpg.Record:
    """The active person of a login, name or id, over all stores unless one is named. Raises NotFound, SeveralPeople."""
    stores = await connection.fetch("SELECT id FROM stores WHERE $1::text IS NULL OR code = $1 OR id::text = $1", store)
    account_id = await connection.fetchval("SELECT id FROM accounts WHERE login = $1", fold(staff))
    found: list[asyncpg.Record] = []
    for row in stores:
        await connection.execute(set_store_sql(row["id"]))
        found += await connection.fetch(
            "SELECT store_id, id, account_id FROM staff"
            " WHERE store_id = $1 AND active AND (id::text = $2 OR name = $3 OR account_id = $4)",
            row["id"],
            staff.lower(),
            staff,
            account_id,
        )
    if not found:
        raise NotFound
    if len(found) > 1 and len({row["account_id"] or row["id"] for row in found}) > 1:
        raise SeveralPeople
    return found[0]


async def account_of(connection: Connection, staff: asyncpg.Record) -> Account:
    """The account of a person; one without a password is made for a person who has none, so that scripts may speak for them."""
    await connection.execute(set_store_sql(staff["store_id"]))
    account_id = staff["account_id"] or await _account_without_password(connection, staff)
    row = await connection.fetchrow("SELECT id, token_version FROM accounts WHERE id = $1 AND disabled_at IS NULL", account_id)
    if row is None:
        raise NotFound
    return Account(row["id"], row["token_version"])


async def _account_without_password(connection: Connection, staff: asyncpg.Record) -> UUID:
    account_id = new_id()
    await connection.execute(
        "INSERT INTO accounts (id, login, password_hash, token_version, created_at) VALUES ($1, $2, $3, 1, $4)",
        account_id,
        f"staff-{staff['id']}",
        NO_PASSWORD,
        machine_now(),
    )
    await attach(connection, account_id, staff["store_id"], staff["id"])
    return account_id


async def attach(connection: Connection, account_id: UUID, store_id: UUID, staff_id: UUID) -> None:
    """Let an account be this person in this store."""
    await connection.execute("UPDATE staff SET account_id = $3 WHERE store_id = $1 AND id = $2", store_id, staff_id, account_id)
    await connection.execute(
        "INSERT INTO account_stores (account_id, store_id, staff_id) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id, store_id) DO UPDATE SET staff_id = excluded.staff_id",
        account_id,
        store_id,
        staff_id,
    )
