"""Delays after failed sign-ins, by account and by address: they grow, they pass, nobody is locked out for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from services.api.errors import TooManyRequests
from shared.clock import machine_now
from shared.crypto import Vault
from shared.db import Connection, Pool

FREE_TRIES = 5
LONGEST_DELAY = 300
FORGET_AFTER = timedelta(minutes=15)


def subjects(vault: Vault, login: str, address: str) -> list[bytes]:
    """What failures are counted by: the account first, then the address; both as blind indexes."""
    return [vault.index("sign-in", f"account|{login}"), vault.index("sign-in", f"address|{address}")]


def delay(failures: int) -> timedelta:
    """How long to wait after so many failures: nothing for the first four, then 1, 2, 4 … 300 seconds."""
    if failures < FREE_TRIES:
        return timedelta(0)
    return timedelta(seconds=min(2 ** min(failures - FREE_TRIES, 10), LONGEST_DELAY))


async def check(where: Pool | Connection, counted: Sequence[bytes]) -> None:
    """Raises TooManyRequests while one of the subjects must wait."""
    now = machine_now()
    until: datetime | None = await where.fetchval(
        "SELECT max(blocked_until) FROM sign_in_failures WHERE subject = ANY($1::bytea[]) AND failures >= $2", counted, FREE_TRIES
    )
    if until is not None and until > now:
        raise TooManyRequests(ceil((until - now).total_seconds()))


async def failed(where: Pool | Connection, counted: Sequence[bytes]) -> None:
    """Count a failure; after a quiet quarter of an hour the count begins anew."""
    now = machine_now()
    for subject in sorted(counted):  # in one order, so that two of these do not wait for each other
        failures = await where.fetchval(
            "INSERT INTO sign_in_failures AS f (subject, failures, blocked_until) VALUES ($1, 1, $2) ON CONFLICT (subject)"
            " DO UPDATE SET failures = CASE WHEN f.blocked_until < $3 THEN 1 ELSE f.failures + 1 END, blocked_until = $2"
            " RETURNING failures",
            subject,
            now,
            now - FORGET_AFTER,
        )
        await where.execute("UPDATE sign_in_failures SET blocked_until = $2 WHERE subject = $1", subject, now + delay(failures))


async def succeeded(where: Pool | Connection, counted: Sequence[bytes]) -> None:
    """Forget the failures of the account; those of the address stay, or one good account would wash it clean."""
    await where.execute("DELETE FROM sign_in_failures WHERE subject = $1", counted[0])
