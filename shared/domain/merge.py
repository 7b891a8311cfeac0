"""Two files of one customer made one (domain.md §10.9). Pure.

History, running clocks and promised call-backs are kept; the strictest consent wins; of two visits for the same
(vehicle, step, trigger) the earlier stays; two rows of the same car become one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.domain.consent import Purpose, Standing, strictest

CHANNELS = ("sms", "email", "phone", "wechat")
ALL = "all"

FILLED = (
    "gender",
    "birthday",
    "region",
    "address",
    "source",
    "holder_id",
    "language",
    "preferred_channel",
    "calling_hours",
)
"""Fields of the file that stays which are taken from the other when they are empty."""

CAR_FILLED = (
    "plate",
    "vin",
    "engine_number",
    "model",
    "colour",
    "purchased_on",
    "interval_months",
    "interval_km",
)

# The further a customer has come, the later in this list; of two files the further one is right.
_LIFECYCLES = ("lost_deal", "prospect", "lead", "churned", "churn_risk", "owner")


@dataclass(frozen=True)
class CarFacts:
    """A car that is still its owner's: what tells whether two rows mean the same one."""

    id: UUID
    vin: str | None
    plate: str | None
    engine_number: str | None = None


@dataclass(frozen=True)
class OpenVisit:
    """An open visit of either file, its car being that of the united file.

    `day`: the store's day of the trigger. `kept`: it is of the file that stays.
    """

    id: UUID
    kept: bool
    vehicle_id: UUID | None
    programme: str
    step: str
    trigger_type: str
    day: date
    due_at: datetime
    tries: int = 0
    promised_at: datetime | None = None


@dataclass(frozen=True)
class Twins:
    """Visits for the same (vehicle, step, trigger): the one that stays, those that are cancelled, and the promise that it carries."""

    stays: UUID
    cancelled: tuple[UUID, ...]
    promised_at: datetime | None


@dataclass(frozen=True)
class ConsentRow:
    """A consent of a file: `standing` while it has not been withdrawn."""

    id: UUID
    purpose: str
    channel: str
    standing: bool


@dataclass(frozen=True)
class NewConsent:
    """A row that says for the united file what neither of its rows says: a grant for one channel, or a refusal."""

    purpose: str
    channel: str
    granted: bool
    like: UUID | None


@dataclass(frozen=True)
class ConsentPlan:
    """What becomes of the consents of the file that stays: rows set aside, rows added."""

    set_aside: tuple[UUID, ...]
    added: tuple[NewConsent, ...]


def same_cars(kept: Sequence[CarFacts], merged: Sequence[CarFacts]) -> dict[UUID, UUID]:
    """Which rows of the file that goes mean a car of the file that stays: id → id.

    The same VIN; else the same engine number or plate, unless both rows have a VIN and these differ.
    """
    found: dict[UUID, UUID] = {}
    free = list(kept)
    for car in merged:
        same = next((other for other in free if _same(car, other)), None)
        if same is not None:
            found[car.id] = same.id
            free.remove(same)
    return found


def _same(one: CarFacts, other: CarFacts) -> bool:
    if one.vin and other.vin:
        return one.vin == other.vin
    pairs = ((one.engine_number, other.engine_number), (one.plate, other.plate))
    return any(mine and mine == theirs for mine, theirs in pairs)


def twins(visits: Iterable[OpenVisit]) -> list[Twins]:
    """The visits that both files have for the same (vehicle, step, trigger).

    One whose ladder runs stays, else the earlier; the earliest promise of all of them goes along. A sale is one trigger whatever the
    day, for a car is delivered to a customer once; other triggers are the same on the same day.
    """
    groups: dict[tuple[object, ...], list[OpenVisit]] = defaultdict(list)
    for visit in visits:
        once = visit.trigger_type.split(".")[0] in ("sale", "card")
        groups[visit.vehicle_id, visit.programme, visit.step, visit.trigger_type, None if once else visit.day].append(visit)
    found = []
    for group in groups.values():
        if len({visit.kept for visit in group}) < 2:
            continue
        stays, *rest = sorted(group, key=lambda visit: (-visit.tries, visit.due_at, not visit.kept, visit.id))
        promises = [visit.promised_at for visit in group if visit.promised_at is not None]
        found.append(Twins(stays.id, tuple(visit.id for visit in rest), min(promises, default=None)))
    return found


