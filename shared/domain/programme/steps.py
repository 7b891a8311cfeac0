"""From plain data to the steps of a programme: windows, repeats, scripts, questions."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from shared.domain.programme.facts import CONDITIONS
from shared.domain.programme.reading import Fault, Node
from shared.domain.programme.types import (
    FILE_HOLDER,
    OWNER_ROLE,
    SYSTEM_ROLE,
    Anchor,
    AnswerTask,
    Name,
    Option,
    Question,
    QuestionType,
    Repeat,
    Step,
    Unit,
    Window,
)
from shared.domain.voucher import KINDS

ROLES = frozenset(
    {
        "sales_consultant",
        "insurance_specialist",
        "renewal_specialist",
        "service_advisor",
        "technician",
        "sales_clerk",
        "followup_specialist",
        "sales_manager",
        "service_manager",
        "customer_manager",
        "general_manager",
    }
)
CHANNELS = frozenset({"phone", "wechat", "onsite", "sms", "email", "letter"})
MESSAGE_CHANNELS = frozenset({"sms", "email", "letter"})
ORDER_KINDS = frozenset({"maintenance", "repair", "bodywork", "claim"})
QUESTION_TYPES = frozenset({"score", "yes_no", "text", "choice", "number", "date"})
ANCHOR_DATES = frozenset(
    {
        "trigger",
        "delivered_on",
        "first_maintenance_on",
        "last_visit_on",
        "maintenance_expected_on",
        "open_day_before",
        "next_contact_on",
        "lost_on",
        "month_end_on",
    }
)
VOUCHERS = frozenset(KINDS)

SCRIPT_PARTS = ("开场", "确认本人", "方便吗", "目的", "核对", "提问", "致谢", "下次保养与预约", "结束")
"""The parts of a call in speaking order (domain.md §5.2; S1, S2)."""

PLACEHOLDERS = frozenset(
    {
        "store_name",
        "store_address",
        "store_phone",
        "rescue_phone",
        "staff_name",
        "customer_name",
        "salutation",
        "vehicle_model",
        "plate",
        "mileage_km",
        "delivered_on",
        "consultant_name",
        "advisor_name",
        "advisor_phone",
        "order_kind",
        "order_closed_on",
        "order_items",
        "maintenance_due_on",
        "maintenance_due_km",
        "appointment_at",
        "appointment_items",
        "lead_model",
        "lead_expected_on",
        "policy_insurer",
        "policy_expires_on",
        "accident_on",
        "warranty_item",
        "warranty_ends_on",
    }
)
"""What a script may name in {{ }}; the brief of a visit fills them in."""

NAME_FIELDS = frozenset({"zh", "en"})
_STEP_FIELDS = frozenset(
    [
        "key",
        "name",
        "role",
        "channel",
        "purposes",
        "window",
        "anchor",
        "after",
        "repeat",
        "target_hours",
        "on_missed",
        "message",
        "marketing",
        "script",
        "questions",
        "only",
        "while",
        "tasks",
        "when",
        "answer_tasks",
        "vouchers",
        "any_day",
        "task",
        "letter",
        "calls",
    ]
)
_REPEAT_FIELDS = frozenset(
    [
        "every_days",
        "every_months",
        "first_after_days",
        "from",
        "until_day",
        "until_months",
        "while",
        "next_date",
        "gap_days",
        "then_task",
        "then_role",
    ]
)
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}")


def parse_name(node: Node) -> Name:
    """The Chinese and English name of a thing."""
    name = node.child("name")
    if name is None:
        node.text("name")
        return Name("", "")
    name.only_fields(NAME_FIELDS)
    return Name(name.text("zh"), name.text("en"))


def parse_step(node: Node) -> Step:
    """One step; what is wrong with it is noted in the node's faults."""
    node.only_fields(_STEP_FIELDS)
    name = parse_name(node)
    step = Step(
        key=node.text("key"),
        name_zh=name.zh,
        name_en=name.en,
        role=node.choice("role", ROLES | {SYSTEM_ROLE, FILE_HOLDER, OWNER_ROLE}),
        channel=node.choice("channel", CHANNELS, "phone"),
        purposes=node.words("purposes"),
        window=_window(node.child("window")),
        anchor=_anchor(node.child("anchor")),
        after=node.words("after"),
        repeat=_repeat(node.child("repeat")),
        target_hours=node.optional_number("target_hours", least=1),
        on_missed=cast(Literal["sms", "reassign", "none"], node.choice("on_missed", {"sms", "reassign", "none"}, "none")),
        message=node.optional_text("message"),
        marketing=node.flag("marketing"),
        script=_script(node),
        questions=_questions(node),
        only=node.words("only", ORDER_KINDS),
        while_=node.words("while", CONDITIONS),
        tasks=node.words("tasks"),
        when=_answers(node),
        answer_tasks=tuple(_answer_task(child) for child in node.children("answer_tasks")),
        vouchers=node.words("vouchers", VOUCHERS),
        any_day=node.flag("any_day"),
        calls=node.optional_number("calls", least=1),
        task=node.optional_text("task"),
        letter=node.flag("letter"),
    )
    _check_step(node, step)
    return step


