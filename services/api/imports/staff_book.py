"""Staff named in a file: known ones by name, new ones made without a sign-in, with the role of the column they stand under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.api.imports.values import OptOutRow, Row, StaffRow
from shared.db import Connection
from shared.ids import new_id

_KNOWN = "SELECT id, name, roles FROM staff WHERE store_id = $1 ORDER BY active DESC, ordinal"
_INSERT = """
    INSERT INTO staff (store_id, id, name, ordinal, roles, active, capacity, created_at, updated_at, version)
    SELECT $1, t.id, t.name, 1, ARRAY[t.role], true, 60, $2, $2, 1
    FROM unnest($3::uuid[], $4::text[], $5::text[]) AS t(id, name, role)
"""
_ADD_ROLES = """
    UPDATE staff s SET roles = s.roles || ARRAY[t.role], updated_at = $2, version = s.version + 1
    FROM unnest($3::uuid[], $4::text[]) AS t(id, role)
    WHERE s.store_id = $1 AND s.id = t.id AND t.role <> ALL (s.roles)
"""


@dataclass
class StaffBook:
    """Names and ids of the store's people; the same name is the same person."""

    store_id: UUID
    ids: dict[str, UUID] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    changed: bool = False
    _roles: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    async def load(cls, connection: Connection, store_id: UUID) -> StaffBook:
        """Those who are there; of two of one name the active one, the first of them."""
        book = cls(store_id)
        for row in await connection.fetch(_KNOWN, store_id):
            if row["name"] not in book.ids:
                book.ids[row["name"]] = row["id"]
                book._roles[row["name"]] = set(row["roles"])
        return book

    async def add(self, connection: Connection, rows: Iterable[Row], now: datetime) -> None:
        """Make those of the rows who are not known, and note new roles of those who are."""
        new: dict[str, tuple[UUID, str]] = {}
        more: list[tuple[UUID, str]] = []
        for role, name in (named for row in rows for named in _named(row)):
            if name not in self.ids:
                self.ids[name] = new_id()
                self._roles[name] = {role}
                new[name] = (self.ids[name], role)
            elif role not in self._roles[name]:
                self._roles[name].add(role)
                more.append((self.ids[name], role))
        if new:
            ids, roles = zip(*new.values(), strict=True)
            await connection.execute(_INSERT, self.store_id, now, ids, list(new), roles)
            self.created += new
        for id_, role in more:
            await connection.execute(_ADD_ROLES, self.store_id, now, [id_], [role])
        self.changed = self.changed or bool(new or more)


def _named(row: Row) -> tuple[tuple[str, str], ...]:
    return () if isinstance(row, StaffRow | OptOutRow) else row.staff
