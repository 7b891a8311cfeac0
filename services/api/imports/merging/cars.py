"""The cars rows speak of: found by VIN, else plate, else engine number; made when new; passed to a new owner, who starts clean."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.api.imports.fields import Kind
from services.api.imports.merging.run import Run, set_against_set
from shared.db import Connection
from shared.events import SYSTEM
from shared.planning.rows import write_events

_FIND = """
    UPDATE stage s SET vehicle_id = m.id FROM (
        SELECT DISTINCT ON (s.n) s.n, v.id FROM stage s JOIN vehicles v ON v.store_id = $1 AND {same_car}
        WHERE s.is_last AND s.vehicle_id IS NULL AND {whose}
        ORDER BY s.n, v.ended_at DESC NULLS FIRST, v.id DESC
    ) m WHERE s.n = m.n
"""
# A plate moves from car to car, a VIN does not: where both sides have a VIN, only the VIN counts.
_SAME_CAR: Final = (
    "v.vin = s.vin",
    "v.plate = s.plate AND v.ended_at IS NULL AND (s.vin IS NULL OR v.vin IS NULL)",
    "v.engine_number = s.engine_number AND (s.vin IS NULL OR v.vin IS NULL)",
)
_OF_THE_CUSTOMER = "v.customer_id = s.customer_id"
_OF_ANYBODY = "v.ended_at IS NULL"

# Whoever brings a car need not own it, and a workshop may number its customers its own way: an order or a policy gives a car to
# somebody else only by the code of a customer who is known as such.
_KEEP_OWNER = """
    UPDATE stage s SET customer_id = v.customer_id, person_key = NULL FROM vehicles v
    WHERE v.store_id = $1 AND v.id = s.vehicle_id
      AND (s.code IS NULL OR NOT EXISTS (
          SELECT FROM customers k WHERE k.store_id = $1 AND k.external_code = s.code
          AND coalesce(k.merged_into, k.id) <> v.customer_id))
"""
_ANOTHER_OWNER = """
    UPDATE stage s SET vehicle_id = NULL FROM vehicles v
    WHERE v.store_id = $1 AND v.id = s.vehicle_id AND v.customer_id <> s.customer_id
"""
_REJECT_WITHOUT_CUSTOMER = """
    UPDATE stage SET outcome = 'rejected', reason = coalesce(reason, 'customer_unknown') WHERE is_last AND customer_id IS NULL
"""
# Who else has this car now, and since when. Ties go to the row: a file that names a new owner means it.
_RIVALS = """
    CREATE TEMP TABLE rivals ON COMMIT DROP AS
    SELECT r.n, r.vehicle_id, coalesce(r.event_on, $2) < coalesce(r.purchased_on, date '1900-01-01') AS row_is_older
    FROM (
        SELECT s.n, s.event_on, v.id AS vehicle_id, v.purchased_on
        FROM stage s JOIN vehicles v ON v.vin = s.vin
        WHERE v.store_id = $1 AND v.ended_at IS NULL AND v.customer_id <> s.customer_id
            AND s.is_last AND s.vehicle_id IS NULL AND s.outcome IS NULL
        UNION ALL
        SELECT s.n, s.event_on, v.id AS vehicle_id, v.purchased_on
        FROM stage s JOIN vehicles v ON v.plate = s.plate
        WHERE v.store_id = $1 AND v.ended_at IS NULL AND v.customer_id <> s.customer_id
            AND s.vin IS NULL AND s.is_last AND s.vehicle_id IS NULL AND s.outcome IS NULL
    ) r
"""
_LOCK_VISITS = """
    SELECT id FROM visits WHERE store_id = $1 AND vehicle_id = ANY ($2) AND state IN ('planned', 'due', 'trying')
    ORDER BY id FOR UPDATE
"""
_CANCEL_VISITS = """
    UPDATE visits SET state = 'cancelled', state_reason = 'moved_or_sold', closed_at = $3, updated_at = $3, version = version + 1,
                      next_step = NULL, next_at = NULL, next_reason = NULL, wake_at = NULL
    WHERE store_id = $1 AND id = ANY ($2)
"""
_END = """
    UPDATE vehicles SET ended_at = $2, end_reason = 'sold', updated_at = $2, version = version + 1
    WHERE store_id = $1 AND id IN (SELECT vehicle_id FROM rivals WHERE NOT row_is_older) RETURNING id
