"""Keyset pages: `limit` and an opaque, signed `cursor` that says after which row the page begins."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request

from services.api.house import house_of
from shared.crypto import Vault
from shared.errors import Invalid

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200
_TAG_BYTES = 12

Value: TypeAlias = str | int | float | bool | None
Row = TypeVar("Row")


class BadCursor(Invalid):
    """The cursor is not one of this list; begin without a cursor."""

    code = "bad_cursor"
    zh = "游标无效，请从第一页重新开始。"

    def __init__(self) -> None:
        super().__init__()
        self.errors = [{"pointer": "query/cursor", "message": str(self)}]


@dataclass(frozen=True)
class Paging:
    """`limit` rows after the row whose sort key was `after` (None: from the start). Read `limit + 1` rows, then `cut`."""

    limit: int
    after: tuple[Value, ...] | None
    _vault: Vault
    _list: str

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Sequence[object]]) -> tuple[list[Row], str | None]:
        """The rows of this page and the cursor of the next, from up to `limit + 1` rows. `key` is the row's sort key."""
        page = list(rows[: self.limit])
        return page, self._cursor(key(page[-1])) if len(rows) > self.limit else None

    def _cursor(self, values: Sequence[object]) -> str:
        body = orjson.dumps([_plain(value) for value in values])
        return base64.urlsafe_b64encode(_tag(self._vault, self._list, body) + body).decode().rstrip("=")

    def after_uuid(self, place: int = 0) -> UUID | None:
        """The sort key's value at `place` as an id; None on the first page."""
        return UUID(str(self.after[place])) if self.after else None

    def after_instant(self, place: int = 0) -> datetime | None:
        """The sort key's value at `place` as an instant."""
        return datetime.fromisoformat(str(self.after[place])) if self.after and self.after[place] is not None else None

    def after_day(self, place: int = 0) -> date | None:
        """The sort key's value at `place` as a day."""
        return date.fromisoformat(str(self.after[place])) if self.after and self.after[place] is not None else None


def _plain(value: object) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _tag(vault: Vault, name: str, body: bytes) -> bytes:
    return vault.index("cursor", f"{name}|{body.decode()}")[:_TAG_BYTES]


def _read(vault: Vault, name: str, cursor: str) -> tuple[Value, ...]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not body or not hmac.compare_digest(tag, _tag(vault, name, body)):
            raise BadCursor
    except (binascii.Error, ValueError):
        raise BadCursor from None
    return tuple(orjson.loads(body))


async def paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="Rows a page.")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")] = None,
) -> Paging:
    """The page asked for. A cursor is good for the list and the order it came from."""
    vault = house_of(request).vault
    name = f"{request.scope['path']}|{request.query_params.get('sort', '')}"
    return Paging(limit, _read(vault, name, cursor) if cursor else None, vault, name)


PageQuery = Annotated[Paging, Depends(paging)]
