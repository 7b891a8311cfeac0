"""The rows behind each figure: what was counted, what of it met the definition, what was left out and why.

Every statement gives the same columns: `kind` and `id` of what the row is, `part` where one thing gives several rows, `visit_id`,
`customer_id`, `staff_id`, `programme`, `day`, `met`, `late`, `reason` (null: counted). A figure is a count over these rows, so that it
always opens to what is behind it. Definitions: docs/reports.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.domain.kpi import Split
from shared.reports.facts import DELIVERED, EXCLUDED, GONE, PERIOD, REACHED, SENT, STANDS, TRIES, only
from shared.reports.scope import Scope

NULL_STAFF = "NULL::uuid AS staff_id, NULL::text AS programme"


def rows_sql(kpi: str, scope: Scope, split: Split | None) -> str:
    """The statement of a figure's rows.

    `split`: rows are of the store, of each person or of each programme (a customer counts once in each). None: of the store, with the
    person and programme that a row goes to when the whole is divided into parts.
    """
    return _STATEMENTS[kpi](scope, split)


def _success(scope: Scope, split: Split | None) -> str:
    """A visit on a day on which somebody tried; met when the customer was reached that day."""
    days = f"""
        SELECT a.visit_id, (a.at AT TIME ZONE :zone)::date AS day, bool_or({REACHED}) AS met,
               bool_or({REACHED} AND a.at >= v.window_end) AS late, (array_agg(a.staff_id ORDER BY a.at DESC, a.seq DESC))[1] AS staff_id
        FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
        WHERE {PERIOD} AND {STANDS} GROUP BY a.visit_id, (a.at AT TIME ZONE :zone)::date
    """
    return f"""
        SELECT 'visit' AS kind, v.id, '' AS part, v.id AS visit_id, v.customer_id, coalesce(t.staff_id, v.assignee_id) AS staff_id,
               v.programme, coalesce(t.day, v.due_on) AS day, coalesce(t.met, false) AS met, coalesce(t.late, false) AS late,
               coalesce({EXCLUDED}, CASE WHEN t.visit_id IS NULL THEN 'not_worked' END) AS reason
        FROM visits v LEFT JOIN ({days}) t ON t.visit_id = v.id {GONE}
        WHERE {PERIOD}{only(scope, "coalesce(t.staff_id, v.assignee_id)")}
    """


def _coverage(scope: Scope, split: Split | None) -> str:
    """A customer with a visit due; met with an attempt or a delivered message on one of them."""
    facts = f"""
        SELECT v.id AS visit_id, v.customer_id, coalesce(t.staff_id, v.assignee_id) AS staff_id, v.programme, v.due_on,
               least(t.first_at, m.at) AS at, v.window_end, {EXCLUDED} AS reason
        FROM visits v LEFT JOIN ({TRIES}) t ON t.visit_id = v.id LEFT JOIN ({DELIVERED}) m ON m.visit_id = v.id {GONE}
        WHERE {PERIOD}{only(scope, "coalesce(t.staff_id, v.assignee_id)")}
    """
    return _by_customer(facts, split, met="f.at IS NOT NULL", late="f.at >= f.window_end")


def _satisfaction(scope: Scope, split: Split | None) -> str:
    """A customer who gave a score; met when the last one was 4 or 5."""
    facts = f"""
        SELECT v.id AS visit_id, v.customer_id, coalesce(t.staff_id, v.assignee_id) AS staff_id, v.programme, v.due_on,
               v.satisfaction AS score, coalesce(v.closed_at, v.updated_at) AS at, v.window_end,
               coalesce({EXCLUDED}, CASE WHEN v.satisfaction IS NULL OR coalesce(v.closed_at, v.updated_at) > :cut
                                         THEN 'no_answer' END) AS reason
        FROM visits v LEFT JOIN ({TRIES}) t ON t.visit_id = v.id {GONE}
        WHERE {PERIOD}{only(scope, "coalesce(t.staff_id, v.assignee_id)")}
    """
    group = _group(split)
    last = f"SELECT DISTINCT ON (f.customer_id{group}, f.reason IS NULL) f.* FROM ({facts}) f"
    last += f" ORDER BY f.customer_id{group}, f.reason IS NULL, f.at DESC, f.score DESC, f.visit_id"
    return _by_customer(f"({last})", split, met="f.score >= 4", late="f.score >= 4 AND f.at >= f.window_end")


def _group(split: Split | None) -> str:
    return {"person": ", f.staff_id", "programme": ", f.programme"}.get(split or "", "")


def _by_customer(facts: str, split: Split | None, *, met: str, late: str) -> str:
    """One row a customer (a customer and person, or programme); the person and programme of a whole are those of the first visit."""
    first = "(array_agg(f.{0} ORDER BY f.reason IS NOT NULL, f.due_on, f.visit_id))[1]"
    staff, programme = first.format("staff_id"), first.format("programme")
    named = {
        "store": NULL_STAFF,
        "person": "f.staff_id, NULL::text AS programme",
        "programme": "NULL::uuid AS staff_id, f.programme",
    }.get(split or "", f"{staff} AS staff_id, {programme} AS programme")
    source = facts if facts.startswith("(") else f"({facts})"
    visit = first.format("visit_id") if split is None else "NULL::uuid"
    return f"""
        SELECT 'customer' AS kind, f.customer_id AS id, '' AS part, {visit} AS visit_id, f.customer_id, {named}, min(f.due_on) AS day,
               coalesce(bool_or(f.reason IS NULL AND {met}), false) AS met,
               coalesce(bool_and({late}) FILTER (WHERE f.reason IS NULL AND {met}), false) AS late,
               CASE WHEN bool_or(f.reason IS NULL) THEN NULL ELSE min(f.reason) END AS reason
        FROM {source} f GROUP BY f.customer_id{_group(split)}
    """


def _phone(scope: Scope, split: Split | None) -> str:
    """A visit that was carried out, by an attempt or a message; met when somebody telephoned."""
    return f"""
        SELECT 'visit' AS kind, v.id, '' AS part, v.id AS visit_id, v.customer_id, coalesce(t.staff_id, v.assignee_id) AS staff_id,
               v.programme, v.due_on AS day, t.first_call_at IS NOT NULL AS met, coalesce(t.first_call_at >= v.window_end, false) AS late,
               coalesce({EXCLUDED}, CASE WHEN t.visit_id IS NULL AND m.visit_id IS NULL THEN 'not_worked' END) AS reason
        FROM visits v LEFT JOIN ({TRIES}) t ON t.visit_id = v.id LEFT JOIN ({SENT}) m ON m.visit_id = v.id {GONE}
        WHERE {PERIOD}{only(scope, "coalesce(t.staff_id, v.assignee_id)")}
    """


DELIVERIES = f"""
    SELECT s.id, s.customer_id, s.vehicle_id, s.delivered_on, s.delivered_on + 7 AS day, s.consultant_id, t.visit_id, t.programme,
           coalesce(t.staff_id, s.consultant_id) AS staff_id, t.at, coalesce(t.day <= s.delivered_on + 7, false) AS met,
           coalesce(t.day > s.delivered_on + 7, false) AS late,
           CASE WHEN c.deceased_at <= :cut THEN 'deceased' WHEN s.excluded OR coalesce(e.excluded, false) THEN 'internal_or_trade'
                WHEN s.delivered_on + 7 >= :today THEN 'not_due_yet' END AS reason
    FROM sales s JOIN customers c ON c.store_id = s.store_id AND c.id = s.customer_id
    LEFT JOIN vehicles e ON e.store_id = s.store_id AND e.id = s.vehicle_id
    LEFT JOIN LATERAL (
        SELECT v.id AS visit_id, v.programme, a.staff_id, a.at, (a.at AT TIME ZONE :zone)::date AS day
        FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
        WHERE v.store_id = s.store_id AND v.customer_id = s.customer_id AND (v.vehicle_id IS NULL OR v.vehicle_id = s.vehicle_id)
            AND {STANDS} AND a.outcome IN ('reached', 'not_owner') AND a.reached_person IN ('owner', 'user')
            AND (a.at AT TIME ZONE :zone)::date >= s.delivered_on
        ORDER BY a.at, a.id LIMIT 1
    ) t ON true
    WHERE s.store_id = :store AND s.delivered_on BETWEEN :first::date - 7 AND :last::date - 7
