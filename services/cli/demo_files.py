"""The demo's files, as a dealer's system would export them: the same people every time, days counted back from today."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.domain.vin import check_digit

CONSULTANTS = ("陈晓雯", "孙立军")
ADVISORS = ("周建国", "吴敏")
TECHNICIANS = ("马师傅", "胡师傅")
SPECIALISTS = ("林静",)

FAMILY = tuple("王李张刘杨黄赵徐朱高何郭罗郑谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁")
GIVEN = (
    "子轩",
    "雨桐",
    "建华",
    "丽娟",
    "志强",
    "晓燕",
    "浩然",
    "思远",
    "秀英",
    "国栋",
    "佳怡",
    "明哲",
    "海涛",
    "静怡",
    "文博",
    "春梅",
)
CITIES = ("浦东新区", "闵行区", "徐汇区", "杨浦区", "宝山区")
MODELS = ("朗逸", "途观L", "帕萨特", "ID.3", "途岳", "凌渡")
JOBS = {
    "保养": ("更换机油机滤", "四轮定位", "更换空调滤芯"),
    "维修": ("更换前刹车片", "检修空调不制冷"),
    "钣喷": ("左前门钣金喷漆",),
}

PEOPLE, SALES, RECENT, AGED, LEADS = 60, 22, 28, 10, 8
SEED = 20_26


@dataclass(frozen=True)
class Person:
    """A customer of the demo with their car."""

    code: str
    name: str
    phone: str
    gender: str
    plate: str
    vin: str
    model: str
    consultant: str
    advisor: str


def people() -> list[Person]:
    """The customers, always the same."""
    dice = random.Random(SEED)  # noqa: S311 - an invented list, not a secret
    return [_person(dice, number) for number in range(PEOPLE)]


def customers_file(people: Sequence[Person]) -> bytes:
    """客户档案: name, phone, where they live, who looks after them."""
    head = ("客户编号", "客户姓名", "手机", "性别", "地区", "销售顾问", "服务顾问", "营销同意")
    rows = (
        (p.code, p.name, p.phone, p.gender, CITIES[n % 5], p.consultant, p.advisor, "是" if n % 3 else "否")
        for n, p in enumerate(people)
    )
    return _csv(head, rows)


def sales_file(people: Sequence[Person], today: date) -> bytes:
    """车辆销售: cars handed over in the last days, so that the calls after a delivery are due now."""
    head = (
        "销售单号",
        "客户编号",
        "客户姓名",
        "手机",
        "VIN码",
        "车牌号",
        "车型",
        "交车日期",
        "是否投保",
        "是否上牌",
        "移交日期",
        "销售顾问",
    )
    return _csv(head, (_sale(n, p, today) for n, p in enumerate(people[:SALES])))


def work_orders_file(people: Sequence[Person], today: date) -> bytes:
    """维修工单: visits to the workshop of the last days, and some of half a year ago whose next maintenance is due."""
    head = ("工单号", "客户编号", "客户姓名", "手机", "VIN码", "车牌号", "车型", "维修类型", "进店时间", "结算时间", "进店里程")
    visitors = people[SALES : SALES + RECENT + AGED]
    return _csv((*head, "服务顾问", "技师", "维修项目", "金额"), (_order(n, p, today) for n, p in enumerate(visitors)))


def leads_file(today: date) -> bytes:
    """意向客户: people who looked and did not buy yet."""
    dice = random.Random(SEED + 1)  # noqa: S311 - an invented list, not a secret
    head = ("客户姓名", "手机", "意向车型", "首次到店日期", "销售顾问", "来源")
    rows = (
        (_name(dice), _phone(900 + n), dice.choice(MODELS), _day(today, 1 + n % 6), CONSULTANTS[n % 2], "自然到店")
        for n in range(LEADS)
    )
    return _csv(head, rows)


def _person(dice: random.Random, number: int) -> Person:
    return Person(
        code=f"D{number + 1:04d}",
        name=_name(dice),
        phone=_phone(number),
        gender=dice.choice(("男", "女")),
        plate=f"沪{dice.choice('ABCDEFGHJK')}{dice.randrange(10_000, 99_999)}",
        vin=_vin(dice, number),
        model=dice.choice(MODELS),
        consultant=CONSULTANTS[number % len(CONSULTANTS)],
        advisor=ADVISORS[number % len(ADVISORS)],
    )


def _sale(number: int, person: Person, today: date) -> tuple[str, ...]:
    days = 1 + number % 11
    plated = days > 3
    return (
        f"XS{number + 1:05d}",
        person.code,
        person.name,
        person.phone,
        person.vin,
        person.plate if plated else "未上牌",
        person.model,
        _day(today, days),
        "是" if number % 4 else "否",
        "是" if plated else "否",
        _day(today, days - 2) if days > 4 else "",
        person.consultant,
    )


def _order(number: int, person: Person, today: date) -> tuple[str, ...]:
    recent = number < RECENT
    kind = ("保养", "维修", "保养", "钣喷")[number % 4] if recent else "保养"
    day = _day(today, 1 + number % 6 if recent else 176 + number % 12)
    jobs = JOBS[kind]
    return (
        f"WO{number + 1:06d}",
        person.code,
        person.name,
        person.phone,
        person.vin,
        person.plate,
        person.model,
        kind,
        f"{day} 09:{number % 50 + 10}",
        f"{day} 15:{number % 50 + 10}",
        str(8_000 + 730 * number),
        person.advisor,
        TECHNICIANS[number % 2],
        jobs[number % len(jobs)],
        str(380 + 45 * (number % 20)),
    )


def _name(dice: random.Random) -> str:
    return dice.choice(FAMILY) + dice.choice(GIVEN)


def _phone(number: int) -> str:
    """Numbers that look right and are nobody's to be called: nothing is sent from a demo but to the outbox."""
    return f"1380000{number + 1100:04d}"


def _vin(dice: random.Random, number: int) -> str:
    body = f"LSVA{dice.choice('BCDEFGH')}4180N2{number:06d}"
    return body[:8] + check_digit(body) + body[9:]


def _day(today: date, back: int) -> str:
    return (today - timedelta(days=back)).isoformat()


def _csv(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
