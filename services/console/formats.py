"""How values look to people, in the store's zone (desk.md §13). Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]

WEEKDAYS: dict[Language, tuple[str, ...]] = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NEAR: dict[Language, dict[int, str]] = {
    "zh": {-1: "昨天", 0: "今天", 1: "明天"},
    "en": {-1: "yesterday", 0: "today", 1: "tomorrow"},
}
NOTHING = "—"


def instant(value: str | datetime) -> datetime:
    """An instant of the API, or one already read."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def day(value: date, today: date, language: Language) -> str:
    """`11-24 周二`, `Tue 24 Nov`; another year is named."""
    weekday = WEEKDAYS[language][value.weekday()]
    if language == "en":
        return f"{weekday} {value.day} {MONTHS[value.month - 1]}" + (f" {value.year}" if value.year != today.year else "")
    return f"{value:%m-%d} {weekday}" if value.year == today.year else f"{value:%Y-%m-%d}"


def near(at: datetime, now: datetime, zone: tzinfo, language: Language) -> str:
    """`今天 14:30`, `11-24 周二 14:30`: an instant as people say it."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    word = NEAR[language].get((local.date() - today).days)
    return f"{word or day(local.date(), today, language)} {local:%H:%M}"


def spoken(at: datetime, now: datetime, zone: tzinfo, language: Language) -> str:
    """`明天（周三）16:00`: as `near`, the weekday always named, for a sentence that must not be misread."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    word, weekday = NEAR[language].get((local.date() - today).days), WEEKDAYS[language][local.weekday()]
    if word is None:
        return f"{day(local.date(), today, language)} {local:%H:%M}"
    return f"{word} ({weekday}) {local:%H:%M}" if language == "en" else f"{word}（{weekday}）{local:%H:%M}"


def length(span: timedelta, language: Language) -> str:
    """`1小时20分`, `2 天`: the two largest units that matter."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} 天" if language == "zh" else f"{days} d"
    if language == "en":
        return f"{hours} h {rest:02} min" if hours else f"{rest} min"
    return f"{hours}小时{rest:02}分" if hours else f"{rest}分钟"


def remainder(until: datetime, now: datetime, zone: tzinfo, language: Language) -> str:
    """What is left until a deadline (exclusive), or by how much it is over: `剩 3小时20分`, `逾期 2 天`."""
    if until > now:
        left = length(until - now, language)
        return f"剩 {left}" if language == "zh" else f"{left} left"
    # A deadline is the midnight after the last day: late by a day as soon as that day is over.
    days = (now.astimezone(zone).date() - (until - timedelta(microseconds=1)).astimezone(zone).date()).days
    late = f"{days} 天" if language == "zh" else f"{days} d"
    late = late if days else length(now - until, language)
    return f"逾期 {late}" if language == "zh" else f"{late} late"


def deadline(until: datetime, now: datetime, zone: tzinfo, language: Language) -> str:
    """The last day of a window whose end is exclusive: `今天`, `11-24 周二`."""
    last, today = (until - timedelta(microseconds=1)).astimezone(zone).date(), now.astimezone(zone).date()
    return NEAR[language].get((last - today).days) or day(last, today, language)


def plate(value: str | None) -> str:
    """`沪A·12345`."""
    if not value:
        return NOTHING
    return f"{value[:2]}·{value[2:]}" if len(value) > 2 and "·" not in value else value


def money(fen: int | None) -> str:
    """`¥1,280`, with cents only when there are any."""
    if fen is None:
        return NOTHING
    return f"¥{fen // 100:,}" + (f".{fen % 100:02}" if fen % 100 else "")


def kilometres(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,} km"


def grouped(phone: str) -> str:
    """`138 0013 1234` of `+8613800131234`; another number as it came."""
    bare = phone.removeprefix("+86")
    return f"{bare[:3]} {bare[3:7]} {bare[7:]}" if len(bare) == 11 and bare.startswith("1") else phone
