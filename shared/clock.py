"""The clock: one function for the whole of the business, another for machines.

Business time (`Clock.now`) may start at any instant, run faster, or stand still; it is the same in all processes because
its anchor (machine instant, business instant, speed) is a row of PostgreSQL. Machine time serves tokens, leases and time-outs.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from shared.errors import SettingsInvalid

_SPEC = re.compile(r"(?P<at>[^@]+)@(?:x(?P<speed>\d+(?:\.\d+)?)|(?P<step>step))")
_LOAD = "SELECT machine_at, business_at, speed FROM business_clock WHERE id = 1"


def machine_now() -> datetime:
    """The machine's instant, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Anchor:
    """At `machine_at` it was `business_at`; since then business time runs `speed` times as fast (0: stands still)."""

    machine_at: datetime
    business_at: datetime
    speed: float

    def at(self, machine: datetime) -> datetime:
        return self.business_at + (machine - self.machine_at) * self.speed


def parse_clock(setting: str) -> tuple[datetime, float] | None:
    """`2026-11-23T09:00:00+08:00@x600` or `…@step` → (instant, speed); empty → None. Raises SettingsInvalid."""
    if not setting:
        return None
    match = _SPEC.fullmatch(setting.strip())
    wrong = SettingsInvalid(f"HUIFANG_CLOCK wants INSTANT@x600 or INSTANT@step, not {setting!r}")
    if match is None:
        raise wrong
    try:
        at = datetime.fromisoformat(match["at"])
    except ValueError:
        raise wrong from None
    if at.tzinfo is None:
        raise SettingsInvalid("HUIFANG_CLOCK: the instant wants an offset, as in 2026-11-23T09:00:00+08:00")
    return at.astimezone(UTC), 0.0 if match["step"] else float(match["speed"])


class Clock:
    """Business time of one process. Without an anchor it is the machine's time."""

    def __init__(self, anchor: Anchor | None = None) -> None:
        self._anchor = anchor

    def now(self) -> datetime:
        """The business instant, UTC."""
        return self._anchor.at(machine_now()) if self._anchor else machine_now()

    @property
    def speed(self) -> float:
        return self._anchor.speed if self._anchor else 1.0

    @property
    def movable(self) -> bool:
        """True in development when the clock was set."""
        return self._anchor is not None

    def machine_seconds_until(self, instant: datetime) -> float | None:
        """Machine seconds until a business instant; None when the clock stands still before it."""
        ahead = (instant - self.now()).total_seconds()
        if ahead <= 0:
            return 0.0
        return ahead / self.speed if self.speed else None

    async def refresh(self, connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy) -> None:
        """Read the anchor again; call after a NOTIFY on huifang_clock and before acting on a clock that stands still."""
        row = await connection.fetchrow(_LOAD)
        self._anchor = Anchor(row["machine_at"], row["business_at"], row["speed"]) if row else None


async def start_clock(connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy, setting: str) -> Clock:
    """The clock of this process; the first process to come with a setting stores the anchor, the others read it.

    In: a connection that may write `business_clock`, HUIFANG_CLOCK. A deployment without a setting and without a stored
    anchor runs on the machine's clock.
    """
    wanted = parse_clock(setting)
    if wanted is not None:
        at, speed = wanted
        await connection.execute(
            "INSERT INTO business_clock (id, machine_at, business_at, speed) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING",
            machine_now(),
            at,
            speed,
        )
    clock = Clock()
    await clock.refresh(connection)
    return clock


async def move_clock(connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy, to: datetime) -> None:
    """Set a clock that stands still to `to` and tell every process."""
    await connection.execute("UPDATE business_clock SET business_at = $1, machine_at = $2 WHERE id = 1", to, machine_now())
    await connection.execute("SELECT pg_notify('huifang_clock', '')")


async def sleep_until(clock: Clock, instant: datetime | None, wake: asyncio.Event, *, at_most: float) -> None:
    """Sleep until the business instant, until `wake` is set, or for `at_most` machine seconds, whichever is first."""
    seconds = clock.machine_seconds_until(instant) if instant is not None else None
    limit = at_most if seconds is None else min(seconds, at_most)
    if limit <= 0:
        await asyncio.sleep(0)
    else:
        with suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), limit)
    wake.clear()
