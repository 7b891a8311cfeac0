"""A month written down: form 6 on its last day, everything else when it is closed on the 5th; each once, whatever restarts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson

from shared.db import Connection
from shared.domain.kpi import KPIS
from shared.domain.month import Month, last_closed
from shared.ids import new_id
from shared.notices import notify
from shared.reports.board import kept_board, since
from shared.reports.catalogue import REPORTS
from shared.reports.content import plain
from shared.reports.figures import BOARD, FROZEN_ROWS, TREND_MONTHS
from shared.reports.rows import rows_sql
from shared.reports.scope import Scope, bind, fetch, of_month
from shared.stores import StoreContext

FORM_6, RETENTION = "form-6", "retention-monthly"
NOTICE = "monthly_report"
READERS = ("general_manager", "customer_manager", "service_manager")
"""主管领导和总经理 (S0), those who lead the callers and the workshop."""

_KEEP = """
    INSERT INTO frozen_reports (store_id, id, name, month, frozen_at, content) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (store_id, name, month) DO NOTHING RETURNING true
"""
_KEEP_ROWS = """
    INSERT INTO frozen_reports (store_id, id, name, month, frozen_at, content)
    SELECT :store, :row_id::uuid, :name::text, :month::text, :cut, jsonb_build_object('rows', coalesce(jsonb_agg(to_jsonb(r)), '[]'))
    FROM ({rows}) r ON CONFLICT (store_id, name, month) DO NOTHING
"""
_WRITTEN = "SELECT month FROM frozen_reports WHERE store_id = :store AND name = :name"


async def close_months(conn: Connection, store: StoreContext, *, now: datetime) -> list[Month]:
    """Freeze every month that is over and not frozen yet, and send the latest to those who lead. Out: the months frozen now.

    What counts is what was recorded when the month closed, also when nobody ran then.
    """
    closed = last_closed(store.calendar, now)
    frozen = [month for month in await _unwritten(conn, store, closed, BOARD, now) if await _close(conn, store, month, now)]
    if closed in frozen:
        await _tell(conn, store, RETENTION, closed, now)
    return frozen


async def write_form_6(conn: Connection, store: StoreContext, *, now: datetime) -> list[Month]:
    """Write form 6 of the month that ends (and of one that was not written when it ended), and send it. Out: the months written now."""
    month = Month.of(store.calendar.day_of(now))
    latest = month if month.form_6_at(store.calendar) <= now else month.plus(-1)
    written = []
    for each in await _unwritten(conn, store, latest, FORM_6, now):
        scope = _scope(store, each, now)
        if await _keep(conn, scope, FORM_6, await REPORTS[FORM_6].make(conn, scope), at=min(now, each.closes_at(store.calendar))):
            written.append(each)
    if latest in written:
        await _tell(conn, store, FORM_6, latest, now)
    return written


def next_closing(store: StoreContext, now: datetime) -> datetime:
    """When the next month closes."""
    return last_closed(store.calendar, now).plus(1).closes_at(store.calendar)


def next_form_6(store: StoreContext, now: datetime) -> datetime:
    """When form 6 is written next."""
    month = Month.of(store.calendar.day_of(now))
    at = month.form_6_at(store.calendar)
    return at if at > now else month.plus(1).form_6_at(store.calendar)


def _scope(store: StoreContext, month: Month, now: datetime) -> Scope:
    return of_month(store, month, now=now, prepared_by="系统", words=False)


async def _unwritten(conn: Connection, store: StoreContext, latest: Month, name: str, now: datetime) -> Sequence[Month]:
    """The months up to `latest` that are not written, the oldest first: from the store's first month, a year at most."""
    scope = _scope(store, latest, now)
    written = {row["month"] for row in await fetch(conn, scope, _WRITTEN, name=name)}
    first = max(await since(conn, scope), latest.plus(1 - TREND_MONTHS))
    months = [latest.plus(-back) for back in range(TREND_MONTHS - 1, -1, -1)]
    return [month for month in months if month >= first and str(month) not in written]


async def _close(conn: Connection, store: StoreContext, month: Month, now: datetime) -> bool:
    scope = _scope(store, month, now)
    for kpi in KPIS:
        sql = _KEEP_ROWS.format(rows=rows_sql(kpi, scope, None))
        more = {"row_id": new_id(), "name": f"{FROZEN_ROWS}.{kpi}", "month": str(month)}
        text, values = bind(sql, scope.values() | more)
        await conn.execute(text, *values)
    await _keep(conn, scope, BOARD, await kept_board(conn, scope), at=scope.cut)
    for name, report in REPORTS.items():
        if report.frozen and name != FORM_6:
            await _keep(conn, scope, name, await report.make(conn, scope), at=scope.cut)
    return True


async def _keep(conn: Connection, scope: Scope, name: str, content: object, *, at: datetime) -> bool:
    text = orjson.dumps(plain(content, ZoneInfo(scope.store.timezone))).decode()
    return bool(await conn.fetchval(_KEEP, scope.store.id, new_id(), name, str(scope.month), at, text))


async def _tell(conn: Connection, store: StoreContext, name: str, month: Month, now: datetime) -> None:
    title = f"{month.first.year}年{month.first.month}月{REPORTS[name].zh}"
    body = f"{store.name}\n{title}已生成，见附件；系统内可打开每个数字背后的回访。"
    await notify(
        conn, store, roles=READERS, kind=NOTICE, ref=f"{name}:{month}", subject=f"{store.name} {title}", body=body, now=now,
        report=(name, str(month)),
    )  # fmt: skip
