"""The store with its people, each signed in: who works there, and the calls they make of the API."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from services.cli.client import operator_token
from tests.flows.system import PASSWORD, SECRET, System
from tests.quarter.wire import Caller, Unexpected
from tests.quarter.world import Person, Town, customers_file, orders_file, policies_file, sales_file

CODE = "Q01"
TOKEN_SECONDS = 400.0
STAFF = (
    ("陈晓雯", "sales_consultant"), ("孙立军", "sales_consultant"), ("许佳", "sales_consultant"),
    ("何雨", "insurance_specialist"), ("罗洁", "renewal_specialist"),
    ("周建国", "service_advisor"), ("吴敏", "service_advisor"), ("郑凯", "service_advisor"),
    ("马师傅", "technician"), ("胡师傅", "technician"), ("沈洁", "sales_clerk"),
    ("林静", "followup_specialist"), ("唐琳", "followup_specialist"), ("韩雪", "followup_specialist"),
    ("方正", "sales_manager"), ("曾毅", "service_manager"), ("彭辉", "customer_manager"), ("董建军", "general_manager"),
)  # fmt: skip

_OVERDUE = """
    SELECT v.id, v.programme, v.step, v.occurrence, v.state, v.channel, v.next_step, v.next_at, v.wake_at, v.due_at, v.window_end,
           v.promised_at, v.updated_at, w.wake_at AS queued_at, k.business_at
    FROM visits v JOIN visit_wakes w ON w.store_id = v.store_id AND v.id = ANY (w.visit_ids), business_clock k
    WHERE v.wake_at <= k.business_at AND w.wake_at <= k.business_at LIMIT 20
"""


@dataclass
class Colleague:
    """One of the staff."""

    id: str
    name: str
    role: str
    login: str
    call: Caller
    token: str = ""


@dataclass
class House:
    """The store under test, and how to speak with it."""

    system: System
    store_id: str
    operator: Caller
    staff: list[Colleague]
    sms_hook: str
    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _signed_in_at: float | None = None

    @property
    def base(self) -> str:
        return f"/v1/stores/{self.store_id}"

    def of(self, role: str) -> list[Colleague]:
        """Everybody of a role."""
        return [colleague for colleague in self.staff if colleague.role == role]

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + by

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Where the time of the run goes."""
        began = monotonic()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + monotonic() - began

    async def to(self, instant: str) -> int:
        """Move the clock; returns when nothing is due before it and all queues are empty. Out: at how many instants it stopped."""
        answer = await self.operator.ask("POST", "/v1/dev/clock", {"to": instant})
        if answer.status != 200:
            raise Unexpected(f"{answer.body.decode()}\n{await self._overdue()}\n{self.system.logs()}")
        hops: int = answer.json["hops"]
        return hops

    async def _overdue(self) -> str:
        """What should have been done by now, for whoever looks for the reason."""
        rows = await self.system.sql(_OVERDUE)
        return "\n".join(str(dict(row.items())) for row in rows)

    async def sign_in(self) -> None:
        """Everybody has a token that lasts for a while; asked at every dawn."""
        if self._signed_in_at is not None and monotonic() - self._signed_in_at < TOKEN_SECONDS:
            return
        for colleague in self.staff:
            body = {"staff": colleague.login, "store": CODE}
            colleague.token = (await self.operator.post("/v1/auth/staff-token", body, 200))["access_token"]
        self._signed_in_at = monotonic()

    async def upload(self, kind: str, content: bytes) -> dict[str, Any]:
        """Import a file; returns when its visits are planned."""
        edge = secrets.token_hex(8)
        parts = [f'--{edge}\r\ncontent-disposition: form-data; name="kind"\r\n\r\n{kind}\r\n'.encode()]
        named = f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="{kind}.csv"\r\n'
        parts += [f"{named}content-type: text/csv\r\n\r\n".encode(), content, f"\r\n--{edge}--\r\n".encode()]
        headers = {"content-type": f"multipart/form-data; boundary={edge}"}
        taken = await self.operator.ask("POST", f"{self.base}/imports", b"".join(parts), expect=202, headers=headers)
        while True:
            found: dict[str, Any] = await self.operator.get(f"{self.base}/imports/{taken.json['id']}")
            if found["state"] in {"done", "failed"}:
                assert found["state"] == "done", found
                assert not found["rejected"], found
                return found
            await asyncio.sleep(0.2)


async def open_house(system: System) -> House:
    """A new store with everybody signed in."""
    operator = Caller(system.api_url, lambda: operator_token(SECRET))
    body = {"code": CODE, "name": "沪兴汽车", "signature": "沪兴汽车", "phone": "021-64001234", "rescue_phone": "021-64001199"}
    store = await operator.post("/v1/stores", body)
    house = House(system, store["id"], operator, [], "")
    for number, (name, role) in enumerate(STAFF):
        login = f"q{number:02d}"
        person = {"name": name, "roles": [role], "login": login, "password": PASSWORD, "phone": f"1370000{number:04d}"}
        made = await operator.post(f"{house.base}/staff", person)
        colleague = Colleague(made["id"], name, role, login, Caller(system.api_url, str))
        colleague.call.token = partial(getattr, colleague, "token")
        house.staff.append(colleague)
    await house.sign_in()
    house.sms_hook = (await operator.get(f"{house.base}/providers"))["sms"]["sms_hook_url"]
    return house


async def move_in(house: House, town: Town) -> None:
    """The files a dealer brings: customers, deliveries, the last work orders, policies."""
    names = {role: [person.name for person in house.of(role)] for role in ("sales_consultant", "service_advisor", "technician")}
    files = {
        "customers": customers_file(town.people),
        "sales": sales_file(town.people, names["sales_consultant"]),
        "work-orders": orders_file(town.people, names["service_advisor"], names["technician"]),
        "policies": policies_file(town.people),
    }
    for kind, content in files.items():
        done = await house.upload(kind, content)
        house.count(f"rows of {kind}", done["rows"])
    await meet(house, town)


async def meet(house: House, town: Town) -> None:
    """Learn whose file is whose, as the desk would by looking."""
    by_vin = {person.vin: person for person in town.people}
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = await house.operator.get(f"{house.base}/vehicles", limit=200, **more)
        for car in page["items"]:
            person = by_vin[car["vin"]]
            person.ids["vehicle"] = car["id"]
            know(town, person, car["customer_id"])
        cursor = page["next_cursor"]
        if not cursor:
            return


def know(town: Town, person: Person, customer_id: str) -> None:
    """The file of a person."""
    person.ids["customer"] = customer_id
    town.by_customer[customer_id] = person
