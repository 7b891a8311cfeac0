"""What must hold at the end, whatever happened: read from the rows, and from what the gateway and the mail server really got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from tests.quarter.house import House

# Each statement gives the rows that break a rule. $1: the store.
BROKEN: Final[Mapping[str, str]] = {
    "an SMS outside 08:30–20:30": """
        SELECT m.id, m.sent_at FROM messages m WHERE m.store_id = $1 AND m.channel = 'sms' AND m.sent_at IS NOT NULL
          AND (m.sent_at AT TIME ZONE 'Asia/Shanghai')::time NOT BETWEEN '08:30' AND '20:29:59'
    """,
    "marketing outside 09:00–20:00": """
        SELECT m.id, m.sent_at FROM messages m WHERE m.store_id = $1 AND m.purpose = 'marketing' AND m.sent_at IS NOT NULL
          AND (m.sent_at AT TIME ZONE 'Asia/Shanghai')::time NOT BETWEEN '09:00' AND '19:59:59'
    """,
    "more than two messages to a number within a day": """
        SELECT a.number_index, a.at FROM number_sends a
        WHERE (SELECT count(*) FROM number_sends b WHERE b.number_index = a.number_index AND b.at <= a.at
               AND b.at > a.at - interval '1 day') > 2
    """,
    "more than one marketing message to a number within seven days": """
        SELECT a.number_index, a.at FROM number_sends a WHERE a.purpose = 'marketing'
          AND (SELECT count(*) FROM number_sends b WHERE b.number_index = a.number_index AND b.purpose = 'marketing' AND b.at <= a.at
               AND b.at > a.at - interval '7 days') > 1
    """,
    "marketing without consent": """
        SELECT m.id FROM messages m WHERE m.store_id = $1 AND m.purpose = 'marketing' AND m.sent_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM consents c WHERE c.store_id = m.store_id AND c.customer_id = m.customer_id AND c.purpose = 'marketing'
              AND (c.withdrawn_at IS NULL OR c.withdrawn_at >= m.sent_at))
    """,
    "a visit planned twice": """
        SELECT programme, step, occurrence, trigger_id FROM visits WHERE store_id = $1
        GROUP BY programme, step, occurrence, trigger_id HAVING count(*) > 1
    """,
    "two visits of one step for one car on one day": """
        SELECT customer_id, vehicle_id, programme, step, due_on FROM visits
        WHERE store_id = $1 AND state NOT IN ('cancelled', 'expired') AND vehicle_id IS NOT NULL
        GROUP BY customer_id, vehicle_id, programme, step, due_on HAVING count(*) > 1
    """,
    "two messages of one channel for one visit": """
        SELECT visit_id, channel FROM messages WHERE store_id = $1 AND visit_id IS NOT NULL AND sent_at IS NOT NULL
        GROUP BY visit_id, channel HAVING count(*) > 1
    """,
    "an open visit of somebody who is not active": """
        SELECT v.id FROM visits v JOIN staff s ON s.store_id = v.store_id AND s.id = v.assignee_id
        WHERE v.store_id = $1 AND v.state IN ('planned', 'due', 'trying') AND NOT s.active
    """,
    "an open call that is nobody's and no role's": """
        SELECT id FROM visits WHERE store_id = $1 AND state IN ('planned', 'due', 'trying') AND assignee_id IS NULL AND role IS NULL
    """,
    "anything sent to the dead": """
        SELECT m.id FROM messages m JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
        WHERE m.store_id = $1 AND c.deceased_at IS NOT NULL AND m.sent_at > c.deceased_at
    """,
    "an open visit of the dead": """
        SELECT v.id FROM visits v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
        WHERE v.store_id = $1 AND c.deceased_at IS NOT NULL AND v.state IN ('planned', 'due', 'trying')
    """,
    "a text to a number that had refused": """
        SELECT m.id FROM messages m JOIN opt_outs o ON o.number_index = m.number_index AND o.channel IN (m.channel, 'all')
          AND o.revoked_at IS NULL
        WHERE m.store_id = $1 AND m.sent_at > o.at AND m.purpose <> 'recall_safety' AND (o.scope <> 'marketing' OR m.purpose = 'marketing')
    """,
    "a text to a number found wrong": """
        SELECT m.id FROM messages m JOIN contact_points p ON p.store_id = m.store_id AND p.id = m.contact_point_id
        WHERE m.store_id = $1 AND p.wrong_at IS NOT NULL AND m.sent_at > p.wrong_at
    """,
    "an open visit whose deadline is a month past": """
        SELECT v.id, v.programme, v.step, v.state, v.window_end FROM visits v, business_clock k
        WHERE v.store_id = $1 AND v.state IN ('planned', 'due', 'trying') AND v.window_end < k.business_at - interval '30 days'
    """,
    "work that waits and that nobody will do": """
        SELECT v.id, v.programme, v.step, v.state FROM visits v
        WHERE v.store_id = $1 AND v.state IN ('planned', 'due', 'trying') AND v.wake_at IS NULL AND v.next_step IS NULL
    """,
}


async def broken(house: House) -> list[str]:
    """A line for each rule that is broken, with how often and the first cases."""
    found = []
    for rule, sql in BROKEN.items():
        values = (UUID(house.store_id),) if "$1" in sql else ()
        rows = await house.system.sql(sql, *values)
        if rows:
            found.append(f"{rule}: {len(rows)}, such as {[tuple(map(str, row.values())) for row in rows[:3]]}")
    return found + await _wires(house)


async def _wires(house: House) -> list[str]:
    """What left the house is what the rows say, once each."""
    found = []
    accepted = Counter(call.id for call in house.system.gateway.accepted)
    if twice := [name for name, count in accepted.items() if count > 1]:
        found.append(f"the gateway took a message twice: {twice[:3]}")
    rows = await house.system.sql(
        "SELECT channel, count(*) FROM messages WHERE store_id = $1 AND sent_at IS NOT NULL GROUP BY 1", UUID(house.store_id)
    )
    sent = {row["channel"]: row["count"] for row in rows}
    if sent.get("sms", 0) != len(accepted):
        found.append(f"{sent.get('sms', 0)} SMS sent by the rows, {len(accepted)} taken by the gateway")
    return found
