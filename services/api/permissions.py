"""Who may call what: every route of the API, one line each. What is not here, nobody may (decisions.md, "Who may").

Paths are those of the feature routers, without `/v1`. The operator and admins may call everything of a store. Which rows a person
may touch within a route (their own visits, their team's) is the feature's to decide; this table says whether they may come in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias


class Role(StrEnum):
    """What somebody does in a store."""

    SALES_CONSULTANT = "sales_consultant"
    INSURANCE_SPECIALIST = "insurance_specialist"
    RENEWAL_SPECIALIST = "renewal_specialist"
    SERVICE_ADVISOR = "service_advisor"
    TECHNICIAN = "technician"
    SALES_CLERK = "sales_clerk"
    FOLLOWUP_SPECIALIST = "followup_specialist"
    SALES_MANAGER = "sales_manager"
    SERVICE_MANAGER = "service_manager"
    CUSTOMER_MANAGER = "customer_manager"
    GENERAL_MANAGER = "general_manager"
    ADMIN = "admin"


ROLES: tuple[str, ...] = tuple(str(role) for role in Role)
TEAMS: Mapping[str, frozenset[str]] = {
    "sales_manager": frozenset(
        {"sales_consultant", "insurance_specialist", "renewal_specialist", "sales_clerk", "sales_manager"}
    ),
    "service_manager": frozenset({"service_advisor", "technician", "service_manager"}),
    "customer_manager": frozenset({"followup_specialist", "renewal_specialist", "customer_manager"}),
}
"""Whose visits a department's manager answers for."""

Level: TypeAlias = Literal["public", "signed_in", "store", "operator"]


@dataclass(frozen=True)
class Rule:
    """`level`: how far the caller is known. `roles`: None for every role. `scope`: what a key needs; None refuses keys."""

    level: Level
    roles: frozenset[str] | None = None
    scope: str | None = None


ALL = frozenset(ROLES)
MANAGERS = frozenset({"sales_manager", "service_manager", "customer_manager", "general_manager"})
DEPARTMENT_MANAGERS = MANAGERS - {"general_manager"}
CALLERS = frozenset(
    {"sales_consultant", "insurance_specialist", "renewal_specialist", "service_advisor", "followup_specialist", "technician"}
)
WRITERS = CALLERS | MANAGERS | {"sales_clerk"}
IMPORTERS = MANAGERS | {"sales_clerk"}

PUBLIC = Rule("public")
OPERATOR = Rule("operator")
SIGNED_IN = Rule("signed_in", None, "read")
PERSON = Rule("signed_in", None, None)
READ = Rule("store", None, "read")
WRITE = Rule("store", WRITERS, "write")
CALL = Rule("store", CALLERS | MANAGERS, "write")  # the general manager: the follow-ups of complaints that are his
MANAGE = Rule("store", MANAGERS, "write")
LEAD = Rule("store", DEPARTMENT_MANAGERS, "write")
MANAGERS_READ = Rule("store", MANAGERS, "read")
IMPORT = Rule("store", IMPORTERS, "import")
ADMINISTER = Rule("store", frozenset(), None)
ADMINISTER_READ = Rule("store", MANAGERS, None)

S = "/stores/{store_id}"

