"""An import in the making: what a person chose step by step, turned into the mapping that the import reads.

The mapping is the same as `manage.py import_contacts` takes; what is only of the wizard stands in `choices`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.models import LegalBasis, User, Workspace
from crm.text import search_key
from leads.imports import batches, files, guessing, targets
from leads.imports.guessing import Look
from leads.imports.reading import ReadingError, Table
from leads.imports.running import display_name
from leads.models import ImportBatch, MappingTemplate, Source

State = ImportBatch.State
MOST_BYTES = 50 * 1024 * 1024
LEAVE_OUT, KEPT = "", "kept"  # KEPT: several targets from a template, which the page shows but does not take apart
STEPS = ("upload", "look", "columns", "basis", "check")


class TooLate(Exception):
    """The import has begun; its preparation can no longer be changed."""


# --- Step 1: the list ---------------------------------------------------------------------------


def begin(chunks: Iterable[bytes], *, file_name: str, by: User) -> ImportBatch:
    """Keep an uploaded list and guess what it is; ReadingError when it is no table (nothing is kept then)."""
    stored_as, digest = files.keep(chunks)
    try:
        table = Table(files.path_of(stored_as))
        names = [name for name in table.columns if name]
        file: dict[str, Any] = {}
        if guessing.seems_headless(names):
            file["header"] = numbered(len(table.columns))
            table = Table(files.path_of(stored_as), **file)
        if not table.sample(1):
            raise ReadingError(_("The file has a header but no rows."))
        with transaction.atomic():
            return ImportBatch.objects.create(
                file_name=display_name(file_name), file_sha256=digest, stored_as=stored_as, created_by=by,
                state=State.DRAFT, mapping={"file": file}, choices={"step": "look", "system": system_name(file_name)},
            )  # fmt: skip
    except BaseException:
        files.discard(stored_as)
        raise


def numbered(count: int) -> list[str]:
    """Return names for the columns of a list whose first row names none."""
    return [_("Column %(number)d") % {"number": number} for number in range(1, count + 1)]


def system_name(file_name: str) -> str:
    """Return a short name for where a list comes from, made of its file's name."""
    return slugify(search_key(Path(display_name(file_name)).stem))[:50] or "list"


# --- Saving -------------------------------------------------------------------------------------


def save(batch: ImportBatch, *, mapping: dict[str, Any] | None = None, **values: Any) -> None:
    """Note what was chosen; what was checked before has to be checked again. Raises TooLate."""
    if mapping is not None:
        values["mapping"] = mapping
    prepared = ImportBatch.objects.filter(pk=batch.pk, state__in=ImportBatch.PREPARED)
    if not prepared.update(state=State.DRAFT, findings={}, trouble="", claimed_until=None, **values):
        raise TooLate
    batch.refresh_from_db()


def reached(batch: ImportBatch, step: str) -> dict[str, Any]:
    """Return the batch's choices with `step` as the furthest one reached."""
    known = batch.choices.get("step", "look")
    furthest = max(STEPS.index(step), STEPS.index(known) if known in STEPS else 0)
    return batch.choices | {"step": STEPS[furthest]}


# --- Step 3: the columns ------------------------------------------------------------------------


def chosen(batch: ImportBatch, looks: list[Look]) -> dict[str, dict[str, Any]]:
    """Return header → {"to", "name"} as the page shows it: from the mapping, else proposed."""
    columns = batch.mapping.get("columns")
    if columns is None:
        proposed = guessing.propose(looks)
        return {one.header: {"to": proposed.get(one.header, ""), "name": one.header} for one in looks}
    identity = batch.mapping.get("identity")
    key = identity.get("column") if isinstance(identity, dict) else None
    return {one.header: _shown(columns.get(one.header), one.header, is_key=one.header == key) for one in looks}


def _shown(target: Any, header: str, *, is_key: bool) -> dict[str, Any]:
    if isinstance(target, list) or (target is not None and is_key):
        return {"to": KEPT, "name": header}
    if is_key:
        return {"to": targets.KEY, "name": header}
    if target is None:
        return {"to": LEAVE_OUT, "name": header}
    to = target if isinstance(target, str) else target["to"]
    for prefix, own in (("contact.custom.", targets.OWN), ("company.custom.", targets.OWN_COMPANY)):
        if to.startswith(prefix):
            return {"to": own, "name": to.removeprefix(prefix)}
    if to == "activity" and isinstance(target, dict):
        return {"to": f"{targets.ACTIVITY}{target['kind']}" if target.get("kind") else KEPT, "name": header}
    if to == "objection" and isinstance(target, dict):
        return {"to": f"objection.{target.get('channel', '')}", "name": header}
    return {"to": to, "name": header}


