"""D table 潜在客户级别月度管控表 (S0): how many prospects of which level each consultant has, and how they moved in the month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.lead import POLICIES, level_of, levels_of
from shared.domain.month import Month
from shared.reports.content import Json, column, columns, content, month_words, note, summed, table
from shared.reports.figures import NOBODY, TREND_MONTHS, whose
from shared.reports.scope import Scope, fetch
from shared.reports.words import word

OPEN, WON, LOST = "open", "won", "lost"
_LEADS = """
    SELECT l.id, l.consultant_id, l.model, l.expected_on, l.level, l.state, l.closed_on, l.created_at
    FROM leads l JOIN customers c ON c.store_id = l.store_id AND c.id = l.customer_id
    WHERE l.store_id = :store AND l.created_at < :to_at AND l.created_at <= :cut AND (c.deceased_at IS NULL OR c.deceased_at > :cut)
    ORDER BY l.id
"""
_MOVEMENTS = """
    SELECT lead_id, consultant_id, at, from_level, to_level, from_state, to_state FROM lead_movements
    WHERE store_id = :store AND at <= :cut ORDER BY at, id
"""


@dataclass(frozen=True)
class Standing:
    """What a lead is at an instant; without a lead, None stands for it."""

    consultant: str
    state: str
    level: str


@dataclass(frozen=True)
class History:
    """A lead and its movements, the oldest first."""

    lead: Mapping[str, Any]
    moves: Sequence[asyncpg.Record]

    def at(self, instant: datetime, day: date, policy: str) -> Standing | None:
        """What it was just before an instant; None before it was entered."""
        if self.lead["created_at"] >= instant:
            return None
        before = [move for move in self.moves if move["at"] < instant]
        after = next((move for move in self.moves if move["at"] >= instant), None)
        last = before[-1] if before else None
        staff = (last["consultant_id"] if last else None) or self.lead["consultant_id"]
        state = last["to_state"] if last else self._state(after, day)
        level = last["to_level"] if last else after["from_level"] if after else None
        if state != OPEN or level is None:
            level = level or self.lead["level"]
        return Standing(str(staff or NOBODY), state, level or level_of(self.lead["expected_on"], day, policy).key)

    def _state(self, after: asyncpg.Record | None, day: date) -> str:
        """Without a movement before: what the next one came from, else what the file says ended on or after the day."""
        if after is not None:
            return str(after["from_state"] or OPEN)
        ended = self.lead["closed_on"]
        return OPEN if ended is not None and ended >= day else str(self.lead["state"])


async def d_table(conn: Connection, scope: Scope) -> Json:
    """Each consultant's prospects by level at the start and end of the month, between them new, moved, won and lost; and month by month."""
    histories = await _histories(conn, scope)
    policy = scope.store.lead_policy
    rows, total = _levels_of_all(scope, histories, policy)
    month_zh, month_en = month_words(scope)
    return content(
        scope,
        "d-table",
        f"{month_zh}车型潜在客户级别月度管控表（D表）",
        f"Prospects by level, {month_en}",
        tables=[
            table("levels", "按顾问和级别", "By consultant and level", _LEVELS, rows, total),
            _movements(scope, histories, policy),
            _months(scope, histories, policy),
        ],
        notes=[note("期末＝期初＋新增＋转入－转出－成交－战败。", "End = start + new + moved in - moved out - won - lost.")],
    )


_LEVELS = columns(
    ("person", "销售顾问", "Consultant", "text"),
    ("level", "级别", "Level", "word"),
    ("start", "期初", "Start"),
    ("new", "新增", "New"),
    ("moved_in", "转入", "Moved in"),
    ("moved_out", "转出", "Moved out"),
    ("won", "成交", "Won"),
    ("lost", "战败", "Lost"),
    ("end", "期末", "End"),
)
_KEYS = ("start", "new", "moved_in", "moved_out", "won", "lost", "end")


async def _histories(conn: Connection, scope: Scope) -> list[History]:
    moves: dict[UUID, list[asyncpg.Record]] = {}
    for move in await fetch(conn, scope, _MOVEMENTS):
        moves.setdefault(move["lead_id"], []).append(move)
    found = [History(dict(row), moves.get(row["id"], [])) for row in await fetch(conn, scope, _LEADS)]
    if scope.staff_id is None:
        return found
    return [history for history in found if history.lead["consultant_id"] == scope.staff_id]


_TICK = timedelta(microseconds=1)


def _ends(scope: Scope) -> tuple[datetime, datetime]:
    """From when on, and up to when (exclusive): what happens at the very instant of the report still counts."""
    values = scope.values()
    return values["from_at"], min(values["to_at"], scope.cut + _TICK)


