"""When the scheduler must look at visits again: `visits.wake_at` says it, `visit_wakes` is the queue that finds it.

Apart from the visits, because an indexed instant in the wide row would make every promotion write every index of it.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from shared.db import Connection

# Visits with one instant share rows of a hundred.
_WAKE = """
    INSERT INTO visit_wakes (store_id, id, wake_at, visit_ids)
    SELECT $1, gen_random_uuid(), wake_at, array_agg(id)
    FROM (
        SELECT id, wake_at, (row_number() OVER (PARTITION BY wake_at ORDER BY id) - 1) / 100 AS part
        FROM visits WHERE store_id = $1 AND id = ANY($2) AND wake_at IS NOT NULL
    ) v
    GROUP BY wake_at, part
"""


async def wake(conn: Connection, store_id: UUID, visit_ids: Collection[UUID]) -> None:
    """Enter visits in the queue at the `wake_at` they have now, in the transaction that set it: needed where it is set, or set earlier.

    An entry that was made before stays: when it comes up, it is entered anew or, for a visit that waits for nothing, forgotten.
    """
    if visit_ids:
        await conn.execute(_WAKE, store_id, list(visit_ids))
