"""One system for all stories of a worker; each story has a store of its own and goes on from where the clock stands."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.flows.system import System, running_system
from tests.servers import Servers


@pytest.fixture(scope="module")
async def system(servers: Servers, worker_number: int) -> AsyncIterator[System]:
    """The whole of Huifang, started once for the stories of one file."""
    async with running_system(servers, f"flow{worker_number}", redis_number=worker_number) as system:
        yield system
