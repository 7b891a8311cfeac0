"""A store with rows of every kind, and the ids of them by the name of the path parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.db import Connection
from shared.tokens import development_hook_token, survey_token, token_index, unsubscribe_token
from tests import factories as make
from tests.factories.base import insert

ROUNDS = 6
"""How many rows of each kind: some are deleted or closed on the way."""

Ids = Mapping[str, Sequence[str]]


async def seed(conn: Connection) -> dict[str, list[str]]:
    """Fill a store. Out: the ids by parameter, such as `visit_id`; for `token`, `key`, … words that mean something."""
    store = await make.make_store(conn)
    found: dict[str, list[str]] = {"store_id": [str(store["id"])]}
    for programme in ("delivery-sales", "after-maintenance", "maintenance"):
        await make.make_programme(conn, programme, store_id=store["id"])
    for _ in range(ROUNDS):
        for name, value in (await _round(conn, store["id"])).items():
            found.setdefault(name, []).append(str(value))
    found["token"] += [development_hook_token(make.vault())]
    found["provider"] = ["http"]
    return found


async def _round(conn: Connection, store_id: UUID) -> dict[str, Any]:
    """One customer with a car and everything that can happen to it."""
    staff = await make.make_staff(conn, "followup_specialist", store_id=store_id)
    absence = await make.make_absence(conn, store_id=store_id, staff_id=staff["id"])
    customer = await make.make_customer(conn, store_id=store_id)
    point = await make.make_contact_point(conn, customer_id=customer["id"], kind="email", rank=2)
    await make.make_consent(conn, customer_id=customer["id"])
    car = await make.make_vehicle(conn, store_id=store_id, customer_id=customer["id"])
    known = {"store_id": store_id, "vehicle_id": car["id"]}
    visit = await make.make_visit(conn, customer_id=customer["id"], vehicle_id=car["id"], assignee_id=staff["id"], state="due")
    survey = await make.make_survey(conn, visit_id=visit["id"])
    message = await make.make_message(conn, visit_id=visit["id"])
    vault = make.vault()
    links = {"survey": (survey_token(vault, survey["id"]), survey["id"])}
    links["unsubscribe"] = (unsubscribe_token(vault, message["id"]), message["id"])
    for kind, (token, row_id) in links.items():
        await insert(
            conn,
            "public_tokens",
            {"token_index": token_index(vault, token), "kind": kind, "store_id": store_id, "ref_id": row_id},
        )
    return {
        "staff_id": staff["id"],
        "absence_id": absence["id"],
        "customer_id": customer["id"],
        "contact_point_id": point["id"],
        "vehicle_id": car["id"],
        "visit_id": visit["id"],
        "attempt_id": (await make.make_attempt(conn, visit_id=visit["id"], staff_id=staff["id"]))["id"],
        "survey_id": survey["id"],
        "message_id": message["id"],
        "sale_id": (await make.make_sale(conn, **known))["id"],
        "policy_id": (await make.make_policy(conn, **known))["id"],
        "work_order_id": (await make.make_work_order(conn, **known))["id"],
        "lead_id": (await make.make_lead(conn, store_id=store_id, customer_id=customer["id"]))["id"],
        "task_id": (await make.make_task(conn, customer_id=customer["id"]))["id"],
        "token": links["survey"][0],
    }
