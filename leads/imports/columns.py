"""The columns of an import: each knows its place in the file, cleans a cell and assigns what it found.

A column raises Faulty with a sentence and a remedy; the row then fails as a whole and names row, column and value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.models import Company, Contact, User
from crm.text import clean, fold
from leads.imports import targets
from leads.imports.reading import Cell, as_text
from leads.stages import Stage

MOST_REMEMBERED = 20_000
EARLIEST = date(1900, 1, 1)
Check = Callable[[Mapping[str, Any]], dict[str, Any]]


class Faulty(Exception):
    """A cell that cannot be taken; the message says why and what to do."""


@dataclass(slots=True)
class Deed:
    """One activity a row tells of."""

    kind: str
    header: str
    properties: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(slots=True)
class Message:
    """Something to tell about one cell."""

    level: str
    column: str
    value: str
    text: str

    def as_json(self) -> dict[str, str]:
        """Return it for the record; what no database can keep is shown as �."""
        value = "".join(c if c.isprintable() else "�" for c in self.value)
        return {"level": self.level, "column": self.column, "value": value, "text": self.text}


@dataclass(slots=True)
class Arrival:
    """What one row brings, cleaned."""

    number: int
    key: str = ""
    contact: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    company_custom: dict[str, Any] = field(default_factory=dict)
    company_key: str = ""
    lead: dict[str, Any] = field(default_factory=dict)
    stage: str = ""
    stage_at: datetime | None = None
    entered_at: datetime | None = None
    deeds: list[Deed] = field(default_factory=list)
    objections: list[tuple[str, str, str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @property
    def is_faulty(self) -> bool:
        return any(message.level == "error" for message in self.messages)


@dataclass
class Context:
    """What columns may ask while they clean: the workspace's lists, read once."""

    zone: ZoneInfo
    sources: dict[str, int]
    kinds: frozenset[str]
    people: dict[str, User]
    empty: frozenset[str]
    now: datetime
    lenient: frozenset[str] = frozenset()


@dataclass
class Column:
    """A column of the file (or a fixed value). Subclasses say how to clean and where to assign."""

    header: str
    values: dict[str, Any] = field(default_factory=dict)
    blank: Any = None
    otherwise: Any = None
    required: bool = False
    fixed: str | None = None
    place: int = -1

    def __post_init__(self) -> None:
        self._known: dict[Cell, Any] = {}
        self._folded = {fold(str(spelling)).strip(): meant for spelling, meant in self.values.items()}

    def read(self, cells: list[Cell], arrival: Arrival, context: Context) -> None:
        """Clean this row's cell and assign it; a fault becomes a message of the row."""
        cell = self.fixed if self.fixed is not None else cells[self.place]
        try:
            value = self._known[cell]
        except KeyError:
            try:
                value = self._meaning(cell, context)
            except Faulty as fault:
                level = "warning" if self.header in context.lenient and not self.required else "error"
                arrival.messages.append(Message(level, self.header, as_text(cell)[:200], str(fault)))
                return
            if len(self._known) < MOST_REMEMBERED:
                self._known[cell] = value
        if value is not None:
            self.assign(value, arrival)

    def _meaning(self, cell: Cell, context: Context) -> Any:
        if isinstance(cell, str):
            try:
                cell = clean(cell)
            except ValueError as error:
                raise Faulty(_("The cell holds a character that cannot be stored. Remove it.")) from error
            if not cell or cell in context.empty:
                if self.required:
                    raise Faulty(_("The cell is empty, but this column is required. Fill it in."))
                return self.blank if self.blank is None else self.clean(self.blank, context)
            if self._folded:
                folded = fold(cell)
                if folded in self._folded:
                    meant = self._folded[folded]
                    return None if meant in {None, ""} else self.clean(meant, context)
                return self.unlisted(cell, context)
        return self.clean(cell, context)

    def unlisted(self, cell: str, context: Context) -> Any:
        """Return what a cell means that `values` does not list."""
        if self.otherwise is None:
            return self.clean(cell, context)
        return None if self.otherwise == "" else self.clean(self.otherwise, context)

    def clean(self, cell: Any, context: Context) -> Any:
        """Return the value as it is stored; Faulty when it cannot be."""
        return as_text(cell)

    def assign(self, value: Any, arrival: Arrival) -> None:
        raise NotImplementedError


def _checked(check: Check, name: str, value: Any) -> Any:
    try:
        return check({name: value})[name]
    except ValidationError as error:
        raise Faulty(" ".join(error.messages)) from error
    except ValueError as error:
        raise Faulty(str(error)) from error


