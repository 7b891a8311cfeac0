"""Rows in their staged form: keys, ids and seals made here, once, so that everything after is by set.

A key says which rows of the file speak of the same thing; a person's key is the external code, else name and phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from services.api.imports import clean
from services.api.imports.stage import Stager
from services.api.imports.values import (
    CarOf,
    CustomerRow,
    LeadRow,
    OptOutRow,
    PersonOf,
    PolicyRow,
    Row,
    SaleRow,
    StaffRow,
    WorkOrderRow,
)
from shared.ids import new_id
from shared.names import initials
from shared.phones import Phone, PhoneKind

_Values = tuple[object, ...]
_Named = Sequence[tuple[str, str]]


def stage_row(stager: Stager, row: Row) -> None:
    """Stage one accepted row."""
    stager.count += 1
    match row:
        case CustomerRow():
            _customer(stager, row)
        case SaleRow():
            _sale(stager, row)
        case WorkOrderRow():
            _work_order(stager, row)
        case LeadRow():
            _lead(stager, row)
        case PolicyRow():
            _policy(stager, row)
        case StaffRow():
            _staff(stager, row)
        case OptOutRow():
            _opt_out(stager, row)


def _person_key(person: PersonOf, np: str | None, phone_index: bytes | None) -> str | None:
    if person.code is not None:
        return f"c|{person.code}"
    if np is not None:
        return f"n|{np}"
    return f"p|{phone_index.hex()}" if phone_index is not None else None


def _person(
    stager: Stager, person: PersonOf, staff: _Named = (), *, kind: str | None = None, consent: bool | None = None
) -> _Values:
    """The person's columns, the points of the person staged on the way."""
    indexes = [_phone(stager, rank, phone) for rank, phone in enumerate(person.phones, start=1)]
    first = indexes[0] if indexes else None
    np = None if person.name is None else f"{person.name}|{first.hex() if first else ''}"
    holder_role, holder = staff[0] if staff else (None, None)
    return (
        _person_key(person, np, first),
        np,
        person.code,
        person.name,
        initials(person.name) if person.name is not None else None,
        kind or _kind_of(person.name),
        person.gender,
        first,
        new_id(),
        stager.staff_id(holder),
        holder_role,
        consent,
    )


def _kind_of(name: str | None) -> str | None:
    return None if name is None else "organisation" if clean.is_organisation(name) else "person"


def _phone(stager: Stager, rank: int, phone: Phone) -> bytes:
    return stager.point("phone", rank, phone.e164, textable=phone.kind is PhoneKind.MOBILE)


def _car(car: CarOf, event_on: object, excluded: bool) -> _Values:
    return (
        car.vin,
        car.plate,
        car.engine_number,
        car.model,
        car.colour,
        car.interval_months,
        car.interval_km,
        event_on,
        excluded,
        new_id(),
    )


def _car_key(car: CarOf) -> str:
    return car.vin or (f"P{car.plate}" if car.plate else f"E{car.engine_number}")


def _customer(stager: Stager, row: CustomerRow) -> None:
    person = _person(stager, row.person, row.staff, kind=row.kind, consent=row.marketing_consent)
    if row.email is not None:
        stager.point("email", 1, row.email, textable=False)
    if row.wechat is not None:
        stager.point("wechat", 1, row.wechat, textable=False)
    own = (row.birthday, row.region, row.address, row.preferred_channel, row.filed_on, row.source, row.note)
    stager.keep(row.line, str(person[0]), hash(row), (*person, *own))


def _sale(stager: Stager, row: SaleRow) -> None:
    person = _person(stager, row.person, row.staff)
    own = (
        new_id(),
        row.external_code,
        row.delivered_on,
        row.insured,
        row.plated,
        row.price_fen,
        row.card_handed_on,
        stager.staff_id(row.consultant),
        row.insurer,
        row.policy_expires_on,
        new_id(),
    )
    key = f"{row.external_code or _car_key(row.car)}|{person[0]}"
    stager.keep(row.line, key, hash(row), (*person, *_car(row.car, row.delivered_on, row.excluded), *own))


def _work_order(stager: Stager, row: WorkOrderRow) -> None:
    closed_on = row.closed_at.astimezone(ZoneInfo(stager.zone)).date()
    id_ = new_id()
    own = (
        id_,
        row.number,
        row.kind,
        row.opened_at,
        row.closed_at,
        row.mileage_km,
        row.items,
        row.fee_fen,
        *_contact(stager, row, id_),
        stager.staff_id(row.advisor),
        stager.staff_id(row.technician),
        new_id(),
    )
    values = (*_person(stager, row.person), *_car(row.car, closed_on, row.excluded), *own)
    stager.keep(row.line, row.number, hash(row), values)


def _contact(stager: Stager, row: WorkOrderRow, order_id: UUID) -> _Values:
    """Who brought the car: name, number sealed to a row of work_orders, index. Without a contact it is the person named."""
    phone, name = row.contact_phone, row.contact_name
    if phone is None and row.person.phones:
        phone, name = row.person.phones[0], name or row.person.name
    if phone is None:
        return name, None, None
    sealed = stager.vault.seal(phone.e164, "work_orders", "contact_phone", stager.store_id, order_id)
    return name, bytes(sealed), stager.vault.index("phone", phone.e164)


def _lead(stager: Stager, row: LeadRow) -> None:
    person = _person(stager, row.person, row.staff, consent=row.marketing_consent)
    own = (
        new_id(),
        row.model,
        row.expected_on,
        row.first_visit_on,
        row.source,
        row.state,
        row.lost_reason,
        row.note,
        stager.staff_id(row.consultant),
    )
    stager.keep(row.line, str(person[0]), hash(row), (*person, *own))


def _policy(stager: Stager, row: PolicyRow) -> None:
    own = (new_id(), row.number, row.insurer, row.starts_on, row.expires_on, row.result)
    values = (*_person(stager, row.person, row.staff), *_car(row.car, None, False), *own)
    stager.keep(row.line, f"{_car_key(row.car)}|{row.expires_on}", hash(row), values)


def _staff(stager: Stager, row: StaffRow) -> None:
    phone = row.phone.e164 if row.phone else None
    stager.keep(row.line, row.name, hash(row), (row.name, list(row.roles), phone, row.active, new_id()))


def _opt_out(stager: Stager, row: OptOutRow) -> None:
    """One staged row; its numbers and its address are points, of which the merge makes opt-outs."""
    for rank, phone in enumerate(row.phones, start=1):
        stager.point("phone", rank, phone.e164)
    if row.email is not None:
        stager.point("email", 1, row.email)
    values = sorted([*(phone.e164 for phone in row.phones), row.email or ""])
    key = stager.vault.index("phone", "|".join(values)).hex()
    stager.keep(row.line, f"{key}|{row.channel}", hash(row), (row.channel, row.at))