def _levels_of_all(scope: Scope, histories: Iterable[History], policy: str) -> tuple[list[Json], dict[str, int]]:
    start, end = _ends(scope)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for history in histories:
        was, now = history.at(start, scope.first, policy), history.at(end, scope.last, policy)
        for who, level, what in _counted(was, now):
            counts.setdefault((who, level), Counter())[what] += 1
    order = [level.key for level in levels_of(policy)]
    keys = sorted(counts, key=lambda key: (whose(scope, key[0]), order.index(key[1]) if key[1] in order else len(order)))
    rows = [
        {
            "person": whose(scope, who),
            "staff_id": who if who != NOBODY else None,
            "level": level_word(level, policy),
            **{key: counts[who, level][key] for key in _KEYS},
        }
        for who, level in keys
    ]
    return rows, summed(rows, _KEYS)


def _counted(was: Standing | None, now: Standing | None) -> list[tuple[str, str, str]]:
    """Whose, of which level, counted as what: a lead's place at the start, at the end, and how it came from one to the other."""
    if now is None:
        return []
    before = was if was is not None and was.state == OPEN else None
    found = [(before.consultant, before.level, "start")] if before else []
    if now.state == OPEN:
        found.append((now.consultant, now.level, "end"))
    came = before or now
    if before is None:
        if was is not None and was.state == now.state:
            return found  # ended before, and so it stayed
        found.append((now.consultant, now.level, "new"))
    if now.state in (WON, LOST):
        found.append((came.consultant, came.level, now.state))
    elif (came.consultant, came.level) != (now.consultant, now.level):
        found += [(came.consultant, came.level, "moved_out"), (now.consultant, now.level, "moved_in")]
    return found


def level_word(key: str, policy: str) -> Json:
    """A level by name; a movement may still speak of a level of another policy."""
    known = {level.key: level for levels in POLICIES.values() for level in levels}
    level = known.get(key)
    return word(key, level.zh, level.en) if level else word(key, key, key)


_STATES = {OPEN: ("跟进中", "Open"), WON: ("成交", "Won"), LOST: ("战败", "Lost")}


def _movements(scope: Scope, histories: Iterable[History], policy: str) -> Json:
    """Every movement of the month counted by where from and where to."""
    start, end = _ends(scope)
    counts: Counter[tuple[str, str, str]] = Counter()
    for history in histories:
        for move in history.moves:
            if start <= move["at"] < end:
                consultant = str(move["consultant_id"] or history.lead["consultant_id"] or NOBODY)
                counts[
                    consultant, _place(move["from_state"], move["from_level"]), _place(move["to_state"], move["to_level"])
                ] += 1
    heads = [
        column("person", "销售顾问", "Consultant", "text"),
        column("from", "原级别", "From", "word"),
        column("to", "新级别", "To", "word"),
        column("count", "次数", "Times"),
    ]
    rows = [
        {
            "person": whose(scope, who),
            "staff_id": who if who != NOBODY else None,
            "from": _place_word(origin, policy),
            "to": _place_word(to, policy),
            "count": count,
        }
        for (who, origin, to), count in sorted(counts.items(), key=lambda item: (whose(scope, item[0][0]), item[0]))
    ]
    return table("movements", "级别变动", "Movements", heads, rows, {"count": sum(counts.values())})


def _place(state: str | None, level: str | None) -> str:
    return state if state in (WON, LOST) else level or "new"


def _place_word(place: str, policy: str) -> Json:
    if place == "new":
        return word("new", "新增", "New")
    return word(place, *_STATES[place]) if place in _STATES else level_word(place, policy)


def _months(scope: Scope, histories: Sequence[History], policy: str) -> Json:
    """The store's prospects by level at the end of each of the twelve months."""
    calendar, month = scope.store.calendar, scope.month or Month.of(scope.first)
    keys = [level.key for level in levels_of(policy)]
    rows = []
    for back in range(TREND_MONTHS - 1, -1, -1):
        each = month.plus(-back)
        at = min(calendar.end_of_day(each.last), scope.cut + _TICK)
        found = [history.at(at, min(each.last, scope.today), policy) for history in histories]
        counts = Counter(one.level for one in found if one is not None and one.state == OPEN)
        rows.append({"month": str(each), **{key: counts[key] for key in keys}, "all": sum(counts.values())})
    heads = [column("month", "月份", "Month", "text")]
    heads += columns(*((level.key, level.zh, level.en) for level in levels_of(policy)), ("all", "合计", "All"))
    return table("months", "各月末级别", "At the end of each month", heads, rows)