def _country(text: str) -> str:
    """Return the two letters of a country that is named or given by them."""
    found = text if len(text) <= 2 else targets.country(text)
    if not found:
        raise Faulty(_("No country is known by this name. Write its two letters, such as DE."))
    return found


@dataclass
class ContactColumn(Column):
    """A field of the contact."""

    name: str = ""
    check: Check = dict

    def clean(self, cell: Any, context: Context) -> Any:
        value = _country(as_text(cell)) if self.name == "country" else as_text(cell)
        return _checked(self.check, self.name, value)

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.contact[self.name] = value


@dataclass
class CompanyColumn(Column):
    """A field of the company."""

    name: str = ""
    check: Check = dict

    def clean(self, cell: Any, context: Context) -> Any:
        value: Any = as_text(cell)
        if self.name == "employees":
            value = int(_number(value, ".", ","))
            if value < 0:
                raise Faulty(_("A company cannot have fewer than 0 employees."))
        if self.name == "country":
            value = _country(value)
        return _checked(self.check, self.name, value)

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.company[self.name] = value


@dataclass
class CompanyKeyColumn(Column):
    """The company's key in the other system."""

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.company_key = value


@dataclass
class CustomColumn(Column):
    """A field of the workspace's own, of the contact or the company. A masked value ends here and nowhere else."""

    name: str = ""
    of_company: bool = False
    kind: str = "text"
    decimal: str = "."
    thousands: str = ""
    format: str = ""

    def clean(self, cell: Any, context: Context) -> Any:
        if self.kind == "number":
            number = _number(as_text(cell), self.decimal, self.thousands)
            return int(number) if number == number.to_integral_value() else float(number)
        if self.kind == "yes_no":
            return _yes_or_no(as_text(cell))
        if self.kind == "date":
            return _instant(cell, self.format, context.zone).date().isoformat()
        text = as_text(cell)
        if len(text) > 2000:
            raise Faulty(_("At most %(count)d characters.") % {"count": 2000})
        return text

    def assign(self, value: Any, arrival: Arrival) -> None:
        (arrival.company_custom if self.of_company else arrival.custom)[self.name] = value


@dataclass
class SourceColumn(Column):
    """Where the lead comes from: a row of the managed list, by key or name; spellings are mapped in `values`."""

    def clean(self, cell: Any, context: Context) -> Any:
        found = context.sources.get(fold(as_text(cell)))
        if found is None:
            raise Faulty(_("No source is called so. Add it to the mapping's values or to the list of sources."))
        return found

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.lead["source_id"] = value


@dataclass
class StageColumn(Column):
    """How far the lead had come: one of the eight stage keys; the file's own words are mapped in `values`."""

    def clean(self, cell: Any, context: Context) -> Any:
        stage = fold(as_text(cell))
        if stage not in Stage.values:
            stages = ", ".join(Stage.values)
            raise Faulty(
                _("Not a stage. Say among the columns what the word means, or write one of: %(stages)s.")
                % {"stages": stages}
            )
        return stage

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.stage = value


@dataclass
class OwnerColumn(Column):
    """Whose lead it is: a person who signs in here, by e-mail address or name."""

    def clean(self, cell: Any, context: Context) -> Any:
        found = context.people.get(fold(as_text(cell)))
        if found is None:
            raise Faulty(_("Nobody here is called so. Map the name to an e-mail address, or add the person first."))
        return found

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.lead["owner"] = value


@dataclass
class MomentColumn(Column):
    """A date or an instant, written as `format` says (strptime); a workbook's own dates need none."""

    name: str = ""
    format: str = ""
    zone: ZoneInfo | None = None
    may_lie_ahead: bool = False

    def clean(self, cell: Any, context: Context) -> Any:
        moment = _instant(cell, self.format, self.zone or context.zone)
        if moment.date() < EARLIEST:
            raise Faulty(_("The date lies before 1900. Correct it or the mapping's date format."))
        if not self.may_lie_ahead and moment > context.now + timedelta(days=1):
            raise Faulty(_("The date lies in the future. Correct it or the mapping's date format."))
        return moment

    def assign(self, value: Any, arrival: Arrival) -> None:
        if self.name in {"entered_at", "stage_at"}:
            setattr(arrival, self.name, value.astimezone(UTC))
        else:
            arrival.lead[self.name] = value.date()


@dataclass
class AmountColumn(Column):
    """An amount of money, written as `decimal` and `thousands` say."""

    decimal: str = "."
    thousands: str = ""

    def clean(self, cell: Any, context: Context) -> Any:
        amount = _number(as_text(cell), self.decimal, self.thousands).quantize(Decimal("0.01"))
        if not 0 <= amount < Decimal(10) ** 12:
            raise Faulty(_("The amount must lie between 0 and 999,999,999,999."))
        return amount

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.lead["amount"] = value