def check_steps(nodes: Sequence[Node], steps: Sequence[Step]) -> None:
    """What must hold between the steps: keys once each, `after` names steps that are there, no circle."""
    counts = Counter(step.key for step in steps)
    after = {step.key: step.after for step in steps}
    asked = {step.key: _possible(step) for step in steps}
    for node, step in zip(nodes, steps, strict=True):
        if counts[step.key] > 1:
            node.fault("key", f"key {step.key!r} is used more than once")
        for key in step.after:
            if key not in after:
                node.fault("after", f"after names {key!r}, which is no step of this programme")
        _check_answers(node, step.when, [asked[key] for key in step.after if key in asked])
        for child, task in zip(node.children("answer_tasks"), step.answer_tasks, strict=False):
            _check_answers(child, task.when, [asked[step.key]])
        if step.key in _before(step.key, after):
            node.fault("after", f"step {step.key!r} comes after itself; a step comes again by repeat")


def _possible(step: Step) -> dict[str, frozenset[str]]:
    """The choices of a step's questions."""
    return {question.key: frozenset(option.value for option in question.options) for question in step.questions}


def _check_answers(node: Node, when: Mapping[str, str], asked: Sequence[Mapping[str, frozenset[str]]]) -> None:
    """What `when` waits for must be asked before, or it would wait for ever."""
    for key, value in when.items():
        if not any(value in questions.get(key, ()) for questions in asked):
            node.fault("when", f"when names {key}: {value}, which no choice of the visit before can answer")


def _before(key: str, after: dict[str, tuple[str, ...]]) -> set[str]:
    """All steps that come before a step, however far."""
    seen: set[str] = set()
    waiting = list(after.get(key, ()))
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(after.get(current, ()))
    return seen


def _check_step(node: Node, step: Step) -> None:
    if not step.purposes:
        node.fault("purposes", "purposes is missing: say what the visit is about")
    if step.window is None and step.repeat is None:
        node.fault("window", "window is missing: say when the visit takes place")
    if step.repeat is not None and step.window is not None and step.window.unit != "days":
        node.fault("window", "the window of a repeated step counts in days around its due day")
    if step.repeat is not None and step.repeat.from_ == "close" and not step.after:
        node.fault("after", "a step repeated from its close must say after which step it starts")
    if step.task is not None and (step.after or step.repeat or step.role in {SYSTEM_ROLE, FILE_HOLDER}):
        node.fault("task", "a task is for a role, on a window of its own: neither after a step nor repeated")
    if step.role == SYSTEM_ROLE and (step.message is None or step.channel not in MESSAGE_CHANNELS):
        node.fault("message", "a step of the system needs a message, and one of the channels sms, email, letter")


def _window(node: Node | None) -> Window | None:
    if node is None:
        return None
    node.only_fields({"earliest", "due", "deadline", "unit"})
    window = Window(
        earliest=node.number("earliest"),
        due=node.number("due"),
        deadline=node.number("deadline"),
        unit=cast(Unit, node.choice("unit", {"days", "hours", "months"}, "days")),
    )
    if not window.earliest <= window.due <= window.deadline:
        node.fault("due", "earliest, due and deadline must be in this order")
    return window


def _anchor(node: Node | None) -> Anchor:
    if node is None:
        return Anchor()
    node.only_fields({"from", "months", "days", "or_earlier"})
    return Anchor(
        from_=node.choice("from", ANCHOR_DATES),
        months=node.number("months", default=0),
        days=node.number("days", default=0),
        or_earlier=node.choice("or_earlier", ANCHOR_DATES) if "or_earlier" in node.data else None,
    )


