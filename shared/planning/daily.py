"""What the calendar itself starts, each morning before a store opens: a list of planners, each on its own."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Final, Protocol

import structlog

from shared.db import Connection
from shared.domain.programme import PlanCounts
from shared.events import SYSTEM, Actor
from shared.handover.absences import run_absences
from shared.honest import flag_work
from shared.planning.arrivals import plan_appointments
from shared.planning.campaigns import plan_campaigns
from shared.planning.lead_levels import plan_leads
from shared.planning.load import spread_load
from shared.planning.maintenance import plan_maintenance
from shared.planning.occasions import plan_anniversaries, plan_birthdays, plan_festivals
from shared.planning.renewal_move import move_to_renewal
from shared.planning.renewals import plan_policies
from shared.planning.silence import plan_silences
from shared.planning.warranty_plan import plan_warranty
from shared.planning.worth import flag_high_value
from shared.stores import StoreContext

log = structlog.get_logger("planning")


class Planner(Protocol):
    """Plans what a new day starts in one store; asked twice on a day, it adds nothing."""

    def __call__(self, conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> Awaitable[PlanCounts]: ...


DAILY: Final[tuple[tuple[str, Planner], ...]] = (
    ("absences", run_absences),
    ("appointments", plan_appointments),
    ("renewal_move", move_to_renewal),
    ("leads", plan_leads),
    ("maintenance", plan_maintenance),
    ("policies", plan_policies),
    ("warranty", plan_warranty),
    ("birthdays", plan_birthdays),
    ("anniversaries", plan_anniversaries),
    ("festivals", plan_festivals),
    ("silences", plan_silences),
    ("high_value", flag_high_value),
    ("campaigns", plan_campaigns),
    ("load", spread_load),
    ("honest", flag_work),
)
"""In the order they run, the spreading of the load after everything that plans; the name is the one in the log."""


async def plan_day(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor = SYSTEM) -> dict[str, PlanCounts]:
    """Run every planner of the day in the caller's transaction of the store; out: what came of each.

    One that fails undoes its own work only and is logged; the others go on, and the next morning it is asked again.
    """
    done: dict[str, PlanCounts] = {}
    for name, planner in DAILY:
        try:
            async with conn.transaction():
                done[name] = await planner(conn, store, now=now, actor=actor)
        except Exception:
            log.exception("daily_failed", planner=name, store=str(store.id))
    log.info("day_planned", store=str(store.id), **{name: counts.planned for name, counts in done.items()})
    return done