@dataclass
class LeadTextColumn(Column):
    """A text of the lead: campaign, next step or currency."""

    name: str = ""
    longest: int = 200

    def clean(self, cell: Any, context: Context) -> Any:
        text = as_text(cell)
        if len(text) > self.longest:
            raise Faulty(_("At most %(count)d characters.") % {"count": self.longest})
        if self.name == "currency":
            text = text.upper()
            if len(text) != 3 or not text.isalpha():
                raise Faulty(_("Write the currency as three letters, such as EUR."))
        return text

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.lead[self.name] = value


@dataclass
class ActivityColumn(Column):
    """Something the contact did: a fixed `kind`, or `values` tell it by the cell. With `format` the cell says when."""

    kind: str = ""
    property: str = ""
    format: str = ""
    zone: ZoneInfo | None = None

    def clean(self, cell: Any, context: Context) -> Any:
        if self.format:
            moment = _instant(cell, self.format, self.zone or context.zone)
            if moment > context.now + timedelta(days=1):
                raise Faulty(_("The date lies in the future. Correct it or the mapping's date format."))
            return Deed(self.kind, self.header, at=moment.astimezone(UTC))
        if self.kind:
            return Deed(self.kind, self.header, {self.property: as_text(cell)} if self.property else {})
        kind = as_text(cell)
        if kind not in context.kinds:
            raise Faulty(_("No kind of activity is called so. Map it in the mapping's values."))
        return Deed(kind, self.header)

    def _meaning(self, cell: Cell, context: Context) -> Any:
        deed = super()._meaning(cell, context)
        if deed is not None and self.property and not self.kind:
            return Deed(deed.kind, deed.header, {self.property: clean(as_text(cell))}, deed.at)
        return deed

    def assign(self, value: Deed, arrival: Arrival) -> None:
        arrival.deeds.append(value)


@dataclass
class ObjectionColumn(Column):
    """The person does not want to be contacted on a channel ('' = any) for these purposes."""

    channel: str = ""
    purposes: tuple[str, ...] = ("offer",)
    when: frozenset[str] = frozenset({"yes", "true", "1", "x"})

    def clean(self, cell: Any, context: Context) -> Any:
        return as_text(cell) if fold(as_text(cell)) in self.when else None

    def assign(self, value: Any, arrival: Arrival) -> None:
        arrival.objections += [(purpose, self.channel, self.header) for purpose in self.purposes]


# --- Reading single values --------------------------------------------------------------------------


def _instant(cell: Any, form: str, zone: ZoneInfo) -> datetime:
    if isinstance(cell, datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=zone)
    if isinstance(cell, date):
        return datetime.combine(cell, time(), zone)
    try:
        found = datetime.strptime(cell, form) if form else datetime.fromisoformat(cell)  # noqa: DTZ007 (zone below)
        # An offset may be of any size here; PostgreSQL knows none of sixteen hours or more.
        return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)
    except (ValueError, TypeError, OverflowError) as error:
        example = date(2026, 12, 31).strftime(form or "%Y-%m-%d")
        raise Faulty(_("Not a date written as %(format)s.") % {"format": example}) from error


def _number(text: str, decimal: str, thousands: str) -> Decimal:
    plain = "".join(text.replace(thousands, "").split()) if thousands else "".join(text.split())
    if decimal != ".":
        if "." in plain:
            raise Faulty(_("Not a number written with “%(sign)s” before the decimals.") % {"sign": decimal})
        plain = plain.replace(decimal, ".")
    try:
        number = Decimal(plain.strip("€$£").removesuffix("EUR"))
    except InvalidOperation as error:
        raise Faulty(_("Not a number written with “%(sign)s” before the decimals.") % {"sign": decimal}) from error
    if not number.is_finite():
        raise Faulty(_("Not a number."))
    return number


def _yes_or_no(text: str) -> bool:
    word = fold(text)
    if word in {"yes", "true", "1", "y", "ja", "j", "x"}:
        return True
    if word in {"no", "false", "0", "n", "nein"}:
        return False
    raise Faulty(_("Neither yes nor no."))


CONTACT_TEXTS = frozenset(
    name for name in ("first_name", "last_name", "email", "phone", "job_title", "street", "postcode", "city", "region",
                      "country", "language", "linkedin") if Contact._meta.get_field(name)
)  # fmt: skip
COMPANY_TEXTS = frozenset(
    name for name in ("name", "domain", "website", "industry", "employees", "street", "postcode", "city", "region",
                      "country", "phone") if Company._meta.get_field(name)
)  # fmt: skip
