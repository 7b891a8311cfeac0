"""One row on its way to a value: cells fetched by field, cleaned, and what was wrong with them kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from services.api.imports import clean, dates
from services.api.imports.fields import Sheet
from services.api.imports.headings import Column, Columns
from services.api.imports.reasons import Reason
from shared.phones import InvalidPhone, Phone, parse_phones

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What cleaning needs to know of the store: its zone, its day, its own area code if landlines come without one."""

    zone: str
    today: date
    area_code: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong, where: line of the file, heading, the cell as it stood, the code of the reason."""

    row: int
    column: str
    value: str
    reason: str


class Unusable(Exception):
    """The row cannot be used; it goes to the rejected file."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class Draft:
    """The cells of one row under the columns of its file."""

    __slots__ = ("_cells", "_columns", "_sheet", "context", "line", "warnings")

    def __init__(self, sheet: Sheet, columns: Columns, context: Context, line: int, cells: Sequence[str]) -> None:
        self._sheet = sheet
        self._columns = columns.by_field
        self._cells = cells
        self.context = context
        self.line = line
        self.warnings: list[Problem] = []

    def optional(self, field: str, cleaner: Callable[[str], T]) -> T | None:
        """The first of the field's cells that says something usable; a bad one is left out and warned of."""
        for column in self._columns.get(field, ()):
            text = self._cells[column.index]
            if _silent(text):
                continue
            try:
                return cleaner(text)
            except clean.CellFault as fault:
                self.warn(column.heading, text, fault.reason)
        return None

    def required(self, field: str, cleaner: Callable[[str], T]) -> T:
        """The same for what a row cannot do without; raises Unusable, naming the bad cell or the empty one."""
        before = len(self.warnings)
        value = self.optional(field, cleaner)
        if value is None:
            raise Unusable(self.warnings[before] if len(self.warnings) > before else self.empty(field))
        return value

    def scaled(self, field: str, cleaner: Callable[[str, int], int]) -> int | None:
        """A number whose heading may say that it counts in 万."""
        for column in self._columns.get(field, ()):
            text = self._cells[column.index]
            if _silent(text):
                continue
            try:
                return cleaner(text, column.factor)
            except clean.CellFault as fault:
                self.warn(column.heading, text, fault.reason)
        return None

    def flag(self, field: str) -> bool | None:
        """Yes, no, or None where the cell does not say; here 无 is a no."""
        for column in self._columns.get(field, ()):
            text = self._cells[column.index]
            if not text.strip():
                continue
            try:
                return clean.flag(text)
            except clean.CellFault as fault:
                self.warn(column.heading, text, fault.reason)
        return None

    def phones(self, field: str) -> tuple[Phone, ...]:
        """All numbers of the field's cells, each once; bad ones are warned of."""
        found: dict[str, Phone] = {}
        for column in self._columns.get(field, ()):
            text = self._cells[column.index]
            if not text:
                continue
            numbers, faults = parse_phones(text, area_code=self.context.area_code)
            for number in numbers:
                found.setdefault(number.e164, number)
            self._note_phone_faults(column, text, numbers, faults)
        return tuple(found.values())

    def person(self, field: str) -> str | None:
        """The first name of a staff cell; further ones are warned of."""
        names = self.optional(field, clean.people)
        if not names:
            return None
        if len(names) > 1:
            self.warn(self.heading(field), "/".join(names), Reason.SEVERAL_PEOPLE)
        return names[0]

    def day(self, field: str) -> date | None:
        """An optional date."""
        return self.optional(field, self.within)

    def required_day(self, field: str) -> date:
        """A date the row cannot do without; one in the future is kept and warned of."""
        value = self.required(field, self.within)
        if value > self.context.today:
            self.warn(self.heading(field), value.isoformat(), Reason.DATE_IN_FUTURE)
        return value

    def moment(self, text: str) -> datetime:
        """The cleaner of instants in the store's zone."""
        value = dates.moment(text, self.context.zone)
        dates.within(value.date(), self.context.today)
        return value

    def any_of(self, *fields: str, given: Sequence[object]) -> None:
        """Raises Unusable when none of the fields has a value: the first bad cell of them, else the first empty one."""
        if any(value is not None for value in given):
            return
        headings = {column.heading for field in fields for column in self._columns.get(field, ())}
        bad = [problem for problem in self.warnings if problem.column in headings]
        raise Unusable(bad[0] if bad else self.empty(*fields))

    def warn(self, column: str, value: str, reason: str) -> None:
        """Keep word of a cell that is left out or doubtful."""
        self.warnings.append(Problem(self.line, column, value.strip(), reason))

    def empty(self, *fields: str) -> Problem:
        """The problem of a required field (or one of several) that says nothing."""
        for field in fields:
            for column in self._columns.get(field, ()):
                return Problem(self.line, column.heading, self._cells[column.index].strip(), Reason.REQUIRED)
        return Problem(self.line, self._sheet.named(fields[0]).zh, "", Reason.REQUIRED)

    def heading(self, field: str) -> str:
        """The heading of the field's first column, or the field's own when the file has none."""
        columns = self._columns.get(field)
        return columns[0].heading if columns else self._sheet.named(field).zh

    def raw(self, field: str) -> str:
        """The field's first cell as it stands in the file."""
        columns = self._columns.get(field)
        return self._cells[columns[0].index].strip() if columns else ""

    def within(self, text: str) -> date:
        """The cleaner of dates whose year a dealer's file can mean."""
        return dates.within(dates.day(text), self.context.today)

    def _note_phone_faults(self, column: Column, text: str, numbers: Sequence[Phone], faults: Sequence[InvalidPhone]) -> None:
        if faults and not clean.is_blank(text):
            only_one = len(faults) == 1 and not numbers
            for fault in faults:
                self.warn(column.heading, text if only_one else fault.text, fault.fault)


def _silent(text: str) -> bool:
    """Whether a cell says nothing; most cells are longer than any word for that and need no look-up."""
    return not text or ((len(text) <= clean.LONGEST_BLANK or text[-1].isspace()) and clean.is_blank(text))