"""
"""Deliveries by the seventh day after them; reached: the owner or a user of the car was spoken to (S2)."""


def _new_owner(scope: Scope, split: Split | None) -> str:
    """A delivery whose seventh day lies in the period; met when owner or user was reached by then."""
    return f"""
        SELECT 'sale' AS kind, d.id, '' AS part, d.visit_id, d.customer_id, d.staff_id, d.programme, d.day, d.met, d.late, d.reason
        FROM ({DELIVERIES}) d WHERE true{only(scope, "d.staff_id", "d.programme")}
    """


_OF_COMPLAINT = "'complaint' AS kind, p.id, '' AS part, p.visit_id, p.customer_id, p.owner_id AS staff_id, v.programme"
_COMPLAINTS = """
    FROM complaints p JOIN customers c ON c.store_id = p.store_id AND c.id = p.customer_id
    LEFT JOIN visits v ON v.store_id = p.store_id AND v.id = p.visit_id
    WHERE p.store_id = :store AND p.opened_at <= :cut
"""
_LEFT_OUT = """WHEN c.deceased_at <= :cut THEN 'deceased'
                    WHEN p.state = 'rejected' AND coalesce(p.closed_at, p.updated_at) <= :cut THEN 'not_valid'"""


def _resolution(scope: Scope, split: Split | None) -> str:
    """A complaint that was to be handled in the period; met when it is resolved."""
    done = "coalesce(p.resolved_at, CASE WHEN p.state IN ('closed', 'closed_unconfirmed') THEN p.closed_at END)"
    return f"""
        SELECT {_OF_COMPLAINT}, (p.handle_by AT TIME ZONE :zone)::date AS day, coalesce({done} <= :cut, false) AS met,
               coalesce({done} <= :cut AND {done} > p.handle_by, false) AS late,
               CASE {_LEFT_OUT} WHEN p.handle_by > :cut AND NOT coalesce({done} <= :cut, false) THEN 'not_due_yet' END AS reason
        {_COMPLAINTS} AND p.handle_by >= :from_at AND p.handle_by < :to_at{only(scope, "p.owner_id")}
    """


def _complaint_count(scope: Scope, split: Split | None) -> str:
    """A complaint opened in the period."""
    return f"""
        SELECT {_OF_COMPLAINT}, (p.opened_at AT TIME ZONE :zone)::date AS day, true AS met, false AS late,
               CASE WHEN c.deceased_at <= :cut THEN 'deceased' END AS reason
        {_COMPLAINTS} AND p.opened_at >= :from_at AND p.opened_at < :to_at{only(scope, "p.owner_id")}
    """


def _on_time(scope: Scope, split: Split | None) -> str:
    """A clock that ran out in the period: first response, handling, a new owner's seven days."""
    clocks = " UNION ALL ".join(
        f"""
        SELECT 'complaint' AS kind, p.id, {part} AS part, p.visit_id, p.customer_id, p.owner_id AS staff_id, v.programme,
               (p.{by} AT TIME ZONE :zone)::date AS day, coalesce(p.{at} <= least(:cut, p.{by}), false) AS met,
               coalesce(p.{at} > p.{by} AND p.{at} <= :cut, false) AS late,
               CASE {_LEFT_OUT} WHEN p.{by} > :cut THEN 'not_due_yet' END AS reason
        {_COMPLAINTS} AND p.{by} >= :from_at AND p.{by} < :to_at
        """
        for part, by, at in (
            ("'response'", "respond_by", "responded_at"),
            ("CASE WHEN p.kind = 'quality' THEN 'quality' ELSE 'handling' END", "handle_by", "handled_at"),
        )
    )
    return f"""
        SELECT * FROM ({clocks} UNION ALL
            SELECT 'sale' AS kind, d.id, 'new_owner' AS part, d.visit_id, d.customer_id, d.staff_id, d.programme, d.day, d.met, d.late,
                   d.reason FROM ({DELIVERIES}) d
        ) k WHERE true{only(scope, "k.staff_id", "k.programme")}
    """


