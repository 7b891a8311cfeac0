"""Identifiers: UUID version 7, so that ids sort by the time they were made and index pages stay warm."""

from uuid import UUID

import uuid_utils

_make = uuid_utils.uuid7


def new_id() -> UUID:
    """A fresh UUIDv7 as the standard library's type."""
    return UUID(int=_make().int)
