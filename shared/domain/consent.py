"""May a message go? Asked when it is planned and again at the moment of sending, with the facts of that moment.

Follow-up, satisfaction and recalls rest on contract and legal duty; marketing and sharing need a consent row (PIPL
13, 14, 23).
Opt-outs, marks and caps belong to the number, over all stores. Quiet hours, caps and a complaint hold a message
back; what cannot
go before it expires, or may not go at all, is suppressed with its reason.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Literal

from shared.domain.visit import Channel


class Purpose(StrEnum):
    """What a message is for; each has its own legal basis."""

    SERVICE_FOLLOWUP = "service_followup"
    SATISFACTION = "satisfaction"
    RECALL_SAFETY = "recall_safety"
    MARKETING = "marketing"
    THIRD_PARTY_SHARE = "third_party_share"


class Standing(IntEnum):
    """What the customer said about a purpose; the lower, the stricter."""

    WITHDRAWN = 0
    SILENT = 1
    GRANTED = 2


NEEDS_CONSENT: frozenset[Purpose] = frozenset({Purpose.MARKETING, Purpose.THIRD_PARTY_SHARE})
MARKETING_PURPOSES: frozenset[str] = frozenset({"birthday", "anniversary", "holiday", "win_back_offer", "voucher", "campaign"})
"""Purposes of a visit that make its message marketing, whatever became of its programme since (decisions.md, "Programmes")."""

FROZEN_BY_COMPLAINT: frozenset[Purpose] = frozenset({Purpose.MARKETING, Purpose.SATISFACTION})
"""Birthday and holiday greetings and offers are marketing; renewal calls and messages are service and are not
frozen.
"""


def purpose_of(purposes: Collection[str], *, marketing: bool) -> Purpose:
    """What a contact with these purposes of a visit is, in the sense of the law (PIPL 13, 14). `marketing`: its step says so."""
    if Purpose.RECALL_SAFETY in purposes:
        return Purpose.RECALL_SAFETY
    if marketing or MARKETING_PURPOSES.intersection(purposes):
        return Purpose.MARKETING
    return Purpose.SATISFACTION if Purpose.SATISFACTION in purposes else Purpose.SERVICE_FOLLOWUP


OptOutScope = Literal["all_but_recall", "marketing", "sms", "email", "call"]


_OWN_SCOPE: Mapping[Channel, OptOutScope] = {Channel.SMS: "sms", Channel.EMAIL: "email", Channel.PHONE: "call"}


@dataclass(frozen=True)
class Sent:
    """An automatic message that went, or is going, to the number or address, from any store of the deployment."""

    at: datetime
    purpose: Purpose


@dataclass(frozen=True)
class ContactFacts:
    """Everything that bears on one message to one number or address.

    `consent`: what was said about each purpose (missing: silent); `opt_outs`: of the number, all stores;
    `bad_address`: marked wrong
    or invalid, or bounced; `wanted`: the visit still wants it (see `visit.still_wanted`; True for messages without a
    visit);
    `complaint_open`, `complaint_closed_at`: the newest of the customer; `expire_at`: after which it is stale;
    `sent`: the last 30 days.
    """

    consent: Mapping[Purpose, Standing] = field(default_factory=dict)
    opt_outs: frozenset[OptOutScope] = frozenset()
    has_address: bool = True
    bad_address: bool = False
    wanted: bool = True
    still_owner: bool = True
    deceased: bool = False
    erased: bool = False
    complaint_open: bool = False
    complaint_closed_at: datetime | None = None
    expire_at: datetime | None = None
    sent: Sequence[Sent] = ()


@dataclass(frozen=True)
class Cap:
    """At most `most` messages in any `within` (rolling)."""

    most: int
    within: timedelta


@dataclass(frozen=True)
class ContactPolicy:
    """The store's settings, all (d): windows are [from, to) on the store's clock; `urgent_recall`: a manager lets a
    recall go at night.
    """

    marketing_hours: tuple[time, time] = (time(9), time(20))
    service_hours: tuple[time, time] = (time(8, 30), time(20, 30))
    marketing_caps: tuple[Cap, ...] = (Cap(1, timedelta(days=7)), Cap(3, timedelta(days=30)))
    all_caps: tuple[Cap, ...] = (Cap(2, timedelta(days=1)),)
    gap_after_complaint: timedelta = timedelta(days=7)
    recheck_complaint_after: timedelta = timedelta(days=1)
    urgent_recall: bool = False


@dataclass(frozen=True)
class Allowed:
    """The message may go now."""


@dataclass(frozen=True)
class Held:
    """The message waits: ask again at `release_at`. Reasons: quiet_hours, cap_marketing, cap_all, complaint_open,
    complaint_gap.
    """

    release_at: datetime
    reason: str


@dataclass(frozen=True)
class Suppressed:
    """The message will not go.

    Reasons: deceased, erased, not_owner, visit_closed, no_address, number_wrong, opted_out, no_consent,
    consent_withdrawn, stale,
    and `stale_<reason of the hold>` when it could only go after it expired.
    """

    reason: str


Permission = Allowed | Held | Suppressed


def permission(facts: ContactFacts, purpose: Purpose, channel: Channel, now_local: datetime, policy: ContactPolicy) -> Permission:
    """May a message of this purpose go by this channel (sms or email) now?

    `now_local` is the business instant in the store's zone, with its offset; instants out carry the same zone. A
    recall keeps to
    the window unless urgent, but knows no opt-out, cap or freeze; even a recall never goes to a stranger's number,
    to somebody who
    sold the car, or to the dead.
    """
    if reason := _forbidden(facts, purpose, channel, now_local):
        return Suppressed(reason)
    holds = [hold for hold in _holds(facts, purpose, now_local, policy) if hold.release_at > now_local]
    if not holds:
        return Allowed()
    last = max(holds, key=lambda hold: hold.release_at)
    release_at = _in_hours(last.release_at, _hours(purpose, policy))
    if facts.expire_at is not None and release_at >= facts.expire_at:
        return Suppressed(f"stale_{last.reason}")
    return Held(release_at, last.reason)


def _forbidden(facts: ContactFacts, purpose: Purpose, channel: Channel, now: datetime) -> str | None:
    faults = {
        "deceased": facts.deceased,
        "erased": facts.erased,
        "not_owner": not facts.still_owner,
        "visit_closed": not facts.wanted,
        "no_address": not facts.has_address,
        "number_wrong": facts.bad_address,
        "opted_out": opted_out(facts.opt_outs, purpose, channel),
        "stale": facts.expire_at is not None and now >= facts.expire_at,
    }
    return next((reason for reason, holds in faults.items() if holds), None) or _unconsented(facts, purpose)


def opted_out(opt_outs: Iterable[OptOutScope], purpose: Purpose, channel: Channel) -> bool:
    """Does an opt-out of the number or address forbid this purpose by this channel (phone: calls)? Recalls are never
    opted out of.
    """
    if purpose is Purpose.RECALL_SAFETY:
        return False
    scopes = set(opt_outs)
    return (
        "all_but_recall" in scopes
        or _OWN_SCOPE.get(channel) in scopes
        or ("marketing" in scopes and purpose is Purpose.MARKETING)
    )


def _unconsented(facts: ContactFacts, purpose: Purpose) -> str | None:
    standing = facts.consent.get(purpose, Standing.SILENT)
    if purpose is Purpose.RECALL_SAFETY or standing is Standing.GRANTED:
        return None
    if standing is Standing.WITHDRAWN:
        return "consent_withdrawn"
    return "no_consent" if purpose in NEEDS_CONSENT else None


def _holds(facts: ContactFacts, purpose: Purpose, now: datetime, policy: ContactPolicy) -> list[Held]:
    holds = [Held(_in_hours(now, _hours(purpose, policy)), "quiet_hours")]
    if purpose is Purpose.RECALL_SAFETY:
        return [] if policy.urgent_recall else holds
    if purpose in FROZEN_BY_COMPLAINT:
        holds += _freeze(facts, now, policy)
    if purpose is Purpose.MARKETING:
        marketing = [sent.at for sent in facts.sent if sent.purpose is Purpose.MARKETING]
        holds += [Held(_free_again(marketing, cap, now), "cap_marketing") for cap in policy.marketing_caps]
    everything = [sent.at for sent in facts.sent]
    return holds + [Held(_free_again(everything, cap, now), "cap_all") for cap in policy.all_caps]


def _freeze(facts: ContactFacts, now: datetime, policy: ContactPolicy) -> list[Held]:
    if facts.complaint_open:
        return [Held(now + policy.recheck_complaint_after, "complaint_open")]
    if facts.complaint_closed_at is not None:
        return [Held((facts.complaint_closed_at + policy.gap_after_complaint).astimezone(now.tzinfo), "complaint_gap")]
    return []


def _free_again(sent: Sequence[datetime], cap: Cap, now: datetime) -> datetime:
    """The first instant from `now` on at which one more message keeps within the cap."""
    recent = sorted(at for at in sent if at > now - cap.within)
    if len(recent) < cap.most:
        return now
    return (recent[-cap.most] + cap.within).astimezone(now.tzinfo)


def _hours(purpose: Purpose, policy: ContactPolicy) -> tuple[time, time]:
    return policy.marketing_hours if purpose is Purpose.MARKETING else policy.service_hours


def closes_at(purpose: Purpose, now_local: datetime, policy: ContactPolicy) -> datetime | None:
    """The instant at which the window of `now_local`'s day closes for this purpose, in the same zone; None: it never does."""
    if purpose is Purpose.RECALL_SAFETY and policy.urgent_recall:
        return None
    end = _hours(purpose, policy)[1]
    return now_local.replace(hour=end.hour, minute=end.minute, second=end.second, microsecond=0)


def _in_hours(at: datetime, hours: tuple[time, time]) -> datetime:
    """`at` itself when inside the window, else the window's next opening (wall clock of the zone of `at`)."""
    opens = at.replace(hour=hours[0].hour, minute=hours[0].minute, second=hours[0].second, microsecond=0)
    if at.time() < hours[0]:
        return opens
    return at if at.time() < hours[1] else opens + timedelta(days=1)


def strictest(first: Mapping[Purpose, Standing], second: Mapping[Purpose, Standing]) -> dict[Purpose, Standing]:
    """The consent of two files merged into one: for each purpose the stricter word. A grant in one file only is no
    grant of the merged
    person: the other file stands for somebody who was never asked (domain.md §10.9).
    """
    return {purpose: min(first.get(purpose, Standing.SILENT), second.get(purpose, Standing.SILENT)) for purpose in Purpose}
