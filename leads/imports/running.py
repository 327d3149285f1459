"""Reading an import's rows: check everything first, then store slice by slice; every row is accounted for.

What is told here is the work on the rows; the life of a batch (waiting, claimed, resumed, undone) is in batches.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.contacts import Stale
from crm.email_address import email_key
from crm.models import ActivityKind, LegalBasis, User
from crm.text import clean, fold
from crm.workdays import workspace_zone
from leads.imports.columns import Arrival, Context, Message
from leads.imports.mapping import ROW, Mapping, MappingError
from leads.imports.plans import Outcome, Plan
from leads.imports.reading import Line, ReadingError, Table, as_text
from leads.imports.writing import Writer
from leads.models import ImportBatch, Source

SLICE = 250
MOST_TOLD = 5
LONGEST_KEY = 200


@dataclass
class Tally:
    """The five-way count, which adds up to `rows`, and what there is to tell, grouped."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    told: dict[tuple[str, str, str], tuple[int, list[tuple[int, str]]]] = field(default_factory=dict)

    def add(self, plan: Plan) -> None:
        """Count one row and group what it has to tell."""
        self.rows += 1
        setattr(self, plan.outcome, getattr(self, plan.outcome) + 1)
        for message in plan.arrival.messages:
            group = (message.level, message.column, message.text)
            count, examples = self.told.get(group, (0, []))
            if len(examples) < MOST_TOLD:
                examples.append((plan.arrival.number, message.value))
            self.told[group] = (count + 1, examples)

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("rows", *Outcome.values)}


