"""Two things at once: opt-outs against claims, receipts against everything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import httpx
import pytest

from shared.tokens import development_hook_token
from tests.factories import vault
from tests.faults.house import House, all_of, opened
from tests.faults.killing import kill_around_the_send
from tests.faults.record import record
from tests.faults.seeding import Plan
from tests.faults.test_outages import an_api
from tests.support.provider import Answer, Behaviour, Call, accepted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]


async def opt_out_one_by_one(house: House, plan: Plan, numbers: list[str]) -> None:
    """Each customer stops SMS at about the instant at which the message falls due."""
    place = {number: index for index, number in enumerate(house.numbers)}
    for number in sorted(numbers, key=place.__getitem__):
        due = 1 + place[number] * plan.seconds / plan.visits
        ahead = due + house.chance.uniform(-0.05, 0.25) - (house.now - plan.start).total_seconds()
        await asyncio.sleep(max(0.0, ahead))
        await house.opt_out(number)


async def test_f18_opt_outs_race_with_claims(fresh_database_url: str) -> None:
    plan = Plan(visits=2400, seconds=60, calls=False, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        await house.start("notifier")
        stopping = house.chance.sample(list(house.numbers), 1000)
        shares = [stopping[start::4] for start in range(4)]
        await all_of(*(opt_out_one_by_one(house, plan, share) for share in shares), kill_around_the_send(house, 10))
        await house.start("notifier")
        await house.past(plan)
        await house.quiet()
        report = await house.check()
        async with house.owner() as conn:
            stopped = await conn.fetchval("SELECT count(*) FROM messages WHERE state = 'suppressed' AND reason = 'opted_out'")
    note = f"{len(house.stops)} opt-outs, {stopped} came in time, the others after the call had begun"
    record("F18 opt-outs race with claims", "test_races.py", house, report, note)
    assert 0 < stopped < 1000
    assert len(house.stops) == 1000


async def test_f19_receipts_repeated_shuffled_early_foreign_unknown_and_broken(fresh_database_url: str) -> None:
    plan = Plan(visits=1500, seconds=30, calls=False, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house, an_api(house) as api:
        path = f"/v1/hooks/sms/http/{development_hook_token(vault(), 'http')}"
        early: list[int] = []
        house.gateway.behave = report_before_answering(house, api, path, early)
        await house.start("scheduler")
        await house.start("notifier")
        await house.start("notifier")
        await house.past(plan)
        reported = list(house.gateway.accepted)
        answers = await post_shuffled(house, api, path, reported)  # while the last are still being sent
        await house.quiet()
        answers += await post_shuffled(house, api, path, [call for call in house.gateway.accepted if call not in reported])
        await house.quiet()
        report = await house.check()
        async with house.owner() as conn:
            delivered = await conn.fetchval("SELECT count(*) FROM messages WHERE state = 'delivered'")
            kept = await conn.fetchval("SELECT count(*) FROM receipts")
            set_aside = await conn.fetchval("SELECT count(*) FROM callbacks WHERE outcome LIKE 'set_aside%'")
    note = f"{len(answers) + len(early)} callbacks, all answered 200; {len(early)} before the answer to the call; {kept} receipts kept"
    record("F19 receipts", "test_races.py", house, report, note)
    assert {*answers, *early} == {200}
    assert delivered == plan.visits == report.calls
    assert set_aside == 0


def report_before_answering(house: House, api: httpx.AsyncClient, path: str, answers: list[int]) -> Behaviour:
    """Every fifth message is reported on before the gateway answers the call."""

    async def behave(call: Call) -> Answer:
        answer = accepted(call)
        if house.chance.random() < 0.2:
            answers.append((await api.post(path, json=[house.receipt(call)])).status_code)
        return answer

    return behave


async def post_shuffled(house: House, api: httpx.AsyncClient, path: str, calls: Sequence[Call]) -> list[int]:
    """`accepted` and `delivered` of each call, five times each, shuffled, in batches of a hundred with one bad item, one of a
    stranger and one that is no id at all.
    """
    receipts: list[object] = []
    for call in calls:
        receipts += [{"id": call.id, "status": "accepted", "at": house.now.isoformat()}] * 5
        receipts += [house.receipt(call)] * 5
    house.chance.shuffle(receipts)
    answers = []
    for start in range(0, len(receipts), 97):
        odd = [{"id": str(uuid4()), "status": "undelivered"}, {"id": "nobody", "status": "delivered"}, {"status": 7}]
        answers.append((await api.post(path, json=[*receipts[start : start + 97], *odd])).status_code)
    return answers
