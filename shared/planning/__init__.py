"""From facts to visits: what happened in the store becomes rows that wait for their instant.

Owns: reading facts by set, planning them through `shared.domain.programme`, giving each visit its person, moving and cancelling
visits when facts change. Writes, always in the caller's transaction of one store and never committing: visits, visit_events,
tasks, lead_movements, `leads.level`, `vehicles.next_maintenance_on`, `warranty_items.expected_on`, who holds an insurance file;
a visit that is there already only after SELECT … FOR UPDATE.
Never: decides when something is due (that is the domain's), contacts anybody, reads a clock.
"""

from shared.domain.programme import PlanCounts
from shared.planning.cancel import cancel_open, replan_vehicles
from shared.planning.daily import DAILY, plan_day
from shared.planning.facts import facts_of_sales, facts_of_work_orders, mark_first_services
from shared.planning.follow import plan_follow_ons
from shared.planning.lead_levels import plan_leads, settle_leads
from shared.planning.leads import facts_of_leads
from shared.planning.maintenance import end_reminders, plan_maintenance, record_maintenance, refresh_maintenance
from shared.planning.plan import plan_facts
from shared.planning.renewals import note_insurance_specialists, replan_policies
from shared.planning.replan import replan_fact, replan_facts
from shared.planning.silence import end_silences
from shared.planning.sources import SOURCES, facts_of_triggers
from shared.planning.warranty import default_warranty
from shared.planning.warranty_plan import replan_warranty

__all__ = [
    "DAILY",
    "SOURCES",
    "PlanCounts",
    "cancel_open",
    "default_warranty",
    "end_reminders",
    "end_silences",
    "facts_of_leads",
    "facts_of_sales",
    "facts_of_triggers",
    "facts_of_work_orders",
    "mark_first_services",
    "note_insurance_specialists",
    "plan_day",
    "plan_facts",
    "plan_follow_ons",
    "plan_leads",
    "plan_maintenance",
    "record_maintenance",
    "refresh_maintenance",
    "replan_fact",
    "replan_facts",
    "replan_policies",
    "replan_vehicles",
    "replan_warranty",
    "settle_leads",
]
