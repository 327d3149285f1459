"""The mapping file: which column means what. docs/imports.md describes it; docs/examples/mappings holds examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from crm.contacts import validated_company, validated_contact
from crm.models import Channel, LegalBasis, Purpose
from leads.imports import columns
from leads.imports.columns import Column

TOP = {
    "title", "note", "system", "file", "time_zone", "empty", "identity", "requires_existing", "leads", "source",
    "legal_basis", "team", "sales_team", "columns", "always",
}  # fmt: skip
FILE = {"encoding", "delimiter", "header", "sheet"}
COMMON = {"to", "values", "blank", "otherwise", "required", "note"}
CHANNEL_FIELDS = {"email", "phone"}
ROW = "row"


class MappingError(Exception):
    """The mapping cannot be used; the message is a sentence for the person."""


@dataclass
class Mapping:
    """A mapping, checked. `identity` is a column's header, or 'row' for the row itself with its occurrence."""

    raw: dict[str, Any]
    system: str
    identity: str
    matches_email: bool
    requires_existing: bool
    leads: bool
    source: str
    legal_basis: str
    empty: frozenset[str]
    zone: ZoneInfo | None
    team: str
    sales_team: str
    file: dict[str, Any]
    columns: list[Column] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Mapping:
        """Read a mapping file; MappingError when it is none."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise MappingError(_("The mapping file %(name)s cannot be opened.") % {"name": path.name}) from error
        except ValueError as error:
            told = {"name": path.name, "error": error}
            raise MappingError(_("The mapping file %(name)s is not JSON: %(error)s.") % told) from error
        return cls.from_dict(raw)

    @classmethod
    def from_dict(cls, raw: Any) -> Mapping:
        """Check a mapping and build its columns."""
        if not isinstance(raw, dict) or not isinstance(raw.get("columns"), dict) or not raw["columns"]:
            raise MappingError(_("A mapping needs “columns”: what each column of the file means."))
        _only_known(raw, TOP, _("the mapping"))
        file = raw.get("file", {})
        _only_known(file, FILE, "file")
        identity, matches_email = _identity(raw.get("identity", ROW))
        system = str(raw.get("system", "")).strip()
        if not system or len(system) > 50:
            raise MappingError(_("A mapping needs “system”: a short name for where the list comes from."))
        basis = raw.get("legal_basis", "")
        if basis and basis not in LegalBasis.Basis.values:
            raise MappingError(
                _("Unknown legal basis. Take one of: %(names)s.") % {"names": ", ".join(LegalBasis.Basis.values)}
            )
        mapping = cls(
            raw=raw, system=system, identity=identity, matches_email=matches_email,
            requires_existing=bool(raw.get("requires_existing", False)), leads=bool(raw.get("leads", True)),
            source=str(raw.get("source", "")), legal_basis=basis, empty=frozenset(map(str, raw.get("empty", []))),
            zone=_zone(raw["time_zone"]) if raw.get("time_zone") else None, team=str(raw.get("team", "")),
            sales_team=str(raw.get("sales_team", "")), file=file,
        )  # fmt: skip
        for header, targets in raw["columns"].items():
            for target in targets if isinstance(targets, list) else [targets]:
                mapping.columns.append(_column(header, target))
        for target in raw.get("always", []):
            target = dict(target)
            fixed = target.pop("value", None)
            column = _column("", target)
            column.header, column.fixed = _("(every row)"), str(fixed if fixed is not None else "")
            mapping.columns.append(column)
        return mapping

    def resolve(self, header: list[str]) -> None:
        """Find every column's place in the file; MappingError names those that are missing and those there are."""
        places = {name: place for place, name in enumerate(header)}
        wanted = {column.header for column in self.columns if column.fixed is None}
        if self.identity != ROW:
            wanted.add(self.identity)
        missing = sorted(wanted - set(places))
        if missing:
            raise MappingError(
                _("The file has no column %(missing)s. It has: %(header)s.")
                % {"missing": ", ".join(f"“{name}”" for name in missing), "header": ", ".join(header)}
            )
        for column in self.columns:
            if column.fixed is None:
                column.place = places[column.header]
        self.identity_place = places[self.identity] if self.identity != ROW else -1

    @property
    def feed(self) -> str:
        """The name under which this system's facts are known: activities, legal bases, profile changes."""
        return f"import:{self.system}"

    def unmapped(self, header: list[str]) -> list[str]:
        """Return the file's columns that the mapping leaves out."""
        used = {column.header for column in self.columns} | {self.identity}
        return [name for name in header if name not in used]


def _identity(given: Any) -> tuple[str, bool]:
    if given == ROW:
        return ROW, False
    if isinstance(given, dict) and given.get("column"):
        _only_known(given, {"column", "match_email"}, "identity")
        return str(given["column"]), bool(given.get("match_email", False))
    if isinstance(given, dict) and given.get("match_email"):
        _only_known(given, {"match_email"}, "identity")
        return ROW, True
    raise MappingError(_('“identity” is "row", or {"column": …} with the column that holds a key.'))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise MappingError(_("%(name)s is not a time zone such as Europe/Berlin.") % {"name": name}) from error


def _only_known(given: Any, known: set[str], where: str) -> None:
    if not isinstance(given, dict):
        raise MappingError(_("%(where)s must be an object with names and values.") % {"where": where})
    strangers = sorted(set(given) - known)
    if strangers:
        told = {"names": ", ".join(strangers), "where": where, "known": ", ".join(sorted(known))}
        raise MappingError(_("Unknown: %(names)s in %(where)s. Known are: %(known)s.") % told)