"""
# One car a customer and identity; of several owners of one car in a file the latest has it, the others had it.
_INSERT = """
    INSERT INTO vehicles (store_id, id, customer_id, plate, vin, engine_number, model, colour, purchased_on, interval_months,
                          interval_km, excluded, ended_at, end_reason, created_at, updated_at, version)
    SELECT $1, new_vehicle_id, customer_id, plate, vin, engine_number, model, colour, {purchased_on}, interval_months, interval_km,
           excluded, CASE WHEN had THEN $2::timestamptz END, CASE WHEN had THEN 'sold' END, $2, $2, 1
    FROM (
        SELECT o.*, o.row_is_older OR row_number() OVER (
            PARTITION BY o.identity ORDER BY o.event_on DESC NULLS LAST, o.n DESC) > 1 AS had
        FROM (
            SELECT DISTINCT ON (s.customer_id, {identity}) s.*, {identity} AS identity, coalesce(r.row_is_older, false) AS row_is_older
            FROM stage s LEFT JOIN rivals r ON r.n = s.n
            WHERE s.is_last AND s.vehicle_id IS NULL AND s.customer_id IS NOT NULL AND s.outcome IS NULL AND {identity} IS NOT NULL
            ORDER BY s.customer_id, {identity}, s.event_on DESC NULLS LAST, s.n DESC
        ) o
    ) c
    ON CONFLICT DO NOTHING
"""
_IDENTITIES: Final = ("s.vin", "'P' || s.plate", "'E' || s.engine_number")
_UPDATE = """
    WITH said AS (
        SELECT DISTINCT ON (vehicle_id) * FROM stage WHERE is_last AND vehicle_id IS NOT NULL AND outcome IS NULL
        ORDER BY vehicle_id, event_on DESC NULLS LAST, n DESC
    ), changed AS (
        UPDATE vehicles v SET {assignments}, updated_at = $2, version = v.version + 1
        FROM said s
        WHERE v.store_id = $1 AND v.id = s.vehicle_id AND ({old}) IS DISTINCT FROM ({new})
        RETURNING v.id
    )
    UPDATE stage s SET car_changed = true FROM changed WHERE s.vehicle_id = changed.id AND s.is_last
"""
_NO_OTHER_HAS_IT = """
    CASE WHEN v.vin IS NULL AND NOT EXISTS (
        SELECT FROM vehicles o WHERE o.store_id = $1 AND o.vin = s.vin AND o.ended_at IS NULL) THEN s.vin ELSE v.vin END
"""
_DETAIL: Final = ("plate", "engine_number", "model", "colour", "interval_months", "interval_km")


async def find_cars_of_anybody(connection: Connection, run: Run) -> None:
    """For orders and policies: the car first, and with it the owner, unless the row names another by code."""
    await _find(connection, run, _OF_ANYBODY)
    await connection.execute(_KEEP_OWNER, run.store_id)


async def settle_cars(connection: Connection, run: Run) -> None:
    """Every usable row gets its car. Rows whose customer nobody knows are rejected."""
    await connection.execute(_ANOTHER_OWNER, run.store_id)
    await connection.execute(_REJECT_WITHOUT_CUSTOMER)
    await _find(connection, run, _OF_THE_CUSTOMER)
    await _pass_on(connection, run)
    purchased_on = "delivered_on" if run.kind is Kind.SALES else "NULL"
    for identity in _IDENTITIES:
        statement = _INSERT.format(identity=identity, purchased_on=purchased_on)
        await connection.execute(statement, run.store_id, run.now)
        await _find(connection, run, _OF_THE_CUSTOMER)
    await connection.execute(_update_statement(run.kind), run.store_id, run.now)


async def _find(connection: Connection, run: Run, whose: str) -> None:
    for same_car in _SAME_CAR:
        await connection.execute(_FIND.format(same_car=same_car, whose=whose), run.store_id)


async def _pass_on(connection: Connection, run: Run) -> None:
    """End the cars that have a new owner now, and all that was planned for them."""
    await set_against_set(connection, _RIVALS, run.store_id, run.now.date())
    ended: list[UUID] = [row["id"] for row in await connection.fetch(_END, run.store_id, run.now)]
    if not ended:
        return
    visits = [row["id"] for row in await connection.fetch(_LOCK_VISITS, run.store_id, ended)]
    await connection.execute(_CANCEL_VISITS, run.store_id, visits, run.now)
    events = [(visit_id, "cancelled", {"reason": "moved_or_sold"}) for visit_id in visits]
    await write_events(connection, run.store_id, events, now=run.now, actor=SYSTEM)


def _update_statement(kind: Kind) -> str:
    """A sale wins over what is there; orders and policies only fill what is empty."""
    wins = kind is Kind.SALES
    new = {name: f"coalesce(s.{name}, v.{name})" if wins else f"coalesce(v.{name}, s.{name})" for name in _DETAIL}
    new["vin"] = _NO_OTHER_HAS_IT
    if wins:
        new["purchased_on"] = "coalesce(s.delivered_on, v.purchased_on)"
        new["excluded"] = "s.excluded OR v.excluded"
    assignments = ", ".join(f"{name} = {value}" for name, value in new.items())
    old = ", ".join(f"v.{name}" for name in new)
    return _UPDATE.format(assignments=assignments, old=old, new=", ".join(new.values()))
