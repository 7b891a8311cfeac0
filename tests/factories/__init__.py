"""Rows for tests: `make_<row>(conn, **overrides)` on an asyncpg connection, one file an aggregate; the row comes back as stored.

Owns: plausible defaults; what a row refers to is made along with it unless given. Writes: whatever a test asks for.
Never: goes through an action of ours, so that a test of one feature does not pass or fail by another.
"""

from tests.factories.base import NOBODY, NOW, TODAY, number, vault
from tests.factories.complaints import make_complaint, make_movement, make_problem
from tests.factories.customers import make_consent, make_contact_point, make_customer, make_opt_out
from tests.factories.messages import make_message, make_survey
from tests.factories.stores import make_absence, make_account, make_staff, make_store, make_store_day
from tests.factories.vehicles import make_lead, make_policy, make_reading, make_sale, make_vehicle, make_work_order
from tests.factories.visits import make_attempt, make_due_event, make_programme, make_task, make_visit

__all__ = [
    "NOBODY",
    "NOW",
    "TODAY",
    "make_absence",
    "make_account",
    "make_attempt",
    "make_complaint",
    "make_consent",
    "make_contact_point",
    "make_customer",
    "make_due_event",
    "make_lead",
    "make_message",
    "make_movement",
    "make_opt_out",
    "make_policy",
    "make_problem",
    "make_programme",
    "make_reading",
    "make_sale",
    "make_staff",
    "make_store",
    "make_store_day",
    "make_survey",
    "make_task",
    "make_vehicle",
    "make_visit",
    "make_work_order",
    "number",
    "vault",
]
