"""Passwords: argon2id off the event loop, four at a time, and the same work for an account that does not exist."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_A_TIME = 4
SHORTEST, LONGEST = 8, 256
NO_PASSWORD = "!"  # noqa: S105 - not a password but the mark that there is none: nothing verifies against it

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class Passwords:
    """Makes and checks hashes in threads of its own, so that sign-ins neither stall the loop nor take all memory."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_A_TIME, "argon2")
        self._nobody = _hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hasher.hash, password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """True when `password` made `kept`; as slow when there is nothing kept."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, kept, password)

    def _verify(self, kept: str | None, password: str) -> bool:
        known = kept is not None and kept != NO_PASSWORD
        try:
            return _hasher.verify(kept if known and kept else self._nobody, password) and known
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
