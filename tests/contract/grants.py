"""Who may do what, as data: table → what api, scheduler and notifier may. The test tries each one; nothing else is granted.

`S` read, `I` insert, `U` update, `D` delete; `U(a b)` only these columns, `S-(a b)` all but these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SERVICES = ("api", "scheduler", "notifier")
SURVEY_ANSWER = "U(answered_at channel score answers comment wants_call)"

MATRIX: dict[str, tuple[str, str, str]] = {
    # who may sign in: the API's alone
    "accounts": ("S I U", "", ""),
    "account_stores": ("S I U", "", ""),
    "api_keys": ("S I U", "", ""),
    "refresh_tokens": ("S I U", "", ""),
    "sign_in_failures": ("S I U D", "", ""),
    "idempotency_keys": ("S I U D", "S(expires_at) D", ""),  # the scheduler removes those that have expired
    # the store
    "stores": ("S I U", "S", "S"),
    "store_days": ("S I U D", "S", "S"),
    "staff": ("S I U", "S-(phone email created_at updated_at version)", "S-(created_at updated_at version)"),
    "staff_absences": ("S I U D", "S", "S"),
    "programmes": ("S I U", "S", "S"),
    "message_templates": ("S I U D", "", "S"),
    # customers and cars: the scheduler sees no address
    "customers": ("S I U", "S U(lifecycle holder_id flags updated_at version)", "S"),
    "contact_points": ("S I U D", "S-(value last4_index)", "S"),
    "consents": ("S I U", "S", "S"),
    "opt_outs": ("S I U", "S", "S I U"),
    "numbers": ("S I U", "S", "S I U"),
    "number_sends": ("S", "", "S I D"),
    "vehicles": ("S I U", "S U(next_maintenance_on)", "S"),
    "mileage_readings": ("S I U D", "S", ""),
    "sales": ("S I U", "S U(insurance_specialist_id renewal_specialist_id renewal_moved_on updated_at version)", "S"),
    "insurance_policies": ("S I U", "S", "S"),
    "work_orders": ("S I U", "S-(items contact_phone updated_at version)", "S"),
    "leads": ("S I U", "S U(level next_on state updated_at version)", ""),
    "lead_movements": ("S I", "S I", ""),
    "accidents": ("S I U", "S", "S"),
    "warranty_items": ("S I U D", "S U(expected_on updated_at version)", ""),
    # visits: api and scheduler
    "visits": ("S I U", "S I U", "S"),
    "visit_wakes": ("S I", "S I U D", ""),  # a queue: what was taken is gone
    "attempts": ("S I U(withdrawn_at)", "S", "S"),
    "visit_events": ("S I", "S I", "S I"),
    "due_contact_events": ("S I", "S I U(rung_at)", "S U(handled_at)"),
    "visit_signals": ("S I", "S U(handled_at)", "S I"),
    "tasks": ("S I U", "S I", "S I"),
    # messages: the notifier alone writes them; the scheduler sees no text and no address
    "messages": ("S", "S-(language address subject body signature expire_at provider provider_id)", "S I U"),
    "message_attempts": ("S", "", "S I U"),
    "message_orders": ("S I", "", "S U(handled_at outcome)"),
    "receipts": ("S", "", "S I U"),
    "replies": ("S", "", "S I U"),
    "surveys": (f"S {SURVEY_ANSWER}", "S", f"S I {SURVEY_ANSWER}"),
    "public_tokens": ("S I", "", "S I U"),
    "hook_tokens": ("S I U", "", "S"),
    "callbacks": ("S I", "S-(hook_token_id body)", "S U(handled_at outcome)"),
    # complaints: the scheduler keeps their clocks and sees no word of the customer, the notifier opens one from a score
    "complaints": (
        "S I U",
        "S-(text wish customer_opinion invalid_reason pause_reason created_by) I"
        " U(state level owner_id round_at respond_by handle_by tell_by responded_at handled_at told_at resolved_at confirmed_at closed_at"
        " pauses warned reopened wake_at updated_at version)",
        "S(store_id id number customer_id vehicle_id visit_id kind category crisis state owner_id level opened_at respond_by handle_by"
        " told_at closed_at) I",
    ),
    "complaint_events": ("S I", "S I", "I"),
    "problems": ("S I U", "S U(warned_at updated_at version)", ""),
    # what is offered
    "appointments": ("S I U", "S U(state state_reason arrived_at closed_at updated_at version)", "S"),
    "vouchers": ("S I U", "S I", "S"),
    "campaigns": ("S I U", "S U(state updated_at version)", "S"),
    "campaign_members": ("S I U D", "S I U(state reason on_day)", "S"),
    # reports, honest work, large changes
    "frozen_reports": ("S I", "S I", "S"),
    "quality_flags": ("S I U", "S I", ""),
    "staff_notices": ("S I", "S I", "S U(state tries wake_at lease_until reason sent_at)"),
    "customer_merges": ("S I U", "", ""),
    "handovers": ("S I U", "S I U(undone_at)", ""),
    "store_scripts": ("S I U D", "", ""),
    # imports
    "imports": ("S I U", "", ""),
    "import_files": ("S I D", "", ""),
    "import_problems": ("S I D", "", ""),
    # the machinery
    "audit_log": ("S I", "I", "I"),
    "alembic_version": ("S", "S", "S"),
    "business_clock": ("S I U", "S I", "S I"),
    "scheduled_jobs": ("S", "S I U", ""),
    "heartbeats": ("S I U", "S I U", "S I U"),
}

# History: rows are added, never changed. (A column listed here is a mark that the row was dealt with.)
APPEND_ONLY = ("visit_events", "audit_log", "attempts", "due_contact_events", "visit_signals", "message_orders", "callbacks")
MARKS = {"withdrawn_at", "rung_at", "handled_at", "outcome"}

_GRANT = re.compile(r"(?P<verb>[SIUD])(?:(?P<but>-?)\((?P<columns>[^)]*)\))?")


@dataclass(frozen=True)
class Rights:
    """The columns a role may read, insert and update in a table, and whether it may delete rows."""

    select: frozenset[str]
    insert: frozenset[str]
    update: frozenset[str]
    delete: bool


def rights(text: str, columns: frozenset[str]) -> Rights:
    """What a cell of the matrix says of a table with these columns."""
    found: dict[str, frozenset[str]] = {}
    for grant in _GRANT.finditer(text):
        named = frozenset((grant["columns"] or "").split())
        assert named <= columns, f"the matrix names columns that do not exist: {sorted(named - columns)}"
        found[grant["verb"]] = columns if grant["columns"] is None else columns - named if grant["but"] else named
    nothing: frozenset[str] = frozenset()
    return Rights(found.get("S", nothing), found.get("I", nothing), found.get("U", nothing), "D" in found)
