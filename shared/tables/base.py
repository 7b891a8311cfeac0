"""What every table shares: names of constraints, the composite key, column types."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, DateTime, ForeignKeyConstraint, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from shared.crypto import Sealed
from shared.ids import new_id

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

INSTANT: Any = DateTime(timezone=True)
WORDS: Any = ARRAY(Text)
IDS: Any = ARRAY(Uuid)


class SealedBytes(TypeDecorator[Sealed]):
    """A column of personal data. It takes what `Vault.seal` made and nothing else, so plain text cannot slip in."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("a sealed column takes only what Vault.seal made")
        return value

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(value)


class Json(TypeDecorator[Any]):
    """A jsonb column; None is SQL's NULL. The driver hands jsonb over as text, to sessions and to plain statements alike."""

    impl = JSONB
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


JSON: Any = Json


class Row(SQLModel):
    """Any row of ours; columns may hold sealed values."""

    model_config = {"arbitrary_types_allowed": True}


class StoreRow(Row):
    """A row that belongs to a store: the key says so, and so does every reference to it."""

    store_id: UUID = Field(primary_key=True, foreign_key="stores.id")
    id: UUID = Field(default_factory=new_id, primary_key=True)


def within_store(column: str, table: str, *, on_delete: str | None = None) -> ForeignKeyConstraint:
    """A reference that cannot leave the store: `(store_id, column)` → `table(store_id, id)`."""
    return ForeignKeyConstraint(["store_id", column], [f"{table}.store_id", f"{table}.id"], ondelete=on_delete)
