"""What a message of an occasion names beside the customer and the car: the voucher, the festival, the years. Read by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.notifier.known import Row
from shared.db import Connection
from shared.domain.festival import FestivalRule
from shared.domain.programme import Trigger
from shared.domain.voucher import KINDS, wording
from shared.holidays import festival_days
from shared.planning.occasions import day_of_turn, festivals_of
from shared.stores import StoreContext
from shared.vouchers import Held, held_for

VOUCHER = "voucher"
_OCCASIONS = (Trigger.HOLIDAY, Trigger.ANNIVERSARY, Trigger.POLICY_NEARS_END)


@dataclass(frozen=True)
class Occasion:
    """What there is to say beside the usual."""

    voucher: Held | None = None
    festivals: tuple[FestivalRule, ...] = ()
    years: int | None = None
    ends_on: date | None = None


async def occasions_of(conn: Connection, store: StoreContext, visits: Sequence[Row]) -> dict[UUID, Occasion]:
    """By visit. Most visits have none, and then nothing is asked of the database."""
    bearing = [visit["id"] for visit in visits if VOUCHER in visit["purposes"]]
    vouchers = await held_for(conn, store.id, bearing) if bearing else {}
    found = {visit["id"]: _occasion(visit, store, vouchers) for visit in visits if _is_one(visit, vouchers)}
    return found


def words_of(occasion: Occasion | None, language: str) -> dict[str, str]:
    """The variables of a template that an occasion fills; none of them without one."""
    if occasion is None:
        return {}
    words = {}
    if occasion.voucher is not None:
        held = occasion.voucher
        until = held.valid_to
        words["voucher_code"] = held.code
        words["voucher_text"] = wording(KINDS[held.kind], language, held.value_fen, held.percent_off)
        words["voucher_until"] = f"{until.year}年{until.month}月{until.day}日" if language == "zh" else f"{until:%d %b %Y}"
    if occasion.festivals:
        names = [rule.zh if language == "zh" else rule.en for rule in occasion.festivals]
        words["festival"] = "、".join(names) if language == "zh" else " and ".join(names)
    if occasion.years is not None:
        words["years"] = str(occasion.years)
    if (day := occasion.ends_on) is not None:
        words["policy_expires_on"] = f"{day.month}月{day.day}日" if language == "zh" else f"{day:%d %b}"
    return words


def _is_one(visit: Row, vouchers: Mapping[UUID, Held]) -> bool:
    return visit["id"] in vouchers or visit["trigger_type"] in _OCCASIONS


def _occasion(visit: Row, store: StoreContext, vouchers: Mapping[UUID, Held]) -> Occasion:
    festivals: tuple[FestivalRule, ...] = ()
    if visit["trigger_type"] == Trigger.HOLIDAY:
        day = day_of_turn(visit["occurrence"])
        festivals = tuple(rule for rule, _ in festival_days(festivals_of(store), day, day))
    years = visit["occurrence"] if visit["trigger_type"] == Trigger.ANNIVERSARY else None
    # A policy's visit is triggered by the day the policy ends.
    ends_on = store.calendar.day_of(visit["trigger_at"]) if visit["trigger_type"] == Trigger.POLICY_NEARS_END else None
    return Occasion(vouchers.get(visit["id"]), festivals, years, ends_on)
