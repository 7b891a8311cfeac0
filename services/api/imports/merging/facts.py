"""Sales, work orders, leads and policies: each row finds its own by what makes it the same, else is new."""

from __future__ import annotations

from uuid import UUID

from services.api.imports.merging.run import Run
from shared.db import Connection

_SAME_SALE = (
    "x.vehicle_id = s.vehicle_id AND x.external_code = s.external_code",
    "x.vehicle_id = s.vehicle_id AND x.delivered_on = s.delivered_on",
    "x.vehicle_id = s.vehicle_id AND (x.external_code IS NULL OR s.external_code IS NULL)",
)
_SAME_LEAD = (
    "x.customer_id = s.customer_id AND x.state = 'open'",
    "x.customer_id = s.customer_id AND x.model IS NOT DISTINCT FROM s.model AND x.first_visit_on IS NOT DISTINCT FROM s.first_visit_on",
)
_SAME_ORDER = ("x.number = s.number",)
_SAME_POLICY = ("x.vehicle_id = s.vehicle_id AND x.expires_on = s.expires_on",)
"""What makes a row the same as one that is there, the surest first."""

_FIND = """
    UPDATE stage s SET target_id = m.id FROM (
        SELECT DISTINCT ON (s.n) s.n, x.id FROM stage s JOIN {table} x ON x.store_id = $1 AND {same}
        WHERE s.is_last AND s.outcome IS NULL AND s.target_id IS NULL ORDER BY s.n, x.id DESC
    ) m WHERE s.n = m.n
"""
_INSERT = """
    WITH written AS (
        INSERT INTO {table} (store_id, id, {columns}, created_at, updated_at, version)
        SELECT DISTINCT ON ({once}) $1, s.new_id, {values}, $2, $2, 1
        FROM stage s WHERE s.is_last AND s.outcome IS NULL AND s.target_id IS NULL ORDER BY {once}, s.n DESC
        ON CONFLICT DO NOTHING RETURNING id
    )
    UPDATE stage s SET target_id = s.new_id, outcome = 'created' FROM written WHERE s.new_id = written.id
"""
_UPDATE = """
    WITH said AS (
        SELECT DISTINCT ON (target_id) * FROM stage WHERE is_last AND outcome IS NULL AND target_id IS NOT NULL ORDER BY target_id, n DESC
    ), changed AS (
        UPDATE {table} x SET {assignments}, updated_at = $2, version = x.version + 1
        FROM said s WHERE x.store_id = $1 AND x.id = s.target_id AND ({old}) IS DISTINCT FROM ({new})
        RETURNING x.id
    )
    UPDATE stage s SET outcome = 'updated' FROM changed WHERE s.target_id = changed.id AND s.is_last AND s.outcome IS NULL
"""
_REST = """
    UPDATE stage SET outcome = CASE WHEN car_changed THEN 'updated' ELSE 'unchanged' END
    WHERE is_last AND outcome IS NULL
"""
_POLICIES_OF_SALES = """
    WITH written AS (
        INSERT INTO insurance_policies (store_id, id, customer_id, vehicle_id, insurer, expires_on, created_at, updated_at, version)
        SELECT DISTINCT ON (s.vehicle_id, s.policy_expires_on) $1, s.policy_id, s.customer_id, s.vehicle_id, s.insurer,
               s.policy_expires_on, $2, $2, 1
        FROM stage s WHERE s.is_last AND s.outcome IS DISTINCT FROM 'rejected' AND s.policy_expires_on IS NOT NULL
        ORDER BY s.vehicle_id, s.policy_expires_on, s.n DESC
        ON CONFLICT (store_id, vehicle_id, expires_on) DO NOTHING RETURNING vehicle_id
    )
    UPDATE stage s SET car_changed = true FROM written WHERE s.vehicle_id = written.vehicle_id AND s.outcome IS NULL AND s.is_last
"""
_READINGS = """
    INSERT INTO mileage_readings AS r (store_id, id, vehicle_id, read_on, km, source)
    SELECT DISTINCT ON (s.vehicle_id, s.event_on) $1, s.reading_id, s.vehicle_id, s.event_on, s.mileage_km, 'work_order'
    FROM stage s WHERE s.is_last AND s.outcome IN ('created', 'updated') AND s.mileage_km IS NOT NULL
    ORDER BY s.vehicle_id, s.event_on, s.mileage_km DESC
    ON CONFLICT (store_id, vehicle_id, read_on) DO UPDATE SET km = excluded.km
    WHERE r.source = 'work_order' AND r.km <> excluded.km
"""
# Whoever brought the car is worth noting only when it is not the owner.
_CONTACT_IS_OWNER = """
    UPDATE stage s SET contact_name = NULL, contact_phone = NULL, contact_phone_index = NULL FROM contact_points cp
    WHERE cp.store_id = $1 AND cp.customer_id = s.customer_id AND cp.kind = 'phone' AND cp.value_index = s.contact_phone_index
"""
_OTHER_CONTACTS = """
    SELECT s.n, s.new_id, s.target_id, s.contact_phone FROM stage s JOIN work_orders x ON x.store_id = $1 AND x.id = s.target_id
    WHERE s.is_last AND s.contact_phone_index IS NOT NULL AND x.contact_phone_index IS DISTINCT FROM s.contact_phone_index
"""
_SEAL_CONTACTS = """
    UPDATE stage s SET contact_phone = u.sealed FROM unnest($1::int[], $2::bytea[]) AS u(n, sealed) WHERE s.n = u.n
"""
_OWNERS_OF_ORDERS = "customer_id", "vehicle_id"


