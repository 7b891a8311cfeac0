"""A world for each test, rolled back after it."""

from __future__ import annotations

import pytest

from shared.db import Connection
from tests.reports.world import World, make_world


@pytest.fixture
async def world(connection: Connection) -> World:
    """A store of this test's own."""
    return await make_world(connection)
