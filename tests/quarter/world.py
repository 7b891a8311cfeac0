"""The town: who lives in it, which cars they have, what they are like. The same for the same seed."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from shared.domain.calendar import anniversary
from shared.domain.vin import check_digit

FAMILY = tuple("王李张刘杨黄赵徐朱高何郭罗郑谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁")
GIVEN = tuple("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红鹏燕波")
MODELS = ("朗逸", "途观L", "帕萨特", "ID.3", "途岳", "凌渡")
INSURERS = ("平安保险", "人保财险", "太平洋保险")
JOBS = {
    "maintenance": "更换机油机滤",
    "repair": "更换前刹车片",
    "bodywork": "左前门钣金喷漆",
    "claim": "更换天窗电机（索赔）",
    "internal": "PDI 检查",
}

BOUGHT_HERE = 0.25  # of the customers; the others only come to the workshop
DORMANT = 0.5  # of the files of a dealer's system: nobody has seen the car for more than a year
WITH_EMAIL, WITH_CONSENT = 0.35, 0.55
WRONG_NUMBERS, NO_NUMBER = 0.02, 0.01
OLDEST_CAR = 7 * 365


@dataclass
class Person:
    """A customer with a car, and what they are like on the telephone."""

    number: int
    code: str
    name: str
    phone: str
    email: str
    gender: str
    preferred: str
    consent: bool
    birthday: date
    vin: str
    plate: str
    model: str
    car_since: date
    delivered_on: date | None  # when it was bought here
    last_order_on: date | None
    km_per_day: int
    policy_ends_on: date
    picks_up: tuple[float, float, float]  # chance of an answer in the morning, the afternoon, the evening
    mood: float  # 0 never content, 1 always
    texts_back: float  # chance that a message is answered
    wrong_number: bool
    shut: str = ""  # moved, dead, refused: what they said once is true ever after
    ids: dict[str, str] = field(default_factory=dict)  # of the API: customer, vehicle

    def km_on(self, day: date) -> int:
        """What the odometer shows."""
        return max(0, (day - self.car_since).days) * self.km_per_day


@dataclass
class Town:
    """Everybody, and the dice of the world's chances."""

    seed: int
    today: date
    people: list[Person] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.by_phone = {person.phone: person for person in self.people}
        self.by_customer: dict[str, Person] = {}

    @classmethod
    def of(cls, customers: int, seed: int, today: date) -> Town:
        """A town with so many customers of the store."""
        dice = random.Random(seed)
        return cls(seed, today, [_person(dice, number, today) for number in range(customers)])

    def newcomer(self, dice: random.Random, today: date) -> Person:
        """Somebody who was no customer before."""
        person = _person(dice, len(self.people), today)
        person.delivered_on = person.last_order_on = None
        self.people.append(person)
        self.by_phone[person.phone] = person
        return person

    def dice(self, *names: object) -> random.Random:
        """Chances that hang on what happens to whom and when, whatever the order in which things are asked."""
        return random.Random("|".join(str(name) for name in (self.seed, *names)))


def _person(dice: random.Random, number: int, today: date) -> Person:
    bought = dice.random() < BOUGHT_HERE
    age = dice.randrange(3, OLDEST_CAR)
    delivered = today - timedelta(days=age)
    seen = dice.randrange(400, OLDEST_CAR) if dice.random() < DORMANT else dice.randrange(1, 300)
    since_order = min(seen, age) if age > 60 or not bought else None
    body = f"LSVA{dice.choice('BCDEFGH')}4180N{dice.choice('12345')}{number:06d}"
    patience = dice.random()
    base = 0.5 + 0.33 * patience
    return Person(
        number=number,
        code=f"C{number + 1:06d}",
        name=dice.choice(FAMILY) + dice.choice(GIVEN) + dice.choice(("", *GIVEN)),
        phone="" if dice.random() < NO_NUMBER else f"139{number % 100_000_000:08d}",
        email=f"c{number + 1}@example.com" if dice.random() < WITH_EMAIL else "",
        gender=dice.choice(("男", "女")),
        preferred=dice.choices(("", "电话", "微信", "短信", "邮箱"), (70, 20, 4, 4, 2))[0],
        consent=dice.random() < WITH_CONSENT,
        birthday=date(dice.randrange(1955, 2003), 1, 1) + timedelta(days=dice.randrange(365)),
        vin=body[:8] + check_digit(body) + body[9:],
        plate=f"沪{dice.choice('ABCDEFGHJK')}{number % 100_000:05d}",
        model=dice.choice(MODELS),
        car_since=delivered,
        delivered_on=delivered if bought else None,
        last_order_on=None if since_order is None else today - timedelta(days=since_order),
        km_per_day=dice.randrange(15, 80),
        policy_ends_on=_next_after(today, delivered),
        picks_up=(base - 0.08, base, min(0.92, base + 0.12)),
        mood=dice.betavariate(8, 1.2),
        texts_back=0.05 + 0.3 * patience,
        wrong_number=dice.random() < WRONG_NUMBERS,
    )


def _next_after(today: date, began: date) -> date:
    """A policy runs a year at a time from the purchase."""
    ends = anniversary(began, today.year)
    return ends if ends >= today else anniversary(began, today.year + 1)


def customers_file(people: Iterable[Person]) -> bytes:
    """客户档案."""
    head = ("客户编号", "客户姓名", "手机", "邮箱", "性别", "生日", "首选联系方式", "营销同意")
    rows = (
        (p.code, p.name, p.phone, p.email, p.gender, p.birthday.isoformat(), p.preferred, "是" if p.consent else "否")
        for p in people
    )
    return _csv(head, rows)


def sales_file(people: Iterable[Person], consultants: Sequence[str]) -> bytes:
    """车辆销售: the cars that were bought here."""
    head = ("销售单号", "客户编号", "客户姓名", "VIN码", "车牌号", "车型", "交车日期", "是否投保", "是否上牌", "销售顾问")
    rows = (
        (
            f"XS{p.number:06d}", p.code, p.name, p.vin, p.plate, p.model, p.delivered_on.isoformat(), "是",
            "是", consultants[p.number % len(consultants)],
        )
        for p in people
        if p.delivered_on
    )  # fmt: skip
    return _csv(head, rows)


def orders_file(people: Iterable[Person], advisors: Sequence[str], technicians: Sequence[str]) -> bytes:
    """维修工单: the last visit of each car to the workshop."""
    head = (
        "工单号",
        "客户编号",
        "客户姓名",
        "VIN码",
        "车牌号",
        "车型",
        "维修类型",
        "结算时间",
        "进店里程",
        "服务顾问",
        "技师",
        "金额",
    )
    rows = (
        (
            f"RO{p.number:06d}", p.code, p.name, p.vin, p.plate, p.model, "保养" if p.number % 4 else "维修",
            f"{p.last_order_on.isoformat()} 16:20", str(p.km_on(p.last_order_on)), advisors[p.number % len(advisors)],
            technicians[p.number % len(technicians)], str(380 + 45 * (p.number % 20)),
        )
        for p in people
        if p.last_order_on
    )  # fmt: skip
    return _csv(head, rows)


def policies_file(people: Iterable[Person]) -> bytes:
    """保险: of two thirds of the cars that were bought here the store knows when the policy ends."""
    head = ("客户编号", "客户姓名", "VIN码", "车牌号", "保单号", "保险公司", "保险到期日")
    rows = (
        (p.code, p.name, p.vin, p.plate, f"PD{p.number:08d}", INSURERS[p.number % 3], p.policy_ends_on.isoformat())
        for p in people
        if p.number % 3 and p.delivered_on
    )
    return _csv(head, rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
