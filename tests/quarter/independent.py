"""The KPIs reckoned a second time by plain SQL (independent.sql), beside what the API says."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from shared.db import asyncpg_url
from tests.quarter.house import House

ZONE = "Asia/Shanghai"
CLOSES_ON, CLOSES_AT = 5, time(6)
SQL = Path(__file__).with_name("independent.sql").read_text(encoding="utf-8")
_STATEMENT = re.compile(r"^-- (\w+): .*\n((?:(?!^-- ).*\n?)*)", re.MULTILINE)

# A visit belongs to the month of its due date. In no figure: the dead, what was cancelled, what came too late, what is not due yet, what
# was planned only after the month had been closed.
_DUE = """
    CREATE TEMP TABLE due AS
    SELECT v.id, v.customer_id, v.satisfaction, v.closed_at, v.updated_at, v.programme, v.assignee_id FROM visits v
    WHERE v.store_id = $1 AND v.due_on BETWEEN $2 AND $3 AND v.created_at <= $4
      AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.store_id = v.store_id AND c.id = v.customer_id AND c.deceased_at <= $4)
      AND NOT (v.state IN ('cancelled', 'expired') AND coalesce(v.closed_at, v.created_at) <= $4)
      AND (v.due_on <= date($4 AT TIME ZONE $5) OR v.closed_at <= $4)
"""


@dataclass(frozen=True)
class Compared:
    """One figure of one month: what the API says, what we find."""

    month: str
    kpi: str
    told: tuple[int, int]
    found: tuple[int, int]

    @property
    def agrees(self) -> bool:
        return self.told == self.found

    def line(self) -> str:
        mark = "  " if self.agrees else "≠ "
        return f"{mark}{self.month}  {self.kpi:22s} {_text(self.told):>26s} {_text(self.found):>26s}"


def _text(figure: tuple[int, int]) -> str:
    met, counted = figure
    return f"{met}/{counted} = {met / counted:.2%}" if counted else "n/a"


async def compare(house: House, months: list[str]) -> list[Compared]:
    """Every figure of the months, told and found."""
    now = await house.system.now()
    connection = await asyncpg.connect(asyncpg_url(house.system.owner_url))
    try:
        return [each for month in months for each in await _month(connection, house, month, min(now, _closes(month)))]
    finally:
        await connection.close()


async def _month(connection: asyncpg.Connection[asyncpg.Record], house: House, month: str, cut: datetime) -> list[Compared]:
    board = await house.operator.get(f"{house.base}/kpis", month=month)
    told = {figure["kpi"]: (figure["numerator"], figure["denominator"]) for figure in board["figures"]}
    first, last = days_of(month)
    values = (UUID(house.store_id), first, last, cut, ZONE)
    await connection.execute("DROP TABLE IF EXISTS pg_temp.due")
    await connection.execute(_literal(_DUE, values))
    found: list[Compared] = []
    for kpi, sql in statements():
        row = await connection.fetchrow(_literal(sql, values))
        assert row is not None
        found.append(Compared(month, kpi, told.get(kpi, (-1, -1)), (row["met"], row["counted"])))
    return found


def statements() -> Iterator[tuple[str, str]]:
    """Name and text of each statement."""
    for match in _STATEMENT.finditer(SQL):
        yield match[1], match[2]


def _literal(sql: str, values: tuple[object, ...]) -> str:
    """The values written in, for a statement need not name all of them."""
    for place, (value, kind) in enumerate(zip(values, ("uuid", "date", "date", "timestamptz", "text"), strict=True), start=1):
        sql = sql.replace(f"${place}", f"'{value}'::{kind}")
    return sql


def days_of(month: str) -> tuple[date, date]:
    """First and last day of `2026-07`."""
    year, number = (int(part) for part in month.split("-"))
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def _closes(month: str) -> datetime:
    """The 5th of the next month at six."""
    _, last = days_of(month)
    year, number = (last.year + 1, 1) if last.month == 12 else (last.year, last.month + 1)
    return datetime.combine(date(year, number, CLOSES_ON), CLOSES_AT, ZoneInfo(ZONE))
