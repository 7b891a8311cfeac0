"""Follow-up programmes (回访方案): their rules as data, and what they plan.

Owns the types of a programme, reading one from plain data with every fault named, which facts start which programmes,
and the visits and tasks that come of it. Writes nothing. Never reads a clock, a file or a database.
"""

from shared.domain.programme.facts import (
    CARD_LATEST_DAYS,
    CONDITIONS,
    applicable,
    card_fact,
    needs_next_date,
    one_per_car_and_day,
    still_needed,
    triggers,
)
from shared.domain.programme.parsing import PolicyError, parse
from shared.domain.programme.planning import FIRST_IMPORT_DAYS, INTERVAL, duties, follow_ons, leads_on, plan, tasks_after
from shared.domain.programme.reading import Fault
from shared.domain.programme.steps import PLACEHOLDERS, SCRIPT_PARTS, parse_questions
from shared.domain.programme.types import (
    FILE_HOLDER,
    OWNER_ROLE,
    SYSTEM_ROLE,
    Anchor,
    AnswerTask,
    ClosedVisit,
    Duty,
    Fact,
    Name,
    Option,
    PlanCounts,
    PlannedTask,
    PlannedVisit,
    Programme,
    Question,
    Repeat,
    Step,
    Trigger,
    Window,
)

__all__ = [
    "CARD_LATEST_DAYS",
    "CONDITIONS",
    "FILE_HOLDER",
    "FIRST_IMPORT_DAYS",
    "INTERVAL",
    "OWNER_ROLE",
    "PLACEHOLDERS",
    "SCRIPT_PARTS",
    "SYSTEM_ROLE",
    "Anchor",
    "AnswerTask",
    "ClosedVisit",
    "Duty",
    "Fact",
    "Fault",
    "Name",
    "Option",
    "PlanCounts",
    "PlannedTask",
    "PlannedVisit",
    "PolicyError",
    "Programme",
    "Question",
    "Repeat",
    "Step",
    "Trigger",
    "Window",
    "applicable",
    "card_fact",
    "duties",
    "follow_ons",
    "leads_on",
    "needs_next_date",
    "one_per_car_and_day",
    "parse",
    "parse_questions",
    "plan",
    "still_needed",
    "tasks_after",
    "triggers",
]