async def merge_sales(connection: Connection, run: Run) -> None:
    """Deliveries: the same by the dealer's number or the day, else the car's one sale."""
    columns = (
        "customer_id",
        "vehicle_id",
        "external_code",
        "delivered_on",
        "consultant_id",
        "insured",
        "plated",
        "card_handed_on",
        "price_fen",
    )
    await connection.execute(_POLICIES_OF_SALES, run.store_id, run.now)
    await _find(connection, run, "sales", *_SAME_SALE)
    await _insert(connection, run, "sales", (*columns, "excluded"), once="s.vehicle_id, s.delivered_on")
    await _find(connection, run, "sales", *_SAME_SALE)
    same_day = (
        "SELECT FROM sales o WHERE o.store_id = $1 AND o.vehicle_id = x.vehicle_id"
        " AND o.delivered_on = s.delivered_on AND o.id <> x.id"
    )
    new = {name: f"coalesce(s.{name}, x.{name})" for name in columns[2:]}
    new["delivered_on"] = f"CASE WHEN EXISTS ({same_day}) THEN x.delivered_on ELSE s.delivered_on END"
    new["excluded"] = "s.excluded OR x.excluded"
    await _update(connection, run, "sales", new)
    await connection.execute(_REST)


async def merge_orders(connection: Connection, run: Run) -> None:
    """Work orders: the same by number. Whoever brought the car is sealed to the order it belongs to."""
    detail = ("opened_at", "closed_at", "advisor_id", "technician_id", "items", "fee_fen", "mileage_km")
    contact = ("contact_name", "contact_phone", "contact_phone_index")
    await connection.execute(_CONTACT_IS_OWNER, run.store_id)
    await _find(connection, run, "work_orders", *_SAME_ORDER)
    columns = ("customer_id", "vehicle_id", "number", "kind", *detail, *contact)
    await _insert(connection, run, "work_orders", columns, once="s.number", extra={"first_service": "false"})
    await _find(connection, run, "work_orders", *_SAME_ORDER)
    await _seal_to_known_orders(connection, run)
    new = {
        name: f"coalesce(s.{name}, x.{name})"
        for name in (*_OWNERS_OF_ORDERS, "kind", *detail, "contact_name", "contact_phone_index")
    }
    new["contact_phone"] = (
        "CASE WHEN s.contact_phone_index IS DISTINCT FROM x.contact_phone_index AND s.contact_phone_index IS NOT NULL"
        " THEN s.contact_phone ELSE x.contact_phone END"
    )
    await _update(connection, run, "work_orders", new)
    await connection.execute(_REST)
    await connection.execute(_READINGS, run.store_id)


