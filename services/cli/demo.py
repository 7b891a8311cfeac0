"""The demo store, loaded through the API as anybody would load one; running it again adds nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import NamedTuple

from services.cli import demo_files
from services.cli.client import Api
from services.cli.imports import FAILED, follow_import, summary
from services.cli.options import Json, Refused, say

CODE, NAME = "DEMO", "沪兴汽车"
STAFF: tuple[tuple[str, str, str | None], ...] = (
    ("管理员", "admin", "admin"),
    ("何志远", "general_manager", "manager"),
    ("郑海峰", "sales_manager", "sales"),
    ("钱伟", "service_manager", "service"),
    ("沈玉兰", "customer_manager", "customer"),
    (demo_files.SPECIALISTS[0], "followup_specialist", "followup"),
    (demo_files.CONSULTANTS[0], "sales_consultant", "consultant"),
    (demo_files.CONSULTANTS[1], "sales_consultant", "consultant2"),
    (demo_files.ADVISORS[0], "service_advisor", "advisor"),
    (demo_files.ADVISORS[1], "service_advisor", "advisor2"),
    ("邓洁", "insurance_specialist", "insurance"),
    ("方琳", "renewal_specialist", "renewal"),
    ("蒋文", "sales_clerk", "clerk"),
    (demo_files.TECHNICIANS[0], "technician", "technician"),
    (demo_files.TECHNICIANS[1], "technician", None),
)
"""Name, role, login."""


class SignIn(NamedTuple):
    """A person of the demo who can sign in."""

    login: str
    password: str
    name: str
    role: str


def load_demo(api: Api, secret_key: str) -> list[SignIn]:
    """Make the demo store, its staff and ~60 customers with recent sales and work orders. Out: who can sign in, and with what."""
    password = demo_password(secret_key)
    path = _store(api)
    known = {person["name"] for person in api.items(f"{path}/staff")}
    for name, role, login in STAFF:
        if name not in known:
            sign_in = {"login": login, "password": password} if login else {}
            api.post(f"{path}/staff", {"name": name, "roles": [role], **sign_in})
    _import_all(api, path, datetime.fromisoformat(api.get("/v1/me")["now"]))
    return [SignIn(login, password, name, role) for name, role, login in STAFF if login]


def demo_password(secret_key: str) -> str:
    """One password for all of the demo, different in each installation, the same when loading is tried again."""
    digest = hmac.new(secret_key.encode(), b"demo", hashlib.sha256).digest()
    return base64.b32encode(digest[:10]).decode().lower()


def _store(api: Api) -> str:
    if not any(store["code"] == CODE for store in api.items("/v1/stores")):
        body: Json = {"code": CODE, "name": NAME, "phone": "021-64001234", "rescue_phone": "021-64009999", "signature": NAME}
        api.post("/v1/stores", body)
    return api.store_path(CODE)


def _import_all(api: Api, path: str, now: datetime) -> None:
    people, today = demo_files.people(), now.date()
    files = (
        ("customers", "客户档案.csv", demo_files.customers_file(people)),
        ("sales", "车辆销售.csv", demo_files.sales_file(people, today)),
        ("work-orders", "维修工单.csv", demo_files.work_orders_file(people, today)),
        ("leads", "意向客户.csv", demo_files.leads_file(today)),
    )
    for kind, name, content in files:
        started = api.upload(f"{path}/imports", {"kind": kind, "dry_run": "false"}, name, content)
        done = follow_import(api, f"{path}/imports", started, name)
        if done["state"] in FAILED:
            raise Refused(summary(done, name, dry_run=False))
        say(f"  {summary(done, name, dry_run=False)}")
