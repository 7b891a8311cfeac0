"""What a caller may ask of reports: which days, whose rows, with which numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api.complaints.queries import ComplaintNotFound
from services.api.customers import door as customers
from services.api.customers.queries import CustomerNotFound
from services.api.identities import Me
from services.api.paging import Paging
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.kpi import KPIS, Kpi
from shared.domain.month import Month, NoMonth
from shared.errors import Forbidden, Invalid, NotFound
from shared.reports import board
from shared.reports.catalogue import REPORTS, Report, ReportNotFound
from shared.reports.scope import Phones, Scope, of_days, of_month
from shared.reports.words import REASONS
from shared.stores import StoreContext

LONGEST_DAYS = 366


class KpiNotFound(NotFound):
    """There is no figure of that name."""

    code = "kpi_not_found"
    zh = "没有这个指标。"


@dataclass(frozen=True)
class Asked:
    """What the query says, as it came."""

    month: str | None = None
    first: date | None = None
    last: date | None = None
    by: str | None = None
    staff_id: UUID | None = None
    programme: str | None = None
    customer_id: UUID | None = None
    complaint_id: UUID | None = None


def scope_of(store: StoreContext, me: Me, asked: Asked, *, now: datetime, vault: Vault | None = None) -> Scope:
    """The scope of a request; who is no manager sees his own. Raises Invalid at a parameter, Forbidden for another's figures."""
    own = None if me.reads_all else me.staff_id
    if own is not None and asked.staff_id not in (None, own):
        raise Forbidden
    given: dict[str, Any] = {
        "by": asked.by,
        "staff_id": own or asked.staff_id,
        "programme": asked.programme,
        "customer_id": asked.customer_id,
        "complaint_id": asked.complaint_id,
        "prepared_by": me.name,
        "closed_tiers": tuple(me.closed_tiers),
        "phones": _phones(vault) if vault is not None else None,
    }
    if asked.first is None and asked.last is None:
        return of_month(store, _month(store, asked.month, now), now=now, **given)
    return of_days(store, *_days(asked), now=now, **given)


_ABOUT = (("customers", "customer_id", CustomerNotFound), ("complaints", "complaint_id", ComplaintNotFound))


async def check_about(conn: Connection, store_id: UUID, asked: Asked) -> None:
    """Whom and what a report is about must be of the store. Raises NotFound."""
    for table, name, fault in _ABOUT:
        wanted = getattr(asked, name)
        if wanted and not await conn.fetchval(f"SELECT true FROM {table} WHERE store_id = $1 AND id = $2", store_id, wanted):
            raise fault


def _month(store: StoreContext, text: str | None, now: datetime) -> Month:
    if text is None:
        return Month.of(store.calendar.day_of(now))
    try:
        return Month.read(text)
    except NoMonth:
        raise Invalid("月份如 2026-11 / a month such as 2026-11", "query/month") from None


def _days(asked: Asked) -> tuple[date, date]:
    if asked.month is not None:
        raise Invalid("月份与日期二选一 / a month or days, not both", "query/month")
    if asked.first is None or asked.last is None:
        missing = "from" if asked.first is None else "to"
        raise Invalid("须同时给出 from 和 to / from and to go together", f"query/{missing}")
    if asked.last < asked.first:
        raise Invalid("早于 from / lies before from", "query/to")
    if (asked.last - asked.first).days >= LONGEST_DAYS:
        raise Invalid("最多一年 / a year at most", "query/to")
    return asked.first, asked.last


def _phones(vault: Vault) -> Phones:
    async def first_numbers(conn: Connection, store_id: UUID, customer_ids: Collection[UUID]) -> Mapping[UUID, str]:
        found = await customers.of_customers(conn, vault, store_id, customer_ids, whole=False)
        return {key: next((p["value"] for p in own if p["kind"] == "phone"), "") for key, own in found.items()}

    return first_numbers


def report_of(name: str, me: Me) -> Report:
    """The report, if the caller may ask for it. Raises ReportNotFound, Forbidden."""
    report = REPORTS.get(name)
    if report is None:
        raise ReportNotFound
    if not report.own and not me.reads_all:
        raise Forbidden
    return report


def reports_for(me: Me) -> list[Report]:
    """The reports the caller may ask for."""
    return [report for report in REPORTS.values() if report.own or me.reads_all]


def kpi_of(key: str) -> Kpi:
    """The figure of that name. Raises KpiNotFound."""
    kpi = KPIS.get(key)
    if kpi is None:
        raise KpiNotFound
    return kpi


async def rows_behind(conn: Connection, scope: Scope, kpi: Kpi, chosen: str | None, paging: Paging) -> dict[str, Any]:
    """A page of the rows behind a figure, with the counts of all."""
    day, row_id = paging.after_day(), paging.after_uuid(1)
    after = (day, row_id, str(paging.after[2])) if paging.after and day and row_id else None
    rows = await board.listed(conn, scope, kpi, chosen, after, paging.limit + 1)
    items, cursor = paging.cut(rows, lambda row: (row["day"], row["id"], row["part"]))
    counts = await board.totals(conn, scope, kpi)
    return {"kpi": kpi.key, "month": str(scope.month), **counts, "items": [_row(row) for row in items], "next_cursor": cursor}


def _row(row: asyncpg.Record) -> dict[str, Any]:
    plain = ("kind", "id", "part", "day", "met", "late", "reason", "visit_id", "customer_id", "customer_name", "plate", "staff_id",
             "step", "state", "complaint_number")  # fmt: skip
    return {name: row[name] for name in plain} | {
        "counted": row["reason"] is None,
        "reason_label": REASONS.get(row["reason"]) if row["reason"] else None,
        "programme": row["programme"] or row["visit_programme"],
    }
