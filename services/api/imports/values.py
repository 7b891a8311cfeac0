"""What rows say, cleaned: one frozen dataclass for each kind of file. Equal rows say the same; the line does not count."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from shared.phones import Phone


@dataclass(frozen=True, slots=True)
class PersonOf:
    """The customer a row speaks of: by code, else by name and phone. A name may be absent where a car says who it is."""

    code: str | None
    name: str | None
    phones: tuple[Phone, ...]
    gender: str | None = None


@dataclass(frozen=True, slots=True)
class CarOf:
    """The car a row speaks of: by VIN, else by plate, else by engine number."""

    vin: str | None
    plate: str | None
    engine_number: str | None = None
    model: str | None = None
    colour: str | None = None
    interval_months: int | None = None
    interval_km: int | None = None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A row of a customers file. `staff`: (role, name) of everybody named in it, the file's holder first."""

    line: int = field(compare=False)
    person: PersonOf
    name: str
    kind: str
    wechat: str | None
    email: str | None
    birthday: date | None
    region: str | None
    address: str | None
    preferred_channel: str | None
    filed_on: date | None
    source: str | None
    note: str | None
    marketing_consent: bool | None
    staff: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SaleRow:
    """A delivery."""

    line: int = field(compare=False)
    person: PersonOf
    car: CarOf
    external_code: str | None
    delivered_on: date
    insured: bool | None
    insurer: str | None
    policy_expires_on: date | None
    plated: bool | None
    price_fen: int | None
    card_handed_on: date | None
    excluded: bool
    consultant: str | None
    staff: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WorkOrderRow:
    """A closed order of the workshop."""

    line: int = field(compare=False)
    person: PersonOf
    car: CarOf
    number: str
    kind: str
    opened_at: datetime | None
    closed_at: datetime
    mileage_km: int | None
    items: str | None
    fee_fen: int | None
    contact_name: str | None
    contact_phone: Phone | None
    advisor: str | None
    technician: str | None
    excluded: bool
    staff: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LeadRow:
    """An intent to buy."""

    line: int = field(compare=False)
    person: PersonOf
    model: str | None
    expected_on: date | None
    first_visit_on: date | None
    source: str | None
    state: str | None
    lost_reason: str | None
    note: str | None
    marketing_consent: bool | None
    consultant: str | None
    staff: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """An insurance policy of a car."""

    line: int = field(compare=False)
    person: PersonOf
    car: CarOf
    number: str | None
    insurer: str | None
    starts_on: date | None
    expires_on: date
    result: str | None
    staff: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A member of the staff."""

    line: int = field(compare=False)
    name: str
    roles: tuple[str, ...]
    phone: Phone | None
    active: bool | None


@dataclass(frozen=True, slots=True)
class OptOutRow:
    """Numbers and an address that want no more of a channel."""

    line: int = field(compare=False)
    phones: tuple[Phone, ...]
    email: str | None
    channel: str
    at: datetime | None
    note: str | None


Row: TypeAlias = CustomerRow | SaleRow | WorkOrderRow | LeadRow | PolicyRow | StaffRow | OptOutRow
