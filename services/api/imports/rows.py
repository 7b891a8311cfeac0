"""From the cells of a row to a value of its kind.

A row is accepted (perhaps with warnings: cells that were left out) or rejected with the column, the value and the reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.api.imports import clean, dates
from services.api.imports.draft import Context, Draft, Problem, Unusable
from services.api.imports.fields import Kind
from services.api.imports.headings import Columns, match_columns
from services.api.imports.kinds import SHEETS, STAFF_ROLES
from services.api.imports.reasons import Reason
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


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row that can be merged, and what was left out of it."""

    row: Row
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be used."""

    problem: Problem


def read_row(kind: Kind, columns: Columns, context: Context, line: int, cells: Sequence[str]) -> Accepted | Rejected:
    """One row of a file: `cells` in the order of the headings, as many of them (further ones: more cells than headings)."""
    draft = Draft(SHEETS[kind], columns, context, line, cells)
    try:
        row = _BUILDERS[kind](draft)
        _refuse_shifted(draft, columns, cells)
    except Unusable as refusal:
        return Rejected(refusal.problem)
    return Accepted(row, tuple(draft.warnings))


def to_row(kind: Kind, line: int, cells: Mapping[str, str], context: Context) -> Accepted | Rejected:
    """One row given by heading or English field name, as the data of a DMS webhook is."""
    return read_row(kind, match_columns(kind, list(cells)), context, line, list(cells.values()))


def _refuse_shifted(draft: Draft, columns: Columns, cells: Sequence[str]) -> None:
    """Surplus cells with something in them: kept if all the rest reads well, else the row is taken for shifted."""
    surplus = [cell for cell in cells[columns.width :] if cell.strip()]
    if not surplus:
        return
    problem = Problem(draft.line, "", ",".join(surplus)[:200], Reason.EXTRA_CELLS)
    if draft.warnings:
        raise Unusable(problem)
    draft.warnings.append(problem)


def _person(draft: Draft, code: str, name: str, known_name: str | None = None) -> PersonOf:
    phones = draft.phones("phone")
    person_code = draft.optional(code, clean.code)
    person_name = known_name or draft.optional(name, clean.name)
    gender = draft.optional("gender", clean.gender)
    if person_name is not None and gender is None:
        gender = clean.gender_of_title(person_name)
    return PersonOf(person_code, person_name, phones, gender)


def _car(draft: Draft) -> CarOf:
    return CarOf(
        vin=draft.optional("vin", clean.vin),
        plate=draft.optional("plate", clean.plate_or_none),
        engine_number=draft.optional("engine_number", clean.code),
        model=draft.optional("model", clean.line),
        colour=draft.optional("colour", clean.line),
        interval_months=draft.optional("interval_months", clean.count),
        interval_km=draft.scaled("interval_km", clean.kilometres),
    )


def _staff(draft: Draft, *fields: str) -> tuple[tuple[str, str], ...]:
    named = ((STAFF_ROLES[field], draft.person(field)) for field in fields)
    return tuple((role, name) for role, name in named if name is not None)


def _name_in(staff: tuple[tuple[str, str], ...], role: str) -> str | None:
    return next((name for held, name in staff if held == role), None)


def _warn_without_phone(draft: Draft, phones: Sequence[object]) -> None:
    """One warning for a person nobody can ring, whether the cell is bad (said already) or empty."""
    if not phones and not any(problem.reason.startswith("phone_") for problem in draft.warnings):
        draft.warn(draft.heading("phone"), draft.raw("phone"), Reason.NO_PHONE)


def _customer(draft: Draft) -> CustomerRow:
    name = draft.required("name", clean.name)
    person = _person(draft, "external_code", "name", name)
    _warn_without_phone(draft, person.phones)
    kind = draft.optional("kind", clean.customer_kind)
    return CustomerRow(
        line=draft.line,
        person=person,
        name=name,
        kind=kind or ("organisation" if clean.is_organisation(name) else "person"),
        wechat=draft.optional("wechat", clean.wechat),
        email=draft.optional("email", clean.email),
        birthday=draft.optional("birthday", lambda text: dates.birthday(text, draft.context.today)),
        region=draft.optional("region", clean.line),
        address=draft.optional("address", clean.line),
        preferred_channel=draft.optional("preferred_channel", clean.channel),
        filed_on=draft.day("filed_on"),
        source=draft.optional("source", clean.line),
        note=draft.optional("note", clean.words),
        marketing_consent=draft.flag("marketing_consent"),
        staff=_staff(draft, "consultant", "advisor", "followup_specialist", "insurance_specialist", "renewal_specialist"),
    )


def _sale(draft: Draft) -> SaleRow:
    person = _person(draft, "customer_code", "customer_name")
    draft.any_of("customer_name", "customer_code", given=(person.code, person.name))
    delivered_on = draft.required_day("delivered_on")
    car = _car(draft)
    draft.any_of("vin", "plate", "engine_number", given=(car.vin, car.plate, car.engine_number))
    staff = _staff(draft, "consultant", "insurance_specialist", "renewal_specialist")
    return SaleRow(
        line=draft.line,
        person=person,
        car=car,
        external_code=draft.optional("external_code", clean.code),
        delivered_on=delivered_on,
        insured=draft.flag("insured"),
        insurer=draft.optional("insurer", clean.line),
        policy_expires_on=draft.day("policy_expires_on"),
        plated=draft.flag("plated"),
        price_fen=draft.scaled("price_fen", clean.fen),
        card_handed_on=draft.day("card_handed_on"),
        excluded=draft.optional("excluded", clean.excluded) or False,
        consultant=_name_in(staff, "sales_consultant"),
        staff=staff,
    )


def _work_order(draft: Draft) -> WorkOrderRow:
    number = draft.required("number", clean.code)
    closed_at = draft.required("closed_at", draft.moment)
    car = _car(draft)
    draft.any_of("vin", "plate", given=(car.vin, car.plate))
    contacts = draft.phones("contact_phone")
    staff = _staff(draft, "advisor", "technician")
    return WorkOrderRow(
        line=draft.line,
        person=_person(draft, "customer_code", "customer_name"),
        car=car,
        number=number,
        kind=_order_kind(draft),
        opened_at=_opened_before(draft, closed_at),
        closed_at=closed_at,
        mileage_km=draft.scaled("mileage_km", clean.kilometres),
        items=draft.optional("items", clean.words),
        fee_fen=draft.scaled("fee_fen", clean.fen),
        contact_name=draft.optional("contact_name", clean.name),
        contact_phone=contacts[0] if contacts else None,
        advisor=_name_in(staff, "service_advisor"),
        technician=_name_in(staff, "technician"),
        excluded=draft.optional("excluded", clean.excluded) or False,
        staff=staff,
    )


def _order_kind(draft: Draft) -> str:
    """An unknown kind is kept as a repair and warned of: a customer too many is called, rather than one too few."""
    return draft.optional("kind", clean.order_kind) or "repair"


def _opened_before(draft: Draft, closed_at: datetime) -> datetime | None:
    opened_at = draft.optional("opened_at", draft.moment)
    if opened_at is not None and opened_at > closed_at and opened_at.date() > closed_at.date():
        draft.warn(draft.heading("opened_at"), draft.raw("opened_at"), Reason.CLOSED_BEFORE_OPENED)
        return None
    return opened_at


def _lead(draft: Draft) -> LeadRow:
    person = _person(draft, "customer_code", "name", draft.required("name", clean.name))
    _warn_without_phone(draft, person.phones)
    staff = _staff(draft, "consultant")
    return LeadRow(
        line=draft.line,
        person=person,
        model=draft.optional("model", clean.line),
        expected_on=draft.day("expected_on"),
        first_visit_on=draft.day("first_visit_on"),
        source=draft.optional("source", clean.line),
        state=draft.optional("state", clean.lead_state),
        lost_reason=draft.optional("lost_reason", clean.line),
        note=draft.optional("note", clean.words),
        marketing_consent=draft.flag("marketing_consent"),
        consultant=_name_in(staff, "sales_consultant"),
        staff=staff,
    )


def _policy(draft: Draft) -> PolicyRow:
    car = _car(draft)
    draft.any_of("vin", "plate", given=(car.vin, car.plate))
    return PolicyRow(
        line=draft.line,
        person=_person(draft, "customer_code", "customer_name"),
        car=car,
        number=draft.optional("number", clean.code),
        insurer=draft.optional("insurer", clean.line),
        starts_on=draft.day("starts_on"),
        expires_on=draft.required("expires_on", draft.within),
        result=draft.optional("result", clean.renewal_result),
        staff=_staff(draft, "insurance_specialist", "renewal_specialist"),
    )


def _staff_member(draft: Draft) -> StaffRow:
    phones = draft.phones("phone")
    return StaffRow(
        line=draft.line,
        name=draft.required("name", clean.name),
        roles=draft.required("roles", clean.roles),
        phone=phones[0] if phones else None,
        active=draft.flag("active"),
    )


def _opt_out(draft: Draft) -> OptOutRow:
    phones = draft.phones("phone")
    email = draft.optional("email", clean.email)
    draft.any_of("phone", "email", given=(phones or None, email))
    return OptOutRow(
        line=draft.line,
        phones=phones,
        email=email,
        channel=draft.optional("channel", clean.opt_out_channel) or "all",
        at=draft.optional("at", draft.moment),
        note=draft.optional("note", clean.line),
    )


_BUILDERS: Final[Mapping[Kind, Callable[[Draft], Row]]] = {
    Kind.CUSTOMERS: _customer,
    Kind.SALES: _sale,
    Kind.WORK_ORDERS: _work_order,
    Kind.LEADS: _lead,
    Kind.POLICIES: _policy,
    Kind.STAFF: _staff_member,
    Kind.OPT_OUTS: _opt_out,
}
