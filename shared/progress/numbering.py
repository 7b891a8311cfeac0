"""Ids for a set that SQL inserts: one prefix a batch, the last four digits counted by the statement."""

from __future__ import annotations

from shared.ids import new_id

LARGEST_BATCH = 0xFFFF


def batch_prefix() -> str:
    """The first 28 of the 32 hexadecimal digits of UUIDv7s: instant, version and 58 random bits, the same for a whole batch.

    A statement that appends `lpad(to_hex(row_number() OVER ()), 4, '0')` has up to 65,535 ids of its own, in order.
    """
    return new_id().hex[:28]
