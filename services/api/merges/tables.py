"""Which rows belong to a customer or to a car, and which of two would say the same thing twice."""

from __future__ import annotations

from collections.abc import Mapping

# Rows of a customer that go to the file that stays, and when one stays behind because the file has its like already.
OF_CUSTOMER: Mapping[str, str] = {
    "contact_points": "k.kind = t.kind AND k.value_index = t.value_index",
    "vehicles": "",
    "sales": "",
    "insurance_policies": "",
    "accidents": "",
    "work_orders": "",
    "leads": "k.model IS NOT DISTINCT FROM t.model AND k.first_visit_on IS NOT DISTINCT FROM t.first_visit_on",
    "visits": "",
    "tasks": "k.kind = t.kind AND (k.visit_id, k.about_id) IS NOT DISTINCT FROM (t.visit_id, t.about_id)"
    " AND k.done_at IS NULL AND t.done_at IS NULL",
    "complaints": "",
    "problems": "",
    "appointments": "",
    "vouchers": "k.kind = t.kind AND k.vehicle_id IS NOT DISTINCT FROM t.vehicle_id AND k.issued_for = t.issued_for",
    "campaign_members": "k.campaign_id = t.campaign_id AND k.vehicle_id IS NOT DISTINCT FROM t.vehicle_id",
}

# Rows of a car, likewise.
OF_CAR: Mapping[str, str] = {
    "sales": "k.delivered_on = t.delivered_on",
    "insurance_policies": "k.expires_on = t.expires_on",
    "accidents": "",
    "work_orders": "",
    "visits": "",
    "complaints": "",
    "problems": "",
    "appointments": "",
    "vouchers": "",
    "campaign_members": "",
    "mileage_readings": "k.read_on = t.read_on",
    "warranty_items": "k.name = t.name",
}

# A row that stays behind started visits that go on: those of its like in the file that stays start them from now on.
LIKE: Mapping[str, str] = {
    "sales": "k.delivered_on = t.delivered_on",
    "insurance_policies": "k.expires_on = t.expires_on",
    "warranty_items": "k.name = t.name",
}


def moving(table: str, owner: str, unless: str) -> str:
    """The statement that moves rows of `$2` to `$3`; out: their ids."""
    but = f" AND NOT EXISTS (SELECT FROM {table} k WHERE k.store_id = $1 AND k.{owner} = $3 AND {unless})" if unless else ""
    return f"UPDATE {table} t SET {owner} = $3 WHERE t.store_id = $1 AND t.{owner} = $2{but} RETURNING t.id"


def moving_back(table: str, owner: str) -> str:
    """The statement that moves the rows `$4` from `$2` back to `$3`; out: their ids."""
    return f"UPDATE {table} SET {owner} = $3 WHERE store_id = $1 AND {owner} = $2 AND id = ANY($4::uuid[]) RETURNING id"


def counting(table: str) -> str:
    """How many rows of a customer there are."""
    return f"SELECT count(*) FROM {table} WHERE store_id = $1 AND customer_id = $2"
