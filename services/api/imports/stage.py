"""Cleaned rows on their way into the database: temporary tables, filled by COPY, one row of the file a row.

`stage` holds what rows say; `stage_points` their phones, e-mail addresses and WeChat names, sealed already. Both live in the
import's own transaction and end with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.api.imports.fields import Kind
from shared.crypto import Vault
from shared.db import Connection
from shared.ids import new_id

Columns = Mapping[str, str]

_ROW: Final[Columns] = {"n": "int", "line": "int", "key": "text", "digest": "bigint"}
_PERSON: Final[Columns] = {
    "person_key": "text",
    "np": "text",
    "code": "text",
    "name": "text",
    "initials": "text",
    "customer_kind": "text",
    "gender": "text",
    "phone_index": "bytea",
    "new_customer_id": "uuid",
    "holder_id": "uuid",
    "holder_role": "text",
    "consent": "boolean",
}
_CAR: Final[Columns] = {
    "vin": "text",
    "plate": "text",
    "engine_number": "text",
    "model": "text",
    "colour": "text",
    "interval_months": "int",
    "interval_km": "int",
    "event_on": "date",
    "excluded": "boolean",
    "new_vehicle_id": "uuid",
}
_CUSTOMER: Final[Columns] = {
    "birthday": "date",
    "region": "text",
    "address": "text",
    "preferred_channel": "text",
    "filed_on": "date",
    "source": "text",
    "note": "text",
}
_SALE: Final[Columns] = {
    "new_id": "uuid",
    "external_code": "text",
    "delivered_on": "date",
    "insured": "boolean",
    "plated": "boolean",
    "price_fen": "int",
    "card_handed_on": "date",
    "consultant_id": "uuid",
    "insurer": "text",
    "policy_expires_on": "date",
    "policy_id": "uuid",
}
_ORDER: Final[Columns] = {
    "new_id": "uuid",
    "number": "text",
    "kind": "text",
    "opened_at": "timestamptz",
    "closed_at": "timestamptz",
    "mileage_km": "int",
    "items": "text",
    "fee_fen": "int",
    "contact_name": "text",
    "contact_phone": "bytea",
    "contact_phone_index": "bytea",
    "advisor_id": "uuid",
    "technician_id": "uuid",
    "reading_id": "uuid",
}
_LEAD: Final[Columns] = {
    "new_id": "uuid",
    "model": "text",
    "expected_on": "date",
    "first_visit_on": "date",
    "source": "text",
    "state": "text",
    "lost_reason": "text",
    "note": "text",
    "consultant_id": "uuid",
}
_POLICY: Final[Columns] = {
    "new_id": "uuid",
    "number": "text",
    "insurer": "text",
    "starts_on": "date",
    "expires_on": "date",
    "result": "text",
}
_STAFF: Final[Columns] = {"name": "text", "roles": "text[]", "phone": "text", "active": "boolean", "new_id": "uuid"}
_OPT_OUT: Final[Columns] = {"channel": "text", "at": "timestamptz"}

COLUMNS: Final[Mapping[Kind, Columns]] = {
    Kind.CUSTOMERS: {**_ROW, **_PERSON, **_CUSTOMER},
    Kind.SALES: {**_ROW, **_PERSON, **_CAR, **_SALE},
    Kind.WORK_ORDERS: {**_ROW, **_PERSON, **_CAR, **_ORDER},
    Kind.LEADS: {**_ROW, **_PERSON, **_LEAD},
    Kind.POLICIES: {**_ROW, **_PERSON, **_CAR, **_POLICY},
    Kind.STAFF: {**_ROW, **_STAFF},
    Kind.OPT_OUTS: {**_ROW, **_OPT_OUT},
}
_WORKING: Final = (
    "is_last boolean NOT NULL DEFAULT true, customer_id uuid, vehicle_id uuid, target_id uuid, outcome text, reason text,"
    " car_changed boolean NOT NULL DEFAULT false"
)
_POINTS: Final[Columns] = {
    "n": "int",
    "kind": "text",
    "rank": "int",
    "id": "uuid",
    "value": "bytea",
    "value_index": "bytea",
    "last4_index": "bytea",
    "textable": "boolean",
}
# Never folded from an earlier row of the same key: identity and bookkeeping.
OWN: Final = frozenset(
    {*_ROW, "person_key", "np", "new_customer_id", "new_vehicle_id", "new_id", "policy_id", "reading_id", "roles"}
    | {"contact_name", "contact_phone", "contact_phone_index"}
)


async def create_stage(connection: Connection, kind: Kind) -> None:
    """The temporary tables of an import of that kind."""
    columns = ", ".join(f"{name} {sort}" for name, sort in COLUMNS[kind].items())
    points = ", ".join(f"{name} {sort}" for name, sort in _POINTS.items())
    await connection.execute(f"CREATE TEMP TABLE stage ({columns}, {_WORKING}) ON COMMIT DROP")
    await connection.execute(f"CREATE TEMP TABLE stage_points ({points}) ON COMMIT DROP")


@dataclass
class Stager:
    """Takes rows and writes them chunk by chunk. `staff` gives the id of a person named in the file."""

    kind: Kind
    store_id: UUID
    vault: Vault
    zone: str
    staff: Mapping[str, UUID]
    count: int = 0
    _rows: list[tuple[object, ...]] = field(default_factory=list)
    _points: list[tuple[object, ...]] = field(default_factory=list)
    _last4: dict[str, bytes] = field(default_factory=dict)

    def keep(self, line: int, key: str, digest: int, values: tuple[object, ...]) -> None:
        """Keep the staged form of the current row for the next `write`; `values` in the order of COLUMNS, after the row's own."""
        self._rows.append((self.count, line, key, digest, *values))

    async def write(self, connection: Connection) -> None:
        """COPY what was kept since the last time."""
        if self._rows:
            await connection.copy_records_to_table("stage", records=self._rows, columns=list(COLUMNS[self.kind]))
        if self._points:
            await connection.copy_records_to_table("stage_points", records=self._points, columns=list(_POINTS))
        self._rows, self._points = [], []

    def point(self, kind: str, rank: int, text: str, *, textable: bool = True) -> bytes:
        """Seal one address of the current row; its blind index."""
        id_, index = new_id(), self.vault.index(kind, text)
        sealed = self.vault.seal(text, "contact_points", "value", self.store_id, id_)
        last4 = self._last4_index(text[-4:]) if kind == "phone" else None
        self._points.append((self.count, kind, rank, id_, bytes(sealed), index, last4, textable))
        return index

    def staff_id(self, name: str | None) -> UUID | None:
        """The id of somebody named in the row."""
        return self.staff[name] if name is not None else None

    def _last4_index(self, digits: str) -> bytes:
        found = self._last4.get(digits)
        if found is None:
            found = self._last4[digits] = self.vault.index("last4", digits)
        return found