def united_fields(kept: Mapping[str, Any], merged: Mapping[str, Any]) -> dict[str, Any]:
    """What changes in the file that stays: empty fields filled, flags and wishes united, notes one after the other, the earlier date
    of filing, the further stage of life.
    """
    changes: dict[str, Any] = {name: merged[name] for name in FILLED if kept.get(name) is None and merged.get(name) is not None}
    for name in ("flags", "service_preferences"):
        both = list(dict.fromkeys([*kept[name], *merged[name]]))
        if both != list(kept[name]):
            changes[name] = both
    if merged.get("note") and merged["note"] != kept.get("note"):
        changes["note"] = "\n".join(note for note in (kept.get("note"), merged["note"]) if note)
    if merged.get("filed_on") and (kept.get("filed_on") is None or merged["filed_on"] < kept["filed_on"]):
        changes["filed_on"] = merged["filed_on"]
    further = max(kept["lifecycle"], merged["lifecycle"], key=_LIFECYCLES.index)
    if further != kept["lifecycle"]:
        changes["lifecycle"] = further
    return changes


def consent_plan(kept: Sequence[ConsentRow], merged: Sequence[ConsentRow]) -> ConsentPlan:
    """How the consents of the file that stays become the strictest of both, channel by channel.

    A grant the other file does not share is set aside, not withdrawn: silence and refusal are not the same. What remains granted of a
    grant for all channels is added channel by channel; a refusal of the other file is added as a refusal.
    """
    aside: list[UUID] = []
    added: list[NewConsent] = []
    wanted = {channel: strictest(_said(kept, channel), _said(merged, channel)) for channel in CHANNELS}
    for purpose in Purpose:
        mine = [row for row in kept if row.purpose == purpose and row.standing]
        left = {channel for channel in CHANNELS if wanted[channel][purpose] is Standing.GRANTED}
        for row in mine:
            if not (set(CHANNELS) if row.channel == ALL else {row.channel}) <= left:
                aside.append(row.id)
                own = left if row.channel == ALL else set[str]()
                others = {other.channel for other in mine if other.id != row.id}
                added += [NewConsent(purpose, channel, True, row.id) for channel in CHANNELS if channel in own - others]
        refused = [channel for channel in CHANNELS if wanted[channel][purpose] is Standing.WITHDRAWN]
        missing = [channel for channel in refused if not any(_covers(row, purpose, channel) and not row.standing for row in kept)]
        whole = [ALL] if len(missing) == len(CHANNELS) else missing
        added += [NewConsent(purpose, channel, False, None) for channel in whole]
    return ConsentPlan(tuple(aside), tuple(added))


def _said(rows: Iterable[ConsentRow], channel: str) -> dict[Purpose, Standing]:
    said: dict[Purpose, Standing] = {}
    for row in rows:
        if row.channel in (channel, ALL) and row.purpose in set(Purpose):
            word = Standing.GRANTED if row.standing else Standing.WITHDRAWN
            purpose = Purpose(row.purpose)
            said[purpose] = max(said.get(purpose, Standing.WITHDRAWN), word)
    return said


def _covers(row: ConsentRow, purpose: Purpose, channel: str) -> bool:
    return row.purpose == purpose and row.channel in (channel, ALL)


def similar_names(one: str, other: str) -> bool:
    """May two names mean one person? The same, one a part of the other (王先生 is no name), or one sign apart in three or more."""
    first, second = one.strip().casefold(), other.strip().casefold()
    if first == second:
        return True
    short, long = sorted((first, second), key=len)
    if len(short) >= 2 and short in long:
        return True
    return len(first) == len(second) >= 3 and sum(a != b for a, b in zip(first, second, strict=True)) == 1