def _repeat(node: Node | None) -> Repeat | None:
    if node is None:
        return None
    node.only_fields(_REPEAT_FIELDS)
    repeat = Repeat(
        every_days=node.number("every_days", least=0, default=0),
        every_months=node.number("every_months", least=0, default=0),
        first_after_days=node.number("first_after_days", least=0, default=0),
        from_=cast(Literal["close", "anchor", "fact"], node.choice("from", {"close", "anchor", "fact"}, "close")),
        until_day=node.optional_number("until_day", least=1),
        until_months=node.optional_number("until_months", least=1),
        while_=node.words("while", CONDITIONS),
        next_date=node.flag("next_date"),
        gap_days=node.number("gap_days", least=0, default=0),
        then_task=node.optional_text("then_task"),
        then_role=node.choice("then_role", ROLES) if "then_role" in node.data else None,
    )
    _check_repeat(node, repeat)
    return repeat


def _check_repeat(node: Node, repeat: Repeat) -> None:
    if repeat.from_ == "fact":
        if repeat.every_days or repeat.every_months:
            node.fault("from", "from: fact names its day itself: neither every_days nor every_months")
    elif bool(repeat.every_days) == bool(repeat.every_months):
        node.fault("every_days", "say how often: either every_days or every_months")
    elif repeat.every_months and repeat.from_ == "close":
        node.fault("every_months", "every_months needs from: anchor")
    if repeat.until_day is not None and repeat.until_months is not None:
        node.fault("until_day", "say until when once: either until_day or until_months")
    if repeat.then_task is not None and repeat.until_day is None and repeat.until_months is None:
        node.fault("then_task", "then_task needs an end: until_day or until_months")


def script_faults(script: str) -> list[str]:
    """What is wrong with a script of its own, outside any pack."""
    faults: list[Fault] = []
    _script(Node({"script": script}, (), faults))
    return [message for _, message in faults]


def _script(node: Node) -> str | None:
    script = node.optional_text("script")
    parts = []
    for line in (script or "").splitlines():
        part, colon, text = line.partition("：")
        if line.strip() and not (colon and text.strip() and part.strip() in SCRIPT_PARTS):
            node.fault("script", f"a script line is 部分：文字 with one of {'、'.join(SCRIPT_PARTS)}, not {line.strip()!r}")
        parts.append(part.strip())
    if script and not {"开场", "确认本人", "目的", "结束"} <= set(parts):
        node.fault("script", "a script has at least 开场, 确认本人, 目的 and 结束")
    for name in _PLACEHOLDER.findall(script or ""):
        if name.strip() not in PLACEHOLDERS:
            node.fault("script", f"unknown placeholder {name.strip()!r}; known are {', '.join(sorted(PLACEHOLDERS))}")
    return script


def parse_questions(questions: object) -> tuple[tuple[Question, ...], list[Fault]]:
    """Questions from plain data, read as those of a pack, and every fault with its path (`("questions", 0, "type")`)."""
    faults: list[Fault] = []
    return _questions(Node({"questions": questions}, (), faults)), faults


def _questions(node: Node) -> tuple[Question, ...]:
    children = node.children("questions")
    questions = tuple(_question(child) for child in children)
    _check_once(children, [question.key for question in questions], "key")
    return questions


def _question(node: Node) -> Question:
    node.only_fields({"key", "zh", "en", "type", "required", "options"})
    children = node.children("options")
    question = Question(
        key=node.text("key"),
        zh=node.text("zh"),
        en=node.text("en"),
        type=cast(QuestionType, node.choice("type", QUESTION_TYPES)),
        required=node.flag("required"),
        options=tuple(_option(child) for child in children),
    )
    _check_once(children, [option.value for option in question.options], "value")
    if question.type == "choice" and len(question.options) < 2:
        node.fault("options", "a choice needs at least two options")
    elif question.type != "choice" and question.options:
        node.fault("options", "only a choice has options")
    return question


def _option(node: Node) -> Option:
    node.only_fields({"value", "zh", "en"})
    return Option(node.text("value"), Name(node.text("zh"), node.text("en")))


def _answers(node: Node) -> dict[str, str]:
    """`when`: question → the answer that is meant."""
    child = node.child("when")
    return {} if child is None else {str(key): child.text(str(key)) for key in child.data}


def _answer_task(node: Node) -> AnswerTask:
    node.only_fields({"kind", "role", "when"})
    return AnswerTask(node.text("kind"), node.choice("role", ROLES), _answers(node))


def _check_once(nodes: Sequence[Node], values: Iterable[str], field: str) -> None:
    seen: set[str] = set()
    for node, value in zip(nodes, values, strict=True):
        if value in seen:
            node.fault(field, f"{field} {value!r} is used more than once")
        seen.add(value)
