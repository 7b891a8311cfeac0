"""Deliveries that win leads: of the customer's open ones, that for the car which was bought has the delivery and its price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.db import Connection
from shared.events import Actor
from shared.planning import settle_leads
from shared.stores import StoreContext

# Whoever comes again after a delivery wants another car: such a lead is not won by it.
_WIN = """
    UPDATE leads l SET state = 'won', closed_on = b.delivered_on, reactivate_on = NULL, updated_at = $3, version = l.version + 1,
           sale_id = CASE WHEN l.id = b.lead_id THEN b.sale_id END, deal_fen = CASE WHEN l.id = b.lead_id THEN b.price_fen END
    FROM (
        SELECT DISTINCT ON (s.customer_id) s.customer_id, s.id AS sale_id, s.delivered_on, s.price_fen, o.id AS lead_id
        FROM sales s
        JOIN vehicles v ON v.store_id = s.store_id AND v.id = s.vehicle_id
        JOIN leads o ON o.store_id = s.store_id AND o.customer_id = s.customer_id AND o.state = 'open'
            AND coalesce(o.first_visit_on, (o.created_at AT TIME ZONE $4)::date) <= s.delivered_on
        WHERE s.store_id = $1 AND s.id = ANY($2) AND NOT s.excluded
        ORDER BY s.customer_id, (o.model IS NOT DISTINCT FROM v.model) DESC, o.created_at DESC, s.delivered_on DESC, o.id
    ) b
    WHERE l.store_id = $1 AND l.customer_id = b.customer_id AND l.state = 'open'
      AND coalesce(l.first_visit_on, (l.created_at AT TIME ZONE $4)::date) <= b.delivered_on
    RETURNING l.id
"""


async def win_by_sales(conn: Connection, store: StoreContext, sale_ids: Sequence[UUID], *, now: datetime, actor: Actor) -> int:
    """Win the open leads of whoever bought; how many."""
    rows = await conn.fetch(_WIN, store.id, list(sale_ids), now, store.timezone)
    if rows:
        await settle_leads(conn, store, [row["id"] for row in rows], now=now, actor=actor)
    return len(rows)
