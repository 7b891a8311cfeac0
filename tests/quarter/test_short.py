"""The quarter in small: two weeks of two hundred customers through all services."""

from __future__ import annotations

import pytest

from tests.quarter.report import judge
from tests.quarter.run import SHORT, played
from tests.servers import Servers


# The stand-ins end while hundreds of kept-alive connections to them are still closing; the collector then tells of their streams.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(300)
async def test_two_weeks_of_two_hundred_customers_agree_with_a_second_reckoning(servers: Servers, worker_number: int) -> None:
    told: list[str] = []
    async with played(servers, SHORT, tell=told.append, redis_number=worker_number) as quarter:
        faults = await judge(quarter, told.append)
    assert faults == [], "\n".join(told)