def with_columns(batch: ImportBatch, looks: list[Look], picked: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the mapping with these columns: `picked` is header → (target, name of an own field)."""
    mapping = copy.deepcopy(batch.mapping)
    before, columns, key = mapping.get("columns", {}), {}, ""
    for one in looks:
        to, name = picked.get(one.header, (LEAVE_OUT, ""))
        if to == KEPT and one.header in before:
            columns[one.header] = before[one.header]
        elif to == targets.KEY:
            key = one.header
        elif to:
            columns[one.header] = _target(batch, one, to, name, before.get(one.header))
    mapping["columns"] = columns
    mapping["identity"] = _identity(batch, columns, key)
    mapping["system"] = batch.choices["system"]
    mapping["leads"] = bool(batch.choices.get("leads", True))
    mapping["requires_existing"] = bool(batch.choices.get("existing_only")) and bool(key)
    told = any(_goes_to(column, "lead.stage") for column in columns.values())
    return with_fixed(mapping, "lead.stage", "" if told else batch.choices.get("stage", ""))


def with_fixed(mapping: dict[str, Any], to: str, value: str) -> dict[str, Any]:
    """Return the mapping in which every row says `value` of `to`; '' takes that back, what else is fixed stays."""
    rest = [one for one in mapping.get("always", []) if one["to"] != to]
    return mapping | {"always": [*rest, {"to": to, "value": value}] if value else rest}


def _identity(batch: ImportBatch, columns: dict[str, Any], key: str) -> Any:
    by_mail = bool(batch.choices.get("match_email", True)) and any(
        _goes_to(c, "contact.email") for c in columns.values()
    )
    if key:
        return {"column": key} | ({"match_email": True} if by_mail else {})
    return {"match_email": True} if by_mail else "row"


def _goes_to(column: Any, to: str) -> bool:
    if isinstance(column, list):
        return any(_goes_to(one, to) for one in column)
    return column == to or (isinstance(column, dict) and column.get("to") == to)


def _target(batch: ImportBatch, one: Look, to: str, name: str, before: Any) -> Any:
    """Return one column's place in the mapping, with how its dates and numbers are written."""
    decimal, thousands, _form = guessing.NUMBERS[batch.choices.get("numbers", "1234.56")]
    written = {"decimal": decimal} | ({"thousands": thousands} if thousands else {})
    dated = guessing.date_format(one.cells, batch.choices.get("dates", guessing.DAY)) if one.kind == "date" else ""
    if to in {targets.OWN, targets.OWN_COMPANY}:
        kind = {"number": "number", "date": "date", "yes_no": "yes_no"}.get(one.kind, "text")
        kind = "text" if kind == "number" and _keeps_zeros(one) else kind
        more = {"number": written, "date": {"format": dated} if dated else {}}.get(kind, {})
        where = "contact" if to == targets.OWN else "company"
        return {"to": f"{where}.custom.{own_name(name or one.header)}", "type": kind} | more
    if to.startswith(targets.ACTIVITY):
        kind = to.removeprefix(targets.ACTIVITY)
        if one.kind == "date":
            return {"to": "activity", "kind": kind, "format": dated or "%Y-%m-%d"}
        return {"to": "activity", "kind": kind, "property": "text"}
    if to.startswith("objection."):
        words = ["yes", "true", "1", "x", "y", "ja", "j"]
        return {"to": "objection", "channel": to.removeprefix("objection."), "when": words}
    if to in targets.MOMENTS:
        return {"to": to} | ({"format": dated} if dated else {})
    if to == "lead.amount":
        return {"to": to} | written
    if to in targets.CHOICES:
        same = isinstance(before, dict) and before.get("to") == to
        return before if same else {"to": to, "values": {}}
    return to


def _keeps_zeros(one: Look) -> bool:
    return any(cell.startswith("0") and len(cell) > 1 and cell[1] not in ".," for cell in map(str, one.cells))


def own_name(text: str) -> str:
    """Return the name of an own field made of what a person wrote: short, in one line."""
    return " ".join(text.split())[:60] or "field"


# --- Step 3, further: the words of stages and sources ----------------------------------------------


def worded(mapping: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (header, target) of the columns whose words stand for stages or sources."""
    return [
        (header, target["to"])
        for header, target in mapping.get("columns", {}).items()
        if isinstance(target, dict) and target.get("to") in targets.CHOICES
    ]


def guessed_words(words: Iterable[str], to: str) -> dict[str, str]:
    """Return word → stage or source key as far as it can be told."""
    if to == "lead.stage":
        return {word: guessing.stage_for(word) for word in words}
    here = Source.objects.filter(active=True)
    known = {targets.plain(name): one.key for one in here for name in (str(one), one.label, one.key)}
    return {word: guessing.source_for(word, known) for word in words}


def with_words(batch: ImportBatch, header: str, meant: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (mapping, choices) with what the words of one column mean; '' stands for the list's own source."""
    mapping, choices = copy.deepcopy(batch.mapping), copy.deepcopy(batch.choices)
    choices.setdefault("words", {})[header] = meant
    if mapping["columns"][header]["to"] == "lead.stage":
        mapping["columns"][header]["values"] = meant
    return with_source(mapping, choices, batch.source), choices


def with_source(mapping: dict[str, Any], choices: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the mapping in which words that name no source of ours stand for the list's own."""
    for header, to in worded(mapping):
        if to == "lead.source" and header in choices.get("words", {}):
            values = {word: key or source for word, key in choices["words"][header].items()}
            mapping["columns"][header] |= {"values": values, "otherwise": source, "blank": source or None}
    return mapping


# --- Templates ------------------------------------------------------------------------------------

KEPT_CHOICES = ("dates", "numbers", "match_email", "system", "stage")
OF_A_LIST = ("file", "columns", "identity", "leads", "requires_existing", "empty", "time_zone", "always", "team")


def keep_template(batch: ImportBatch, name: str, *, by: User) -> MappingTemplate:
    """Keep the mapping under a name; one of that name is replaced."""
    kept = {part: batch.mapping[part] for part in OF_A_LIST if part in batch.mapping and part != "file"}
    kept["choices"] = {choice: batch.choices[choice] for choice in KEPT_CHOICES if choice in batch.choices}
    try:
        with transaction.atomic():
            return MappingTemplate.objects.create(name=name, mapping=kept, created_by=by)
    except IntegrityError:
        MappingTemplate.objects.filter(name=name).update(mapping=kept)
        return MappingTemplate.objects.get(name=name)


def apply_template(batch: ImportBatch, template: MappingTemplate) -> int:
    """Take a kept mapping over, as far as the list has its columns; return how many columns it had."""
    kept = copy.deepcopy(template.mapping)
    here = set(batches.table_of(batch).columns)
    columns = {header: target for header, target in kept.get("columns", {}).items() if header in here}
    identity = kept.get("identity", "row")
    if isinstance(identity, dict) and identity.get("column", "") not in here | {""}:
        identity = {"match_email": True} if identity.get("match_email") else "row"
    choices = batch.choices | kept.pop("choices", {})
    mapping = {"file": batch.mapping.get("file", {})} | kept | {"columns": columns, "identity": identity}
    save(batch, mapping=mapping | {"system": choices["system"]}, choices=choices)
    return len(columns)


# --- Step 4: source and legal basis ---------------------------------------------------------------


def due_date(received: date) -> date:
    """Return by when people must be told that we hold their data: a month after they reached us (Art. 14 (3) GDPR)."""
    month = received.month % 12 + 1
    year = received.year + (received.month == 12)
    for day in (received.day, 30, 29, 28):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    return received + timedelta(days=28)


def comes_from_others(batch: ImportBatch) -> bool:
    return batch.choices.get("origin") == "others"


def notice(batch: ImportBatch) -> str:
    """Return the text that tells people what Art. 14 GDPR asks, to be completed by what only you know."""
    workspace = Workspace.objects.get_or_create(pk=1)[0]
    source = Source.objects.filter(key=batch.source).first()
    detail = batch.choices.get("detail", "")
    basis = dict(LegalBasis.Basis.choices).get(batch.legal_basis, "")
    told = {
        "us": workspace.name or _("[your company]"), "source": f"{source}{f' ({detail})' if detail else ''}",
        "kinds": ", ".join(kinds_of_data(batch.mapping)), "basis": basis,
        "on": batch.choices.get("received_on", ""),
    }  # fmt: skip
    return (
        _(
            "We, %(us)s, hold personal data about you: %(kinds)s. We did not get them from you but from: %(source)s,"
            " on %(on)s."
        )
        + "\n\n"
        + _(
            "We use them to find out whether our offer is of use to you and to get in touch with you. Legal basis:"
            " %(basis)s. We keep them for as long as that purpose lasts: [period]. Recipients: [processors, such as"
            " hosting]."
        )
        + "\n\n"
        + _(
            "You may ask for access, correction, deletion, restriction and a copy of your data, and you may object to"
            " their use for advertising at any time; then we stop. You may complain to a supervisory authority."
            " Contact: [address, data protection officer]."
        )
    ) % told


def kinds_of_data(mapping: dict[str, Any]) -> list[str]:
    """Return in words which data a mapping takes: ours in our order, then own fields and others by their name."""
    words = {target.key: str(target.label) for target in targets.TARGETS}
    # PostgreSQL's jsonb gives the columns back in an order of its own.
    found, others = set(), set()
    for header, target in mapping.get("columns", {}).items():
        for one in target if isinstance(target, list) else [target]:
            to = one if isinstance(one, str) else one["to"]
            if to in words:
                found.add(to)
            else:
                others.add(to.rpartition("custom.")[2] if "custom." in to else header)
    return [label for key, label in words.items() if key in found] + sorted(others)