_ORDERED = """
    SELECT w.customer_id, min(w.closed_at) AS first_at, max(w.closed_at) FILTER (WHERE w.closed_at < {start}) AS before_at,
           max(w.closed_at) AS last_at, count(*) FILTER (WHERE w.closed_at >= {start}) AS recent,
           (array_agg(w.advisor_id ORDER BY w.closed_at DESC, w.id DESC){advisors})[1] AS staff_id
    FROM work_orders w WHERE w.store_id = :store AND w.kind <> 'internal' AND w.closed_at < least(:to_at, :cut) AND w.created_at <= :cut
    GROUP BY w.customer_id
"""
_MONTHS_AGO = "(({0} AT TIME ZONE :zone) - interval '{1} months') AT TIME ZONE :zone"


def _retention(scope: Scope, split: Split | None) -> str:
    """An owner at the start of the period (first order 3 months or more before, an order in the last 6); met when one at its end."""
    orders = _ORDERED.format(start=":from_at", advisors=" FILTER (WHERE w.closed_at < :from_at)")
    end = "least(:to_at, :cut)"
    return f"""
        SELECT 'customer' AS kind, o.customer_id AS id, '' AS part, NULL::uuid AS visit_id, o.customer_id, o.staff_id,
               NULL::text AS programme, (o.before_at AT TIME ZONE :zone)::date AS day,
               o.last_at >= {_MONTHS_AGO.format(end, 6)} AS met, false AS late,
               CASE WHEN c.deceased_at <= :cut THEN 'deceased'
                    WHEN o.first_at > {_MONTHS_AGO.format(":from_at", 3)} THEN 'new_customer'
                    WHEN o.before_at < {_MONTHS_AGO.format(":from_at", 6)} THEN 'gone_before' END AS reason
        FROM ({orders}) o JOIN customers c ON c.store_id = :store AND c.id = o.customer_id
        WHERE o.before_at IS NOT NULL{only(scope, "o.staff_id", "NULL::text")}
    """