RULES: Mapping[str, Rule] = {
    # health and the machinery
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    "GET /dev/clock": SIGNED_IN,
    "POST /dev/clock": Rule("signed_in", frozenset({"admin"}), None),
    "GET /dev/outbox": Rule("signed_in", frozenset({"admin"}), None),
    "GET /enumerations": PUBLIC,
    # signing in
    "POST /auth/token": PUBLIC,
    "POST /auth/refresh": PUBLIC,
    "POST /auth/logout": PUBLIC,
    "POST /auth/staff-token": OPERATOR,
    "GET /me": SIGNED_IN,
    "POST /me/password": PERSON,
    # pages for a phone's browser, and callbacks: the token in the path is the credential
    "GET /s/{token}": PUBLIC,
    "POST /s/{token}": PUBLIC,
    "GET /u/{token}": PUBLIC,
    "POST /u/{token}": PUBLIC,
    "POST /hooks/sms/{provider}/{token}": PUBLIC,
    "POST /hooks/sms/{provider}/{token}/replies": PUBLIC,
    "POST /hooks/email/{token}": PUBLIC,
    # stores
    "GET /stores": SIGNED_IN,
    "POST /stores": Rule("signed_in", frozenset({"admin"}), None),
    f"GET {S}": READ,
    f"PATCH {S}": ADMINISTER,
    f"GET {S}/calendar": READ,
    f"PUT {S}/calendar/hours": MANAGE,
    f"PUT {S}/calendar/days/{{day}}": MANAGE,
    f"DELETE {S}/calendar/days/{{day}}": MANAGE,
    f"GET {S}/providers": ADMINISTER_READ,
    f"GET {S}/events": READ,
    f"GET {S}/audit-log": ADMINISTER_READ,
    f"GET {S}/api-keys": ADMINISTER,
    f"POST {S}/api-keys": ADMINISTER,
    f"DELETE {S}/api-keys/{{api_key_id}}": ADMINISTER,
    # staff
    f"GET {S}/staff": READ,
    f"POST {S}/staff": ADMINISTER,
    f"GET {S}/staff/{{staff_id}}": READ,
    f"PATCH {S}/staff/{{staff_id}}": ADMINISTER,
    f"GET {S}/staff/{{staff_id}}/absences": READ,
    f"POST {S}/staff/{{staff_id}}/absences": MANAGE,
    f"DELETE {S}/staff/{{staff_id}}/absences/{{absence_id}}": MANAGE,
    f"GET {S}/staff/{{staff_id}}/handover": MANAGERS_READ,
    f"POST {S}/staff/{{staff_id}}/handover/preview": MANAGE,
    f"POST {S}/staff/{{staff_id}}/handover": MANAGE,
    f"POST {S}/staff/{{staff_id}}/handover/{{handover_id}}/undo": MANAGE,
    # customers and what they have
    f"GET {S}/customers": READ,
    f"POST {S}/customers": WRITE,
    f"GET {S}/customers/{{customer_id}}": READ,
    f"PATCH {S}/customers/{{customer_id}}": WRITE,
    f"GET {S}/customers/{{customer_id}}/timeline": READ,
    f"GET {S}/customers/{{customer_id}}/card": READ,
    f"GET {S}/customers/{{customer_id}}/consents": READ,
    f"POST {S}/customers/{{customer_id}}/consents": WRITE,
    f"POST {S}/customers/{{customer_id}}/consents/{{purpose}}/withdraw": WRITE,
    f"POST {S}/customers/{{customer_id}}/contact-points": WRITE,
    f"PATCH {S}/customers/{{customer_id}}/contact-points/{{contact_point_id}}": WRITE,
    f"DELETE {S}/customers/{{customer_id}}/contact-points/{{contact_point_id}}": WRITE,
    f"POST {S}/customers/{{customer_id}}/reveal": Rule("store", CALLERS | MANAGERS, "pii:read"),
    f"POST {S}/customers/{{customer_id}}/deceased": WRITE,
    f"POST {S}/customers/{{customer_id}}/deceased/undo": MANAGE,
    f"POST {S}/customers/{{customer_id}}/opt-outs": WRITE,
    f"DELETE {S}/customers/{{customer_id}}/opt-outs/{{contact_point_id}}": WRITE,
    f"GET {S}/customers/duplicates": MANAGERS_READ,
    f"GET {S}/customers/{{customer_id}}/merge": MANAGERS_READ,
    f"POST {S}/customers/{{customer_id}}/merge/preview": MANAGE,
    f"POST {S}/customers/{{customer_id}}/merge": MANAGE,
    f"POST {S}/customers/{{customer_id}}/merge/undo": MANAGE,
    f"GET {S}/vehicles": READ,
    f"POST {S}/vehicles": WRITE,
    f"GET {S}/vehicles/{{vehicle_id}}": READ,
    f"PATCH {S}/vehicles/{{vehicle_id}}": WRITE,
    f"POST {S}/vehicles/{{vehicle_id}}/transfer": WRITE,
    f"POST {S}/vehicles/{{vehicle_id}}/readings": WRITE,
    f"GET {S}/vehicles/{{vehicle_id}}/warranty-items": READ,
    f"POST {S}/vehicles/{{vehicle_id}}/warranty-items": WRITE,
    f"PATCH {S}/vehicles/{{vehicle_id}}/warranty-items/{{item_id}}": WRITE,
    f"DELETE {S}/vehicles/{{vehicle_id}}/warranty-items/{{item_id}}": WRITE,
    f"GET {S}/sales": READ,
    f"POST {S}/sales": WRITE,
    f"GET {S}/sales/{{sale_id}}": READ,
    f"PATCH {S}/sales/{{sale_id}}": WRITE,
    f"POST {S}/sales/{{sale_id}}/card": WRITE,
    f"POST {S}/sales/{{sale_id}}/file": WRITE,
    f"GET {S}/policies": READ,
    f"POST {S}/policies": WRITE,
    f"GET {S}/policies/{{policy_id}}": READ,
    f"PATCH {S}/policies/{{policy_id}}": WRITE,
    f"POST {S}/policies/{{policy_id}}/result": WRITE,
    f"GET {S}/work-orders": READ,
    f"POST {S}/work-orders": WRITE,
    f"GET {S}/work-orders/{{work_order_id}}": READ,
    f"PATCH {S}/work-orders/{{work_order_id}}": WRITE,
    f"GET {S}/leads": READ,
    f"POST {S}/leads": WRITE,
    f"GET {S}/leads/{{lead_id}}": READ,
    f"PATCH {S}/leads/{{lead_id}}": WRITE,
    f"POST {S}/leads/{{lead_id}}/won": WRITE,
    f"POST {S}/leads/{{lead_id}}/lost": WRITE,
    f"POST {S}/leads/{{lead_id}}/reactivate": WRITE,
    f"GET {S}/leads/{{lead_id}}/movements": READ,
    f"GET {S}/accidents": READ,
    f"POST {S}/accidents": WRITE,
    f"GET {S}/accidents/{{accident_id}}": READ,
    f"PATCH {S}/accidents/{{accident_id}}": WRITE,
    # programmes
    f"GET {S}/programmes": READ,
    f"GET {S}/programmes/{{key}}": READ,
    f"PUT {S}/programmes/{{key}}": MANAGE,
    f"GET {S}/programmes/{{key}}/versions": READ,
    f"POST {S}/programmes/{{key}}/rehearsal": MANAGE,
    f"GET {S}/scripts": READ,
    f"POST {S}/scripts/preview": READ,
    f"GET {S}/scripts/{{programme}}/{{step}}": READ,
    f"PUT {S}/scripts/{{programme}}/{{step}}": MANAGE,
    f"DELETE {S}/scripts/{{programme}}/{{step}}": MANAGE,
    # visits
    f"GET {S}/worklist": READ,
    f"GET {S}/visits": READ,
    f"POST {S}/visits": WRITE,
    f"GET {S}/visits/{{visit_id}}": READ,
    f"PATCH {S}/visits/{{visit_id}}": WRITE,
    f"GET {S}/visits/{{visit_id}}/brief": READ,
    f"GET {S}/visits/{{visit_id}}/attempts": READ,
    f"POST {S}/visits/{{visit_id}}/attempts": CALL,
    f"POST {S}/visits/{{visit_id}}/attempts/{{attempt_id}}/withdraw": CALL,
    f"GET {S}/visits/{{visit_id}}/why": READ,
    f"POST {S}/visits/{{visit_id}}/reassign": LEAD,
    f"POST {S}/visits/{{visit_id}}/confirm": LEAD,
    # complaints: everybody knows of them; owner and managers work on them, which the feature decides row by row
    f"GET {S}/complaints": READ,
    f"POST {S}/complaints": WRITE,
    f"GET {S}/complaints/{{complaint_id}}": READ,
    f"PATCH {S}/complaints/{{complaint_id}}": WRITE,
    f"GET {S}/complaints/{{complaint_id}}/history": READ,
    f"POST {S}/complaints/{{complaint_id}}/responses": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/handle": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/tell": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/resolve": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/reopen": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/sign-off": MANAGE,
    f"POST {S}/complaints/{{complaint_id}}/pause": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/resume": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/extend": MANAGE,
    f"POST {S}/complaints/{{complaint_id}}/reject": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/crisis": WRITE,
    f"GET {S}/complaints/{{complaint_id}}/checklist": READ,
    f"POST {S}/complaints/{{complaint_id}}/checklist": WRITE,
    f"POST {S}/complaints/{{complaint_id}}/regional": WRITE,
    f"GET {S}/problems": READ,
    f"POST {S}/problems": WRITE,
    f"GET {S}/problems/{{problem_id}}": READ,
    f"PATCH {S}/problems/{{problem_id}}": WRITE,
    f"POST {S}/problems/{{problem_id}}/act": WRITE,
    f"POST {S}/problems/{{problem_id}}/tell": WRITE,
    f"POST {S}/problems/{{problem_id}}/resolve": WRITE,
    f"POST {S}/problems/{{problem_id}}/complaint": WRITE,
    f"GET {S}/tasks": READ,
    f"GET {S}/tasks/{{task_id}}": READ,
    f"POST {S}/tasks/{{task_id}}/done": WRITE,
    f"GET {S}/tasks/{{task_id}}/letter": READ,
    # appointments
    f"GET {S}/appointments": READ,
    f"POST {S}/appointments": WRITE,
    f"GET {S}/appointments/preparation": READ,
    f"POST {S}/appointments/feed": Rule("store", None, None),
    f"DELETE {S}/appointments/feed": Rule("store", None, None),
    f"GET {S}/appointments.ics": PUBLIC,
    f"GET {S}/appointments/{{appointment_id}}": READ,
    f"PATCH {S}/appointments/{{appointment_id}}": WRITE,
    f"POST {S}/appointments/{{appointment_id}}/arrived": WRITE,
    f"POST {S}/appointments/{{appointment_id}}/no-show": WRITE,
    f"POST {S}/appointments/{{appointment_id}}/confirm": WRITE,
    f"POST {S}/appointments/{{appointment_id}}/cancel": WRITE,
    f"GET {S}/appointment-slots": READ,
    f"PUT {S}/appointment-slots": MANAGE,
    # campaigns
    f"GET {S}/campaigns": READ,
    f"POST {S}/campaigns": MANAGE,
    f"GET {S}/campaigns/{{campaign_id}}": READ,
    f"PATCH {S}/campaigns/{{campaign_id}}": MANAGE,
    f"POST {S}/campaigns/{{campaign_id}}/preview": MANAGE,
    f"POST {S}/campaigns/{{campaign_id}}/approve": MANAGE,
    f"POST {S}/campaigns/{{campaign_id}}/launch": MANAGE,
    f"POST {S}/campaigns/{{campaign_id}}/stop": MANAGE,
    f"GET {S}/campaigns/{{campaign_id}}/members": MANAGERS_READ,
    # vouchers
    f"GET {S}/vouchers": READ,
    f"POST {S}/vouchers": MANAGE,
    f"GET {S}/vouchers/{{voucher_id}}": READ,
    f"POST {S}/vouchers/{{voucher_id}}/redeem": WRITE,
    f"POST {S}/vouchers/{{voucher_id}}/cancel": MANAGE,
    f"GET {S}/quality-flags": MANAGERS_READ,
    f"GET {S}/quality-flags/{{flag_id}}": MANAGERS_READ,
    f"POST {S}/quality-flags/{{flag_id}}/decision": MANAGE,
    # messages, surveys, templates
    f"GET {S}/messages": READ,
    f"GET {S}/messages/upcoming": READ,
    f"GET {S}/messages/{{message_id}}": READ,
    f"GET {S}/messages/{{message_id}}/why": READ,
    f"POST {S}/messages/{{message_id}}/resend": MANAGE,
    f"POST {S}/messages/{{message_id}}/hold": MANAGE,
    f"POST {S}/messages/{{message_id}}/settle": MANAGE,
    f"GET {S}/surveys": READ,
    f"GET {S}/surveys/{{survey_id}}": READ,
    f"GET {S}/templates": READ,
    f"PUT {S}/templates/{{key}}": MANAGE,
    f"POST {S}/templates/preview": READ,
    # reports: managers see the store, everybody else his own figures
    f"GET {S}/reports": READ,
    f"GET {S}/reports/{{name}}": READ,
    f"GET {S}/kpis": READ,
    f"GET {S}/kpis/{{kpi}}": READ,
    f"GET {S}/kpis/{{kpi}}/visits": READ,
    # imports
    f"GET {S}/imports": Rule("store", IMPORTERS, "import"),
    f"POST {S}/imports": IMPORT,
    f"GET {S}/imports/{{import_id}}": Rule("store", IMPORTERS, "import"),
    f"GET {S}/imports/{{import_id}}/rejected": IMPORT,
}
