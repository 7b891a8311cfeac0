"""From facts to visits: what happened in the store becomes rows that wait for their instant.

Owns: reading facts by set, planning them through `shared.domain.programme`, giving each visit its person, moving and cancelling
visits when facts change. Writes, always in the caller's transaction of one store and never committing: visits, visit_events,
tasks, and `vehicles.next_maintenance_on`; a visit that is there already only after SELECT … FOR UPDATE.
Never: decides when something is due (that is the domain's), contacts anybody, reads a clock.
"""

from shared.planning.cancel import cancel_open, replan_vehicles
from shared.planning.daily import DAILY, plan_day
from shared.planning.facts import facts_of_sales, facts_of_work_orders, mark_first_services
from shared.planning.follow import plan_follow_ons
from shared.planning.maintenance import end_reminders, plan_maintenance, record_maintenance, refresh_maintenance
from shared.planning.plan import PlanCounts, plan_facts
from shared.planning.replan import replan_fact, replan_facts
from shared.planning.silence import end_silences
from shared.planning.sources import SOURCES, facts_of_triggers

__all__ = [
    "DAILY",
    "SOURCES",
    "PlanCounts",
    "cancel_open",
    "end_reminders",
    "end_silences",
    "facts_of_sales",
    "facts_of_triggers",
    "facts_of_work_orders",
    "mark_first_services",
    "plan_day",
    "plan_facts",
    "plan_follow_ons",
    "plan_maintenance",
    "record_maintenance",
    "refresh_maintenance",
    "replan_fact",
    "replan_facts",
    "replan_vehicles",
]
