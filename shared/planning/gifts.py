"""Vouchers that come with visits: issued in the transaction that plans the visit, once, whatever is planned again.

A voucher is the customer's whether or not a message may tell of it: without consent the desk still sees it in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.db import Connection
from shared.domain.programme import PlannedVisit, Programme
from shared.domain.voucher import KINDS
from shared.vouchers import Gift, issue_all

_ZONE = "SELECT timezone FROM stores WHERE id = $1"


async def issue_with(
    conn: Connection, store_id: UUID, planned: Mapping[UUID, tuple[PlannedVisit, Programme]], *, now: datetime
) -> None:
    """Issue the vouchers of the visits just planned, by the ids they have."""
    bearing = [(id_, visit, kinds) for id_, (visit, programme) in planned.items() if (kinds := _kinds(visit, programme))]
    if not bearing:
        return
    zone = ZoneInfo(await conn.fetchval(_ZONE, store_id))
    gifts = [gift for id_, visit, kinds in bearing for gift in _gifts(id_, visit, kinds, zone)]
    await issue_all(conn, store_id, gifts, now=now)


def _kinds(visit: PlannedVisit, programme: Programme) -> Sequence[str]:
    return programme.step(visit.step).vouchers if visit.state == "planned" else ()


def _gifts(visit_id: UUID, visit: PlannedVisit, kinds: Sequence[str], zone: ZoneInfo) -> Iterator[Gift]:
    occasion = f"{visit.trigger_type}:{visit.trigger_id}:{visit.occurrence}"
    for kind in kinds:
        start = visit.trigger_at.astimezone(zone).date() if KINDS[kind].from_trigger else visit.due_on
        yield Gift(kind, visit.customer_id, occasion, start, visit.vehicle_id, visit_id)
