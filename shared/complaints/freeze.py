"""An open complaint freezes marketing, birthday and survey contact with its customer; a gap follows (domain.md §10.12)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.db import Connection
from shared.domain.consent import FROZEN_BY_COMPLAINT, purpose_of
from shared.stores import StoreContext

GAP = timedelta(days=7)
_FREEZES = """
    SELECT customer_id, bool_or(closed_at IS NULL) AS open, max(closed_at) AS closed_at,
           min(opened_at) FILTER (WHERE closed_at IS NULL) AS opened_at, bool_or(crisis AND closed_at IS NULL) AS crisis
    FROM complaints WHERE store_id = $1 AND customer_id = ANY($2::uuid[]) GROUP BY customer_id
"""


@dataclass(frozen=True)
class Freeze:
    """What the complaints of a customer mean for other contact: one is open (since when), or the newest closed then."""

    open: bool
    closed_at: datetime | None
    opened_at: datetime | None = None
    crisis: bool = False

    def reason(self, now: datetime, gap: timedelta = GAP) -> str | None:
        """`complaint_open`, `complaint_gap`, or None when nothing is frozen any more."""
        if self.open:
            return "complaint_open"
        return "complaint_gap" if self.holds(now, gap) else None

    def until(self, now: datetime, gap: timedelta = GAP) -> datetime | None:
        """When contact may resume; None while the complaint is open, or nothing stands in its way any more."""
        if not self.holds(now, gap):
            return None
        return None if self.open or self.closed_at is None else self.closed_at + gap

    def holds(self, now: datetime, gap: timedelta = GAP) -> bool:
        """True while contact is frozen."""
        return self.open or (self.closed_at is not None and now < self.closed_at + gap)


async def open_or_recent(conn: Connection, store_id: UUID, customer_ids: Collection[UUID]) -> Mapping[UUID, Freeze]:
    """The freezes of those of the customers who ever complained."""
    if not customer_ids:
        return {}
    rows = await conn.fetch(_FREEZES, store_id, list(customer_ids))
    return {row["customer_id"]: Freeze(row["open"], row["closed_at"], row["opened_at"], row["crisis"]) for row in rows}


def is_frozen_kind(store: StoreContext, programme: str, step: str, purposes: Collection[str]) -> bool:
    """True for what an open complaint freezes: marketing (birthdays with it) and surveys; not renewal, never recalls."""
    known = store.programmes.get(programme)
    marketing = known is not None and any(each.key == step and each.marketing for each in known.steps)
    return purpose_of(purposes, marketing=marketing) in FROZEN_BY_COMPLAINT


def freeze_gap(policies: Mapping[str, Any]) -> timedelta:
    """The store's gap after a complaint: its setting `contact.gap_after_complaint_days`, 7 days unless set."""
    contact = policies.get("contact")
    days = contact.get("gap_after_complaint_days") if isinstance(contact, Mapping) else None
    return timedelta(days=days) if isinstance(days, int) else GAP
