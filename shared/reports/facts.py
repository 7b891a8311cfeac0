"""Visits of a period with what was done on each: the ground that figures and reports stand on.

A visit belongs to the month of its due date. It is somebody's who made the last attempt on it, else its assignee's: credit stays with
whoever did the work. What was recorded after `:cut` has not happened yet.
"""

from __future__ import annotations

from shared.reports.scope import Scope

REACHED = "(a.outcome = 'reached' OR (a.outcome = 'not_owner' AND a.reached_person = 'user'))"
"""The customer himself, or a user of the car, was spoken to about what the visit was for."""

CLOSED = "(v.state NOT IN ('planned', 'due', 'trying') AND coalesce(v.closed_at, v.created_at) <= :cut)"
STANDS = "a.withdrawn_at IS NULL AND a.created_at <= :cut"

EXCLUDED = f"""CASE
    WHEN c.id IS NOT NULL THEN 'deceased'
    WHEN v.state = 'cancelled' AND {CLOSED} THEN 'cancelled'
    WHEN v.state = 'expired' AND {CLOSED} THEN 'expired'
    WHEN v.due_on > :today AND NOT {CLOSED} THEN 'not_due_yet' END"""
"""Why a visit is left out of every figure; null when it counts."""

COUNTS = f"coalesce({EXCLUDED}, 'counts') NOT IN ('deceased', 'cancelled', 'expired', 'not_due_yet')"
"""Nothing leaves the visit out. Said this way because the planner takes `… IS NULL` for one row in two hundred, and reads row by row."""

GONE = "LEFT JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id AND c.deceased_at <= :cut"
LAST_TRY = f"""LEFT JOIN LATERAL (
        SELECT a.staff_id FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND {STANDS}
        ORDER BY a.at DESC, a.seq DESC LIMIT 1) t ON true"""
"""Who tried last, where only few of the visits are asked for."""

PERIOD = "v.store_id = :store AND v.due_on BETWEEN :first AND :last AND v.created_at <= :cut"

TRIES = f"""
    SELECT a.visit_id, min(a.at) AS first_at, min(a.at) FILTER (WHERE a.channel = 'phone') AS first_call_at,
           min(a.at) FILTER (WHERE {REACHED}) AS reached_at,
           (array_agg(a.staff_id ORDER BY a.at DESC, a.seq DESC))[1] AS staff_id
    FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
    WHERE {PERIOD} AND {STANDS} GROUP BY a.visit_id
"""
DELIVERED = f"""
    SELECT m.visit_id, min(m.delivered_at) AS at FROM visits v JOIN messages m ON m.store_id = v.store_id AND m.visit_id = v.id
    WHERE {PERIOD} AND m.state = 'delivered' AND m.delivered_at <= :cut GROUP BY m.visit_id
"""
SENT = f"""
    SELECT m.visit_id FROM visits v JOIN messages m ON m.store_id = v.store_id AND m.visit_id = v.id
    WHERE {PERIOD} AND m.sent_at <= :cut GROUP BY m.visit_id
"""
ANSWERED = f"""
    SELECT s.visit_id, min(s.answered_at) AS at FROM visits v JOIN surveys s ON s.store_id = v.store_id AND s.visit_id = v.id
    WHERE {PERIOD} AND s.answered_at <= :cut GROUP BY s.visit_id
"""


def only(scope: Scope, staff: str, programme: str = "v.programme") -> str:
    """What narrows a statement to one person or one programme; `staff` is the expression of whose a row is."""
    mine = f" AND {staff} = :staff" if scope.staff_id is not None else ""
    of = f" AND {programme} = :programme" if scope.programme is not None else ""
    return mine + of