def _column(header: str, target: Any) -> Column:
    if isinstance(target, str):
        target = {"to": target}
    if not isinstance(target, dict) or not isinstance(target.get("to"), str):
        raise MappingError(_("Column “%(column)s” needs “to”: what it means.") % {"column": header})
    to = target["to"]
    build, options = _builder(header, to, bool(target.get("masked", False)))
    _only_known(target, COMMON | options, f"“{header}”")
    common = {name: target[name] for name in ("values", "blank", "otherwise", "required") if name in target}
    return build(header, target, common)


Build = Callable[[str, dict[str, Any], dict[str, Any]], Column]


def _builder(header: str, to: str, masked: bool) -> tuple[Build, set[str]]:
    """Return what builds a column that goes `to`, and the options it takes beside the common ones."""
    subject, _dot, name = to.partition(".")
    if masked and not name.startswith("custom."):
        raise MappingError(
            _("Column “%(column)s” is masked: it reaches nobody, so it can only go to a custom field.")
            % {"column": header}
        )
    if subject in {"contact", "company"} and name.startswith("custom.") and name != "custom.":
        return _custom(subject == "company", name.removeprefix("custom.")), {
            "type",
            "decimal",
            "thousands",
            "format",
            "masked",
        }
    if to == "company.key":
        return lambda header, _target, common: columns.CompanyKeyColumn(header, **common), set()
    if subject == "contact" and name in columns.CONTACT_TEXTS:
        return lambda header, _t, common: columns.ContactColumn(
            header, **common, name=name, check=validated_contact
        ), set()
    if subject == "company" and name in columns.COMPANY_TEXTS:
        return lambda header, _t, common: columns.CompanyColumn(
            header, **common, name=name, check=validated_company
        ), set()
    if to in BUILDERS:
        return BUILDERS[to]
    raise MappingError(
        _("Column “%(column)s” goes to “%(to)s”, which is no field. docs/imports.md lists them.")
        % {"column": header, "to": to}
    )


def _custom(of_company: bool, name: str) -> Build:
    def build(header: str, target: dict[str, Any], common: dict[str, Any]) -> Column:
        kind = target.get("type", "text")
        if kind not in {"text", "number", "yes_no", "date"}:
            raise MappingError(_("“type” is one of: text, number, yes_no, date."))
        return columns.CustomColumn(
            header, **common, name=name, of_company=of_company, kind=kind, decimal=target.get("decimal", "."),
            thousands=target.get("thousands", ""), format=target.get("format", ""),
        )  # fmt: skip

    return build


def _moment(name: str, *, ahead: bool = False) -> tuple[Build, set[str]]:
    def build(header: str, target: dict[str, Any], common: dict[str, Any]) -> Column:
        zone = _zone(target["time_zone"]) if target.get("time_zone") else None
        return columns.MomentColumn(
            header, **common, name=name, format=target.get("format", ""), zone=zone, may_lie_ahead=ahead
        )

    return build, {"format", "time_zone"}


def _amount(header: str, target: dict[str, Any], common: dict[str, Any]) -> Column:
    decimal, thousands = target.get("decimal", "."), target.get("thousands", "")
    if decimal not in {".", ","} or decimal == thousands:
        raise MappingError(_("“decimal” is “.” or “,” and differs from “thousands”."))
    return columns.AmountColumn(header, **common, decimal=decimal, thousands=thousands)


def _lead_text(name: str, longest: int) -> tuple[Build, set[str]]:
    return lambda header, _t, common: columns.LeadTextColumn(header, **common, name=name, longest=longest), set()


def _activity(header: str, target: dict[str, Any], common: dict[str, Any]) -> Column:
    kind = target.get("kind", "")
    if not kind and "values" not in common and "blank" not in common:
        raise MappingError(
            _("Column “%(column)s”: an activity needs “kind”, or “values” that tell it.") % {"column": header}
        )
    zone = _zone(target["time_zone"]) if target.get("time_zone") else None
    return columns.ActivityColumn(
        header, **common, kind=kind, property=target.get("property", ""), format=target.get("format", ""), zone=zone
    )


def _note(header: str, _target: dict[str, Any], common: dict[str, Any]) -> Column:
    return columns.ActivityColumn(header, **common, kind="note", property="text")


def _objection(header: str, target: dict[str, Any], common: dict[str, Any]) -> Column:
    channel, purposes = target.get("channel", ""), tuple(target.get("purposes", ["offer"]))
    if channel not in Channel.values or not set(purposes) <= set(Purpose.values):
        raise MappingError(
            _("Column “%(column)s” names a channel or purpose that does not exist.") % {"column": header}
        )
    when = frozenset(str(word).casefold() for word in target.get("when", ["yes", "true", "1", "x"]))
    return columns.ObjectionColumn(header, **common, channel=channel, purposes=purposes, when=when)


BUILDERS: dict[str, tuple[Build, set[str]]] = {
    "lead.source": (lambda header, _t, common: columns.SourceColumn(header, **common), set()),
    "lead.stage": (lambda header, _t, common: columns.StageColumn(header, **common), set()),
    "lead.owner": (lambda header, _t, common: columns.OwnerColumn(header, **common), set()),
    "lead.entered_at": _moment("entered_at"),
    "lead.stage_at": _moment("stage_at"),
    "lead.wake_on": _moment("wake_on", ahead=True),
    "lead.next_step_on": _moment("next_step_on", ahead=True),
    "lead.amount": (_amount, {"decimal", "thousands"}),
    "lead.currency": _lead_text("currency", 3),
    "lead.source_detail": _lead_text("source_detail", 200),
    "lead.next_step": _lead_text("next_step", 200),
    "activity": (_activity, {"kind", "property", "format", "time_zone"}),
    "note": (_note, set()),
    "objection": (_objection, {"channel", "purposes", "when"}),
}