def _repurchase(scope: Scope, split: Split | None) -> str:
    """A customer with an order in the twelve months up to the end of the period; met with a second one."""
    end = "least(:to_at, :cut)"
    orders = _ORDERED.format(start=_MONTHS_AGO.format(end, 12), advisors="")
    return f"""
        SELECT 'customer' AS kind, o.customer_id AS id, '' AS part, NULL::uuid AS visit_id, o.customer_id, o.staff_id,
               NULL::text AS programme, (o.last_at AT TIME ZONE :zone)::date AS day, o.recent >= 2 AS met, false AS late,
               CASE WHEN c.deceased_at <= :cut THEN 'deceased' END AS reason
        FROM ({orders}) o JOIN customers c ON c.store_id = :store AND c.id = o.customer_id
        WHERE o.recent >= 1{only(scope, "o.staff_id", "NULL::text")}
    """


_STATEMENTS: Mapping[str, Callable[[Scope, Split | None], str]] = {
    "success_rate": _success,
    "coverage": _coverage,
    "new_owner_7_day": _new_owner,
    "phone_share": _phone,
    "satisfaction": _satisfaction,
    "complaint_resolution": _resolution,
    "complaint_count": _complaint_count,
    "retention": _retention,
    "repurchase": _repurchase,
    "on_time": _on_time,
}
