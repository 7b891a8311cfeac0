"""What a customer reads who could not be reached about his appointment (S1)."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.factories import make_due_event, make_programme, make_visit
from tests.notifier.conftest import Desk


async def test_the_reminder_names_the_hour_and_the_maintenance_manual(desk: Desk) -> None:
    customer = await desk.customer("+8613812345678")
    await make_programme(desk.owner, "appointment", store_id=desk.store_id)
    car = await desk.car(customer["id"], model="途观L", plate="沪A12345")
    visit = await make_visit(
        desk.owner, store_id=desk.store_id, customer_id=customer["id"], vehicle_id=car["id"], programme="appointment", step="confirm",
        purposes=["appointment"], role="service_advisor", state="trying", tries=1, message_template="appointment_reminder",
        trigger_type="appointment.booked", trigger_at=datetime(2026, 11, 27, 2, 30, tzinfo=UTC),
    )  # fmt: skip
    await make_due_event(desk.owner, visit_id=visit["id"], store_id=desk.store_id, step="sms", due_at=desk.clock.at)

    await desk.work()

    message = await desk.message(visit["id"])
    assert (message["template"], message["state"]) == ("appointment_reminder", "accepted")
    assert "您预约11月27日10点30分到店（沪A12345），来店请带上保养手册" in message["body"]
