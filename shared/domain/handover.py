"""Who gets what when somebody's open work is given to others (domain.md §10.10). Pure.

Work comes in items of one customer and one role; what a customer has in one role goes to one person, so that nobody is called by two
people for the same matter. The split is even by what everybody has to do, measured against what he can do in a day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.domain.assignment import ROLE_CHAIN


@dataclass(frozen=True)
class Item:
    """One thing that somebody holds: its kind and id, whose customer, in which role it is done (None: in any)."""

    kind: str
    id: UUID
    customer_id: UUID | None
    role: str | None


@dataclass(frozen=True)
class Taker:
    """Somebody who can take work: roles, calls a day, open visits now."""

    id: UUID
    roles: frozenset[str]
    capacity: int
    open_visits: int = 0


Given = dict[tuple[str, UUID], UUID | None]
"""Whose each item becomes, by (kind, id); None: the pool of its role."""


def split(items: Iterable[Item], takers: Sequence[Taker], chain: Mapping[str, str] = ROLE_CHAIN) -> Given:
    """Split items evenly among those in the role; where nobody is, in the role that stands in; else the pool.

    `takers` are the people who are there and stay. Large groups first, ties to the smaller id: the same facts give the same answer,
    so that what a preview showed is what is done.
    """
    groups: dict[tuple[UUID | None, str | None], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.customer_id, item.role].append(item)
    load = Counter({taker.id: taker.open_visits for taker in takers})
    given: Given = {}
    kept: dict[UUID | None, set[UUID]] = defaultdict(set)
    for (customer_id, role), group in sorted(groups.items(), key=_order):
        able = able_in(role, takers, chain)
        known = [taker for taker in able if customer_id is not None and taker.id in kept[customer_id]]
        chosen = min(known or able, key=lambda taker: _weight(taker, load), default=None)
        for item in group:
            given[item.kind, item.id] = chosen.id if chosen else None
        if chosen is not None:
            load[chosen.id] += len(group)
            kept[customer_id].add(chosen.id)
    return given


def able_in(role: str | None, takers: Sequence[Taker], chain: Mapping[str, str] = ROLE_CHAIN) -> list[Taker]:
    """Who can take work of a role: those in it, else those in the role that stands in, and so on; no role: everybody."""
    if role is None:
        return list(takers)
    seen: set[str] = set()
    current: str | None = role
    while current is not None and current not in seen:
        seen.add(current)
        if found := [taker for taker in takers if current in taker.roles]:
            return found
        current = chain.get(current)
    return []


def _order(group: tuple[tuple[UUID | None, str | None], list[Item]]) -> tuple[int, str, str]:
    (customer_id, role), items = group
    return -len(items), str(customer_id), role or ""


def _weight(taker: Taker, load: Counter[UUID]) -> tuple[float, UUID]:
    """Days of work that wait for a person; whoever can call nobody comes last."""
    return (load[taker.id] / taker.capacity if taker.capacity else float("inf"), taker.id)
