"""The figures that come from visits, all in one reading of the month: what the board shows is asked too often to read it four times.

The definitions are those of `rows`, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.db import Connection
from shared.domain.kpi import Figure, Split
from shared.reports.facts import COUNTS, GONE, PERIOD, REACHED, only
from shared.reports.scope import Scope, fetch

FROM_VISITS = ("success_rate", "coverage", "phone_share", "satisfaction")

_KEYS: Mapping[Split, str] = {
    "store": "'store'",
    "person": "coalesce(f.staff_id::text, 'none')",
    "programme": "coalesce(f.programme, 'none')",
}
_WHOSE = "coalesce(t.staff_id, v.assignee_id)"


def _statement(scope: Scope, split: Split) -> str:
    named = split == "person" or scope.staff_id is not None
    staff = "(array_agg(a.staff_id ORDER BY a.at DESC, a.seq DESC))[1]" if named else "NULL::uuid"
    last = "(array_agg(d.staff_id ORDER BY d.day DESC))[1]" if named else "NULL::uuid"
    # A customer's last score: the latest instant in front, the score and whether it was late behind, so that the largest ends in them.
    score = "((extract(epoch FROM f.scored_at) * 1000000)::bigint * 10 + f.score) * 2 + (f.scored_at >= f.window_end)::int"
    return f"""
        WITH v AS MATERIALIZED (
            SELECT v.id, v.customer_id, v.programme, v.assignee_id, v.window_end,
                   CASE WHEN coalesce(v.closed_at, v.updated_at) <= :cut THEN v.satisfaction END AS score,
                   coalesce(v.closed_at, v.updated_at) AS scored_at
            FROM visits v {GONE} WHERE {PERIOD} AND {COUNTS}
        ), d AS (
            SELECT a.visit_id, (a.at AT TIME ZONE :zone)::date AS day, bool_or({REACHED}) AS reached, min(a.at) AS first_at,
                   bool_or({REACHED} AND a.at >= v.window_end) AS late,
                   min(CASE WHEN a.channel = 'phone' THEN a.at END) AS called_at, {staff} AS staff_id
            FROM v JOIN attempts a ON a.store_id = :store AND a.visit_id = v.id AND a.withdrawn_at IS NULL AND a.created_at <= :cut
            GROUP BY 1, 2
        ), t AS (
            SELECT d.visit_id, count(*) AS days, count(*) FILTER (WHERE d.reached) AS reached, count(*) FILTER (WHERE d.late) AS late,
                   min(d.first_at) AS first_at, min(d.called_at) AS called_at, {last} AS staff_id
            FROM d GROUP BY d.visit_id
        ), m AS (
            SELECT m.visit_id, min(m.delivered_at) FILTER (WHERE m.state = 'delivered' AND m.delivered_at <= :cut) AS delivered_at
            FROM v JOIN messages m ON m.store_id = :store AND m.visit_id = v.id
            WHERE (m.sent_at <= :cut OR m.delivered_at <= :cut) GROUP BY m.visit_id
        ), f AS (
            SELECT v.customer_id, v.programme, {_WHOSE} AS staff_id, v.window_end, v.score, v.scored_at, t.days, t.reached, t.late,
                   t.called_at, least(t.first_at, m.delivered_at) AS at, t.visit_id IS NOT NULL OR m.visit_id IS NOT NULL AS worked
            FROM v LEFT JOIN t ON t.visit_id = v.id LEFT JOIN m ON m.visit_id = v.id
            WHERE true{only(scope, _WHOSE)}
        ), c AS (
            SELECT {_KEYS[split]} AS key, sum(f.days) AS days, sum(f.reached) AS reached, sum(f.late) AS late,
                   count(*) FILTER (WHERE f.worked) AS worked, count(f.called_at) AS called,
                   count(*) FILTER (WHERE f.called_at >= f.window_end) AS called_late, count(f.at) > 0 AS met,
                   count(f.at) > 0 AND bool_and(f.at >= f.window_end) FILTER (WHERE f.at IS NOT NULL) AS met_late,
                   max({score}) AS score
            FROM f GROUP BY 1, f.customer_id
        )
        SELECT key, sum(reached)::int AS success_rate, sum(days)::int AS success_rate_of, sum(late)::int AS success_rate_late,
               count(*) FILTER (WHERE met) AS coverage, count(*) AS coverage_of, count(*) FILTER (WHERE met_late) AS coverage_late,
               sum(called)::int AS phone_share, sum(worked)::int AS phone_share_of, sum(called_late)::int AS phone_share_late,
               count(*) FILTER (WHERE score / 2 % 10 >= 4) AS satisfaction, count(score) AS satisfaction_of,
               count(*) FILTER (WHERE score / 2 % 10 >= 4 AND score % 2 = 1) AS satisfaction_late
        FROM c GROUP BY key
    """


async def visit_figures(conn: Connection, scope: Scope, split: Split) -> dict[str, dict[str, Figure]]:
    """The figures of FROM_VISITS: of the whole (key `store`), or of each person or programme by id."""
    rows = await fetch(conn, scope, _statement(scope, split))
    return {
        row["key"]: {name: Figure(row[name] or 0, row[f"{name}_of"] or 0, row[f"{name}_late"] or 0) for name in FROM_VISITS}
        for row in rows
    }