async def merge_leads(connection: Connection, run: Run) -> None:
    """Leads: the customer's open one, else the same model and first visit. A file closes a lead; it never opens one again."""
    columns = ("customer_id", "consultant_id", "model", "expected_on", "first_visit_on", "source", "lost_reason")
    await _find(connection, run, "leads", *_SAME_LEAD)
    await _insert(connection, run, "leads", columns, once="s.customer_id", extra={"state": "coalesce(s.state, 'open')"})
    await _find(connection, run, "leads", *_SAME_LEAD)
    new = {name: f"coalesce(s.{name}, x.{name})" for name in columns[1:]}
    twin = (
        "SELECT FROM leads o WHERE o.store_id = $1 AND o.customer_id = x.customer_id AND o.id <> x.id"
        " AND o.model IS NOT DISTINCT FROM coalesce(s.model, x.model)"
        " AND o.first_visit_on IS NOT DISTINCT FROM coalesce(s.first_visit_on, x.first_visit_on)"
    )
    for name in ("model", "first_visit_on"):
        new[name] = f"CASE WHEN EXISTS ({twin}) THEN x.{name} ELSE coalesce(s.{name}, x.{name}) END"
    new["state"] = "CASE WHEN x.state = 'open' THEN coalesce(s.state, 'open') ELSE x.state END"
    await _update(connection, run, "leads", new)
    await connection.execute("""
        UPDATE stage s SET outcome = 'updated' FROM people p
        WHERE s.person_key = p.person_key AND p.changed AND s.is_last AND s.outcome IS NULL
    """)
    await connection.execute(_REST)


async def merge_policies(connection: Connection, run: Run) -> None:
    """Policies: the same by car and day of expiry."""
    columns = ("customer_id", "vehicle_id", "insurer", "number", "starts_on", "expires_on", "result")
    await _find(connection, run, "insurance_policies", *_SAME_POLICY)
    await _insert(connection, run, "insurance_policies", columns, once="s.vehicle_id, s.expires_on")
    await _find(connection, run, "insurance_policies", *_SAME_POLICY)
    new = {name: f"coalesce(s.{name}, x.{name})" for name in ("insurer", "number", "starts_on", "result")}
    await _update(connection, run, "insurance_policies", new)
    await connection.execute(_REST)


async def _find(connection: Connection, run: Run, table: str, *same: str) -> None:
    for condition in same:
        await connection.execute(_FIND.format(table=table, same=condition), run.store_id)


async def _insert(
    connection: Connection, run: Run, table: str, columns: tuple[str, ...], *, once: str, extra: dict[str, str] | None = None
) -> None:
    extra = extra or {}
    statement = _INSERT.format(
        table=table,
        columns=", ".join((*columns, *extra)),
        values=", ".join((*(f"s.{name}" for name in columns), *extra.values())),
        once=once,
    )
    await connection.execute(statement, run.store_id, run.now)


async def _update(connection: Connection, run: Run, table: str, new: dict[str, str]) -> None:
    assignments = ", ".join(f"{name} = {value}" for name, value in new.items())
    old = ", ".join(f"x.{name}" for name in new)
    statement = _UPDATE.format(table=table, assignments=assignments, old=old, new=", ".join(new.values()))
    await connection.execute(statement, run.store_id, run.now)


async def _seal_to_known_orders(connection: Connection, run: Run) -> None:
    """A sealed number opens only in the row it was sealed for; rows that turned out to be known orders are sealed again."""
    rows = await connection.fetch(_OTHER_CONTACTS, run.store_id)
    sealed = [_sealed_again(run, row["contact_phone"], row["new_id"], row["target_id"]) for row in rows]
    if rows:
        await connection.execute(_SEAL_CONTACTS, [row["n"] for row in rows], sealed)


def _sealed_again(run: Run, sealed: bytes, was: UUID, becomes: UUID) -> bytes:
    number = run.vault.open(sealed, "work_orders", "contact_phone", run.store_id, was)
    return bytes(run.vault.seal(number, "work_orders", "contact_phone", run.store_id, becomes))
