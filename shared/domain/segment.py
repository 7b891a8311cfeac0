"""A segment: who a campaign is for, as data that is checked before it is used, with every fault named by its JSON pointer.

All conditions must hold; of the values of one condition any one does. Money in fen, distances in km, ages in months, days of the
store. Conditions on a car are about one car: it must fulfil all of them (domain.md §4 `campaign`, decisions.md "service_preferences").
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Literal, TypeVar
from uuid import UUID

from shared.domain.vin import VinFault, normalise_vin
from shared.domain.voucher import KINDS

Fault = tuple[str, str]
T = TypeVar("T")

LIFECYCLES = ("prospect", "lead", "owner", "lost_deal", "churn_risk", "churned")
CHANNELS = ("phone", "wechat", "sms", "email")
TIERS = ("high_value", "normal")
VOUCHER_STATES = ("open", "expired", "redeemed")
MOST_VALUES, MOST_VINS = 200, 20_000
LARGEST = 2**53
OLDEST_MONTHS = 1200


class SegmentInvalid(ValueError):
    """A segment that cannot be used. `faults`: (JSON pointer within the segment, what is wrong), in order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{pointer or '/'}: {message}" for pointer, message in self.faults))


@dataclass(frozen=True)
class Between:
    """From `least` to `most`, both included; None is open."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Spent:
    """What a customer paid for work orders in the last `months`, in fen."""

    amount_fen: Between
    months: int = 12


@dataclass(frozen=True)
class HasVoucher:
    """A voucher of some kind (None: any), in a state, perhaps whose last day comes before a day."""

    kind: str | None = None
    state: Literal["open", "expired", "redeemed"] = "open"
    expires_before: date | None = None


@dataclass(frozen=True)
class Segment:
    """Who is meant. An empty tuple or None does not narrow."""

    lifecycle: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    without_flags: tuple[str, ...] = ()
    tier: Literal["high_value", "normal"] | None = None
    regions: tuple[str, ...] = ()
    service_preferences: tuple[str, ...] = ()
    preferred_channels: tuple[str, ...] = ()
    holder_ids: tuple[UUID, ...] = ()
    customer_ids: tuple[UUID, ...] = ()
    last_visit_before: date | None = None
    last_visit_after: date | None = None
    spent: Spent | None = None
    voucher: HasVoucher | None = None
    models: tuple[str, ...] = ()
    vins: tuple[str, ...] = ()
    mileage_km: Between | None = None
    car_age_months: Between | None = None
    delivered_after: date | None = None
    delivered_before: date | None = None

    @property
    def about_cars(self) -> bool:
        """True when a condition is about a car."""
        return any(getattr(self, name) for name in CAR_CONDITIONS)


CAR_CONDITIONS = ("models", "vins", "mileage_km", "car_age_months", "delivered_after", "delivered_before")
CONDITIONS = tuple(field.name for field in fields(Segment))


def parse_segment(data: object) -> Segment:
    """The segment of plain data. Raises SegmentInvalid with every fault; data that narrows nothing is a fault too."""
    if not isinstance(data, Mapping):
        raise SegmentInvalid([("", "a segment is an object of conditions")])
    reading = _Reading(data)
    segment = reading.segment()
    faults = reading.faults or [*_contradictions(segment)]
    if not faults and segment == Segment():
        faults = [("", f"say who: at least one of {', '.join(CONDITIONS)}")]
    if faults:
        raise SegmentInvalid(faults)
    return segment


def _contradictions(segment: Segment) -> Iterable[Fault]:
    both = sorted(set(segment.flags) & set(segment.without_flags))
    if both:
        yield "/without_flags", f"{both[0]} is asked for in flags"
    if segment.tier == "normal" and "high_value" in segment.flags:
        yield "/tier", "normal, but flags asks for high_value"
    age = segment.car_age_months
    for name in ("least", "most"):
        if age is not None and (getattr(age, name) or 0) > OLDEST_MONTHS:
            yield f"/car_age_months/{name}", f"at most {OLDEST_MONTHS} months"
    for before, after in (("last_visit_before", "last_visit_after"), ("delivered_before", "delivered_after")):
        end, start = getattr(segment, before), getattr(segment, after)
        if end is not None and start is not None and end <= start:
            yield f"/{before}", f"not later than {after}: nobody is meant"


class _Reading:
    """One segment being read; faults are noted, not raised."""

    def __init__(self, data: Mapping[object, object]) -> None:
        self.data = data
        self.faults: list[Fault] = [
            (f"/{key}", f"no such condition; known are {', '.join(CONDITIONS)}") for key in data if key not in CONDITIONS
        ]

    def segment(self) -> Segment:
        return Segment(
            lifecycle=self._words("lifecycle", LIFECYCLES),
            flags=self._words("flags"),
            without_flags=self._words("without_flags"),
            tier=self._one("tier", "", TIERS),  # type: ignore[arg-type]  # one of TIERS, as the literal says
            regions=self._words("regions"),
            service_preferences=self._words("service_preferences"),
            preferred_channels=self._words("preferred_channels", CHANNELS),
            holder_ids=self._list("holder_ids", _id),
            customer_ids=self._list("customer_ids", _id, MOST_VINS),
            last_visit_before=self._day("last_visit_before"),
            last_visit_after=self._day("last_visit_after"),
            spent=self._spent(),
            voucher=self._voucher(),
            models=self._words("models"),
            vins=self._list("vins", _vin, MOST_VINS),
            mileage_km=self._between("mileage_km", self.data.get("mileage_km"), ("least", "most")),
            car_age_months=self._between("car_age_months", self.data.get("car_age_months"), ("least", "most")),
            delivered_after=self._day("delivered_after"),
            delivered_before=self._day("delivered_before"),
        )

    def _words(self, name: str, known: Iterable[str] | None = None) -> tuple[str, ...]:
        allowed = None if known is None else frozenset(known)

        def word(value: object) -> str:
            if not isinstance(value, str) or not 0 < len(value.strip()) <= 100 or "\x00" in value:
                raise ValueError("a text of 1 to 100 characters")
            if allowed is not None and value not in allowed:
                raise ValueError(f"one of {', '.join(sorted(allowed))}")
            return value.strip()

        return self._list(name, word)

    def _list(self, name: str, read: Callable[[object], T], most: int = MOST_VALUES) -> tuple[T, ...]:
        value = self.data.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not value:
            self.faults.append((f"/{name}", "a list with at least one value"))
            return ()
        if len(value) > most:
            self.faults.append((f"/{name}", f"at most {most} values"))
            return ()
        found = []
        for place, item in enumerate(value):
            try:
                found.append(read(item))
            except ValueError as fault:
                self.faults.append((f"/{name}/{place}", str(fault)))
        return tuple(dict.fromkeys(found))

    def _one(self, name: str, under: str, known: Iterable[str], data: Mapping[object, object] | None = None) -> str | None:
        value = (self.data if data is None else data).get(name)
        if value is None or value in tuple(known):
            return value if isinstance(value, str) else None
        self.faults.append((f"{under}/{name}", f"one of {', '.join(known)}"))
        return None

    def _day(self, name: str, under: str = "", data: Mapping[object, object] | None = None) -> date | None:
        value = (self.data if data is None else data).get(name)
        if value is None:
            return None
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            day = None
        if day is None or not 1900 <= day.year < 2200:
            self.faults.append((f"{under}/{name}", "a day such as 2026-11-23"))
            return None
        return day

    def _between(self, under: str, value: object, names: tuple[str, str]) -> Between | None:
        if value is None:
            return None
        if not isinstance(value, Mapping) or not set(value) & set(names):
            self.faults.append((f"/{under}", f"an object with {names[0]} or {names[1]}"))
            return None
        self._no_other(under, value, names)
        least, most = (self._number(f"/{under}/{name}", value.get(name)) for name in names)
        if least is not None and most is not None and least > most:
            self.faults.append((f"/{under}/{names[0]}", f"more than {names[1]}: nobody is meant"))
        return Between(least, most)

    def _number(self, pointer: str, value: object) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
            self.faults.append((pointer, "a whole number, not negative"))
            return None
        return value

    def _spent(self) -> Spent | None:
        value = self.data.get("spent")
        if not isinstance(value, Mapping):
            self._between("spent", value, ("least_fen", "most_fen"))
            return None
        amount = {name: given for name, given in value.items() if name != "months"}
        between = self._between("spent", amount, ("least_fen", "most_fen"))
        months = self._number("/spent/months", value.get("months", 12))
        if months is not None and not 1 <= months <= 120:
            self.faults.append(("/spent/months", "1 to 120 months"))
        return Spent(between, months or 12) if between else None

    def _voucher(self) -> HasVoucher | None:
        value = self.data.get("voucher")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.faults.append(("/voucher", "an object with kind, state, expires_before"))
            return None
        self._no_other("voucher", value, ("kind", "state", "expires_before"))
        kind = self._one("kind", "/voucher", KINDS, value)
        state = self._one("state", "/voucher", VOUCHER_STATES, value) or "open"
        until = self._day("expires_before", "/voucher", value)
        return HasVoucher(kind, state, until)  # type: ignore[arg-type]  # one of VOUCHER_STATES, as the literal says

    def _no_other(self, under: str, value: Mapping[object, object], names: Iterable[str]) -> None:
        known = tuple(names)
        self.faults += [(f"/{under}/{key}", f"no such field; known are {', '.join(known)}") for key in value if key not in known]


def _id(value: object) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("no id") from None


def _vin(value: object) -> str:
    try:
        return normalise_vin(value if isinstance(value, str) else "")
    except VinFault as fault:
        raise ValueError(f"not a VIN: {fault.code}") from None