class Import:
    """One import of one table by one mapping.

    `source` (a source's key) and `basis` (a LegalBasis) override the mapping's; MappingError when neither says.
    `now` is the instant that undated rows are given; `corrections` (column → cell → corrected cell) replace cells
    as they are read, and a faulty cell of a `lenient` column is left empty with a warning.
    """

    def __init__(
        self, table: Table, mapping: Mapping, *, source: str = "", basis: str = "", now: datetime | None = None,
        corrections: ReadOnly[str, ReadOnly[str, str]] | None = None, lenient: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.table, self.mapping = table, mapping
        self.now: datetime = now or timezone.now()
        mapping.resolve(table.columns)
        places = {name: place for place, name in enumerate(table.columns)}
        self.corrections = {places[name]: cells for name, cells in (corrections or {}).items() if name in places}
        self.context = Context(
            zone=mapping.zone or workspace_zone(), sources=_sources(), empty=mapping.empty, now=self.now,
            kinds=frozenset(ActivityKind.objects.values_list("key", flat=True)), people=_people(),
            lenient=frozenset(lenient),
        )  # fmt: skip
        self.source, self.basis = source or mapping.source, basis or mapping.legal_basis
        self.writer = Writer(mapping, source_id=self._source_id(), basis=self._basis(), now=self.now)
        self.repeated: set[str] = set()
        self._check_kinds()

    def _source_id(self) -> int | None:
        if not self.source:
            raise MappingError(_("Say where the list comes from: --source, or “source” in the mapping."))
        found = self.context.sources.get(fold(self.source))
        if found is None:
            names = ", ".join(Source.objects.values_list("key", flat=True))
            told = {"name": self.source, "names": names}
            raise MappingError(_("There is no source “%(name)s”. Take one of: %(names)s.") % told)
        return found

    def _basis(self) -> str:
        names = ", ".join(LegalBasis.Basis.values)
        if not self.basis:
            raise MappingError(
                _("Say why you may hold these data: --legal-basis, or “legal_basis” in the mapping: %(names)s.")
                % {"names": names}
            )
        if self.basis not in LegalBasis.Basis.values:
            raise MappingError(_("Unknown legal basis. Take one of: %(names)s.") % {"names": names})
        return self.basis

    def _check_kinds(self) -> None:
        for column in self.mapping.columns:
            kind = getattr(column, "kind", "")
            if type(column).__name__ == "ActivityColumn" and kind and kind not in self.context.kinds:
                told = {"column": column.header, "kind": kind}
                raise MappingError(_("Column “%(column)s”: there is no kind of activity “%(kind)s”.") % told)

    # --- Reading rows -------------------------------------------------------------------------------

    def arrivals(self, after: int = 0) -> Iterator[Arrival]:
        """Yield every row of the file behind row `after`, cleaned, with its identity and its faults."""
        seen: dict[bytes, int] = {}
        for line in self.table:
            if self.corrections and not line.fault:
                self._correct(line)
            arrival = Arrival(line.number)
            if line.number <= after:
                if self.mapping.identity == ROW and not line.fault:
                    self._identify(line, arrival, seen)  # equal rows further down count on from here
                continue
            if line.fault:
                arrival.messages.append(Message("error", "", "", line.fault))
                yield arrival
                continue
            self._identify(line, arrival, seen)
            for column in self.mapping.columns:
                column.read(line.cells, arrival, self.context)
            if not arrival.lead.get("currency") and arrival.lead.get("amount") is not None:
                arrival.lead["currency"] = self.writer.currency
            yield arrival

    def _correct(self, line: Line) -> None:
        for place, corrected in self.corrections.items():
            line.cells[place] = corrected.get(as_text(line.cells[place]), line.cells[place])

    def _identify(self, line: Line, arrival: Arrival, seen: dict[bytes, int]) -> None:
        if self.mapping.identity == ROW:
            digest = hashlib.sha256("\x1f".join(map(as_text, line.cells)).encode("utf-8", "surrogatepass"))
            occurrence = seen[digest.digest()] = seen.get(digest.digest(), 0) + 1
            arrival.key = f"{digest.hexdigest()}-{occurrence}"
            return
        text = as_text(line.cells[self.mapping.identity_place])
        fault = ""
        try:
            arrival.key = clean(text)
        except ValueError:
            fault = _("The cell holds a character that cannot be stored. Remove it.")
        if not fault and (not arrival.key or arrival.key in self.mapping.empty):
            fault = _("The key is empty. Fill it in, or let the row itself be its identity.")
        if len(arrival.key) > LONGEST_KEY:
            fault = _("At most %(count)d characters.") % {"count": LONGEST_KEY}
        if fault:
            arrival.messages.append(Message("error", self.mapping.identity, text[:200], fault))

    def slices(self, after: int = 0) -> Iterator[list[Arrival]]:
        """Yield the rows behind row `after` in slices that hold each identity once.

        Begun anew at the end of a slice, the slices are the same.
        """
        part: list[Arrival] = []
        keys: set[str] = set()
        for arrival in self.arrivals(after):
            names = {arrival.key, arrival.contact.get("email", "").casefold()} - {""}
            if len(part) >= SLICE or names & keys:
                yield part
                part, keys = [], set()
            part.append(arrival)
            keys |= names
        if part:
            yield part

    # --- The two passes -----------------------------------------------------------------------------

    def check(self) -> int:
        """Read and clean the whole file without writing; return how many rows there are.

        Raises ReadingError when the file cannot be read to its end, before anything has been written.
        """
        rows, seen = 0, set()
        for rows, arrival in enumerate(self.arrivals(), start=1):  # noqa: B007
            for name in self._names(arrival):
                mark = hash(name)
                if mark in seen:
                    self.repeated.add(name)
                seen.add(mark)
        if not rows:
            raise ReadingError(_("The file has a header but no rows."))
        return rows

    def _names(self, arrival: Arrival) -> list[str]:
        """Return by what a later row of this file may mean the same person."""
        keys = [arrival.key] if self.mapping.identity != ROW and arrival.key else []
        address = email_key(arrival.contact.get("email", "")) if self.mapping.matches_email else ""
        return [*keys, address] if address else keys

    def rehearsed(self) -> Iterator[Plan]:
        """Yield what a run would do with each row; nothing is written."""
        self.check()
        for part in self.slices():
            for plan in self.writer.plan(part):
                yield plan
                if plan.outcome in {Outcome.CREATED, Outcome.UPDATED} and self.repeated & {*self._names(plan.arrival)}:
                    self.writer.imagine(plan)

    def rehearse(self) -> Tally:
        """Return the counts a run would have; nothing is written."""
        tally = Tally()
        for plan in self.rehearsed():
            tally.add(plan)
        return tally

    def store(self, part: list[Arrival], batch: ImportBatch) -> list[Plan]:
        """Plan and write a slice. When the database refuses it, the halves are tried, down to the row at fault."""
        told = {arrival.number: list(arrival.messages) for arrival in part}
        for attempt in range(2):
            for arrival in part:
                arrival.messages = list(told[arrival.number])
            plans = self.writer.plan(part)
            try:
                self.writer.write(plans, batch)
            except (DatabaseError, Stale) as error:
                if attempt and len(part) == 1:
                    return self._give_up(part[0], batch, error)
            else:
                return plans
        middle = len(part) // 2
        return self.store(part[:middle], batch) + self.store(part[middle:], batch)

    def _give_up(self, arrival: Arrival, batch: ImportBatch, error: Exception) -> list[Plan]:
        arrival.messages.append(
            Message("error", "", "", _("The row could not be stored (%(error)s).") % {"error": type(error).__name__})
        )
        plans = [Plan(arrival, Outcome.FAILED)]
        self.writer.write(plans, batch)
        return plans


def display_name(name: str) -> str:
    """Return a file's name as it may be shown: without folders, control characters and changes of direction."""
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in bare if c.isprintable())[:200] or _("unnamed")


def _sources() -> dict[str, int]:
    """Return every way to name a source → its id."""
    rows: list[Any] = list(Source.objects.all())
    return {fold(str(row.label)): row.pk for row in rows} | {fold(row.key): row.pk for row in rows}


def _people() -> dict[str, User]:
    active = list(User.objects.filter(is_active=True).select_related("team"))
    return {fold(person.name): person for person in active} | {fold(person.email): person for person in active}
