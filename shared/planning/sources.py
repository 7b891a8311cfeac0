"""Where the facts behind visits are read again: one loader for each kind of trigger.

Whoever adds a trigger registers its loader here, and follow-ons, replanning and cancelling know it at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

from shared.db import Connection
from shared.domain.programme import Fact
from shared.planning.appointments import facts_of_appointments
from shared.planning.campaigns import facts_of_members
from shared.planning.complaints import facts_of_complaints
from shared.planning.facts import facts_of_sales, facts_of_work_orders
from shared.planning.insurance import facts_of_accidents, facts_of_policies
from shared.planning.leads import facts_of_leads
from shared.planning.maintenance import facts_of_vehicles
from shared.planning.occasions import facts_of_anniversaries, facts_of_birthdays, facts_of_festivals
from shared.planning.silent import facts_of_lost, facts_of_silent_cars
from shared.planning.warranty import facts_of_warranty
from shared.stores import StoreContext

Loader = Callable[[Connection, StoreContext, Collection[UUID]], Awaitable[list[Fact]]]

SOURCES: Final[Mapping[str, Loader]] = {
    "sale": facts_of_sales,
    "card": facts_of_sales,
    "work_order": facts_of_work_orders,
    "maintenance": facts_of_vehicles,
    "appointment": facts_of_appointments,
    "complaint": facts_of_complaints,
    "lead": facts_of_leads,
    "policy": facts_of_policies,
    "accident": facts_of_accidents,
    "warranty": facts_of_warranty,
    "customer.birthday": facts_of_birthdays,
    "vehicle.anniversary": facts_of_anniversaries,
    "store.holiday": facts_of_festivals,
    "vehicle.silent": facts_of_silent_cars,
    "customer.lost": facts_of_lost,
    "campaign": facts_of_members,
}
"""By a trigger's type, or by what stands before its dot. A loader gives the facts of those ids that are there, as they are known now."""


def source_of(trigger_type: str) -> str:
    """What stands before the dot: `sale` of `sale.delivered`."""
    return trigger_type.partition(".")[0]


async def facts_of_triggers(
    conn: Connection, store: StoreContext, triggers: Iterable[tuple[str, UUID]]
) -> dict[tuple[str, UUID], Fact]:
    """What is known today of the facts that visits came from, by (trigger type, trigger id); what nobody loads is left out."""
    ids: dict[Loader, set[UUID]] = defaultdict(set)
    for trigger_type, trigger_id in triggers:
        loader = SOURCES.get(trigger_type) or SOURCES.get(source_of(trigger_type))
        if loader is not None:
            ids[loader].add(trigger_id)
    found = [fact for loader, wanted in ids.items() for fact in await loader(conn, store, wanted)]
    return {(str(fact.type), fact.id): fact for fact in found}
