"""Undoing an import: row by row from the last to the first, what it changed gets its old value, what it made goes.

What people or later imports have changed since is theirs: it is left as it is and listed. Each chunk is one
transaction with how far the undo has come. Logs grow: profile changes and stages are taken back by new entries.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import contacts, signals
from crm.deletion import gate_open, remove_contacts
from crm.models import (
    Activity,
    Company,
    CompanyKey,
    ConsentEvent,
    Contact,
    ContactKey,
    ContactMerge,
    LegalBasis,
    ProfileChange,
    User,
)
from crm.models.base import concrete_field
from leads import lifecycle, steps
from leads.entries import take_back_entries
from leads.imports.writing import CLAIM, EDITABLE, Overtaken
from leads.models import Finding, Handoff, ImportBatch, ImportRow, Lead, StageChange, Step
from leads.removal import remove_leads

AT_ONCE = 200
Undo, Outcome = ImportRow.Undo, ImportRow.Outcome

#: Why something is left as it is: what stands in ImportRow.left → the sentence. %(field)s and %(name)s may occur.
REASONS: dict[str, str | Promise] = {
    "field": gettext_lazy("“%(field)s” was changed since"),
    "field_by": gettext_lazy("“%(field)s” was changed since by %(name)s"),
    "profile": gettext_lazy("the profile was changed since by %(name)s"),
    "imported": gettext_lazy("a later import changed it"),
    "activity": gettext_lazy("something happened since"),
    "permission": gettext_lazy("consent or legal basis was recorded since"),
    "key": gettext_lazy("another system knows the person now"),
    "moved": gettext_lazy("the lead was moved since by %(name)s"),
    "stage": gettext_lazy("the stage was changed since"),
    "handoff": gettext_lazy("the lead was handed over since"),
    "finding": gettext_lazy("the qualification checklist was filled in since"),
    "lead": gettext_lazy("a new lead began since"),
    "edited": gettext_lazy("the lead was edited since"),
    "merged": gettext_lazy("the contact was merged with another one since"),
}


def sentences(row: ImportRow, people: dict[int, User]) -> list[str]:
    """Return why a row was left as it is."""
    found = []
    for told in row.left:
        by = people.get(told.get("by", 0))
        name = by.name if by else _("somebody")
        found.append(str(REASONS[told["why"]]) % {"field": told.get("field", ""), "name": name})
    return found


def carry_on(batch: ImportBatch, until: float) -> None:
    """Undo a claimed batch chunk by chunk until monotonic `until`; raises Overtaken."""
    while True:
        began = time.monotonic()
        rows = list(
            batch.lines.filter(number__lt=batch.cursor, outcome__in=[Outcome.CREATED, Outcome.UPDATED])
            .order_by("-number")[:AT_ONCE]
        )  # fmt: skip
        here = ImportBatch.objects.filter(pk=batch.pk, state=ImportBatch.State.UNDOING, cursor=batch.cursor)
        if not rows:
            here.update(state=ImportBatch.State.UNDONE, undone_at=timezone.now(), claimed_until=None, seen_at=None)
            return
        try:
            with gate_open("import undone"):
                Chunk(batch, rows).take_back()
                left = sum(row.undo == Undo.LEFT for row in rows)
                going_on = time.monotonic() < until
                if not here.update(
                    cursor=rows[-1].number, taken_back=F("taken_back") + len(rows) - left, left=F("left") + left,
                    worked=F("worked") + time.monotonic() - began, trouble="",
                    claimed_until=timezone.now() + CLAIM if going_on else None,
                ):  # fmt: skip
                    raise Overtaken
        except contacts.Stale:
            continue  # somebody saved one of these people just now: look again
        batch.cursor = rows[-1].number
        if not going_on:
            return


@dataclass
class Chunk:
    """Some rows of a batch, the last first, and what is here now about whom they touched."""

    batch: ImportBatch
    rows: list[ImportRow]
    whole: list[ImportRow] = field(default_factory=list)
    people: dict[int, Contact] = field(default_factory=dict)
    leads: dict[int, Lead] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.feed = f"import:{self.batch.mapping['system']}"
        self.system = self.batch.mapping["system"]
        self.source = f"undo:import:{self.batch.pk}"
        self.people = Contact.objects.in_bulk([row.contact_id for row in self.rows if row.contact_id])
        self.leads = Lead.objects.in_bulk([row.lead_id for row in self.rows if row.lead_id])
        merged = set(ContactMerge.objects.standing().filter(kept__in=self.people).values_list("kept_id", flat=True))
        self.whole, self.rows = self.rows, [row for row in self.rows if row.contact_id not in merged]
        for row in self.whole:
            if row.contact_id in merged:
                row.left.append({"why": "merged"})

    def take_back(self) -> None:
        """Take back what these rows did, note per row whether all of it could be, in the caller's transaction."""
        self._restore_people()
        self._restore_leads()
        self._restore_companies()
        self._remove_additions()
        self._remove_leads([row for row in self.rows if row.outcome == Outcome.UPDATED and "lead" in self._made(row)])
        self._remove_people([row for row in self.rows if "contact" in self._made(row)])
        self._remove_companies()
        for row in self.whole:
            row.undo = Undo.LEFT if row.left else Undo.UNDONE
        ImportRow.objects.bulk_update(self.whole, ["undo", "left"])

    @staticmethod
    def _made(row: ImportRow) -> list[str]:
        made: list[str] = row.before.get("made", [])
        return made

    # --- What was changed gets its old value ------------------------------------------------------

    def _restore_people(self) -> None:
        changed = [row for row in self.rows if row.before.get("contact") and row.contact_id in self.people]
        newest = _newest_changes([row.contact_id for row in changed if row.contact_id])
        back: dict[int, dict[str, Any]] = {}
        for row in changed:
            assert row.contact_id is not None
            person, values = self.people[row.contact_id], back.setdefault(row.contact_id, {})
            for name, old in row.before["contact"].items():
                now = values.get(name, getattr(person, name))
                self._restore_field(row, name, old, now, newest.get((row.contact_id, name)), values)
        restored = [(self.people[pk], values) for pk, values in back.items() if values]
        contacts.change_many(restored, by=None, source=self.source)

    def _restore_field(
        self, row: ImportRow, name: str, old: Any, now: Any, change: ProfileChange | None, values: dict[str, Any]
    ) -> None:
        """Put one field's old value into `values`, or note on the row that it is somebody else's by now."""
        new = row.after["contact"][name]
        if name == "custom":
            values[name], theirs = _custom_back(old, new, now)
            row.left += [{"why": "field", "field": key} for key in theirs]
        elif now != new or (change and change.by_id):
            who = {"why": "field_by", "by": change.by_id} if change and change.by_id else {"why": "field"}
            row.left.append(who | {"field": name})
        elif name == "company_id" and old and not Company.objects.filter(pk=old).exists():
            row.left.append({"why": "field", "field": name})
        else:
            values[name] = old

    def _restore_leads(self) -> None:
        entries = {row.lead_id: row for row in self.rows if "entry" in row.after and row.lead_id in self.leads}
        log = StageChange.objects.filter(lead__in=entries, verb="enter_as", actor=StageChange.Actor.IMPORT)
        said = {(change.lead_id, change.seq): change for change in log}
        for row in self.rows:
            lead = self.leads.get(row.lead_id or 0)
            if lead is None or row.outcome != Outcome.UPDATED or "lead" in self._made(row):
                continue
            back_to = row.before.get("lead", {})
            if "entry" in row.after:
                if lead.version != row.after["entry"]:
                    row.left.append({"why": "stage"})
                    back_to = {name: old for name, old in back_to.items() if name != "closed_on"}
                else:
                    since = datetime.fromisoformat(row.before["lane_since"])
                    take_back_entries([(lead, said[lead.pk, lead.version], since)])
                    lead.refresh_from_db()
            self._refill(row, lead, back_to)

    def _refill(self, row: ImportRow, lead: Lead, before: dict[str, Any]) -> None:
        after = row.after.get("lead", {})
        back = {}
        for name, old in before.items():
            column = concrete_field(Lead, name)
            if getattr(lead, name) == column.to_python(after[name]):
                back[name] = column.to_python(old)
            elif name != "currency":
                row.left.append({"why": "edited"})
        if back:
            Lead.objects.filter(pk=lead.pk).update(**back)
            if back.keys() & {"next_step", "next_step_on"}:
                steps.follow([lead.pk])
            lead.refresh_from_db()
            if "owner_id" in back:
                lifecycle.restand(lead)

    def _restore_companies(self) -> None:
        for row in self.rows:
            filled = row.after.get("filled")
            company = Company.objects.filter(pk=filled["id"]).first() if filled else None
            if filled and company:
                same = {name for name, new in filled["to"].items() if getattr(company, name) == new}
                back = {name: row.before["company"][name] for name in same}
                contacts.update_company(company, back, by=None, source=self.source)
                row.left += [{"why": "field", "field": f"company.{name}"} for name in filled["to"].keys() - same]

    # --- What was added goes ----------------------------------------------------------------------

    def _remove_additions(self) -> None:
        """Take away keys, legal bases, objections and activities of people who were here before."""
        rows = [row for row in self.rows if row.contact_id in self.people and "contact" not in self._made(row)]
        ids = {row.contact_id for row in rows if row.contact_id}
        deeds = {message for row in rows for message in row.after.get("deeds", [])}
        if deeds:
            _raw_delete(Activity.objects.filter(feed=self.feed, message_id__in=deeds, contact__in=ids))
            signals.activities_removed.send(sender=Activity, contact_ids=list(ids))
        keys = [row.key for row in rows if row.after.get("key")]
        ContactKey.objects.filter(system=self.system, key__in=keys).delete()
        based = [row.contact_id for row in rows if row.after.get("basis")]
        LegalBasis.objects.filter(contact__in=based, source=self.feed).delete()
        said = {row.contact_id for row in rows if row.after.get("objections")}
        events = ConsentEvent.objects.filter(contact__in=said, source=self.feed)
        numbers = {(row.contact_id, row.number) for row in rows if row.after.get("objections")}
        ours = [e.pk for e in events if e.evidence.get("import") == self.batch.pk
                and (e.contact_id, e.evidence.get("row")) in numbers]  # fmt: skip
        if ours:
            _raw_delete(ConsentEvent.objects.filter(pk__in=ours))
            signals.consent_changed.send(sender=ConsentEvent, contact_ids=list(said))
        company_keys = [row.after["company_key"] for row in self.rows if "company_key" in row.after]
        CompanyKey.objects.filter(system=self.system, key__in=company_keys).delete()

    def _remove_leads(self, rows: list[ImportRow]) -> None:
        """Delete the leads that were opened for people who were here before, unless they are somebody's by now."""
        touched = self._touched_leads(rows)
        for row in rows:
            row.left += touched.get(row.lead_id or 0, [])
        remove_leads([row.lead_id for row in rows if row.lead_id and row.lead_id not in touched])

    def _remove_people(self, rows: list[ImportRow]) -> None:
        """Delete the people the batch brought in, unless something has happened to them since."""
        here = [row for row in rows if row.contact_id in self.people]
        touched = self._touched_people(here)
        for pk, why in self._touched_leads(here).items():
            touched.setdefault(self.leads[pk].contact_id, []).extend(why)
        for row in here:
            row.left += touched.get(row.contact_id or 0, [])
        gone = [row.contact_id for row in here if row.contact_id and row.contact_id not in touched]
        remove_contacts(gone)

    def _remove_companies(self) -> None:
        """Delete the companies the batch made where nobody works any more and nothing has been changed."""
        made = [row.after["company"] for row in self.rows if "company" in row.after]
        changed = ProfileChange.objects.filter(company__in=made).exclude(source__in=[self.feed, self.source])
        kept = set(changed.values_list("company_id", flat=True))
        kept |= set(Contact.objects.filter(company__in=made).values_list("company_id", flat=True))
        kept |= set(CompanyKey.objects.filter(company__in=made).exclude(system=self.system)
                    .values_list("company_id", flat=True))  # fmt: skip
        gone = [pk for pk in made if pk not in kept]
        _raw_delete(ProfileChange.objects.filter(company__in=gone))
        Company.objects.filter(pk__in=gone).delete()

    # --- What happened since ----------------------------------------------------------------------

    def _touched_people(self, rows: list[ImportRow]) -> dict[int, list[dict[str, Any]]]:
        """Return why, per contact, these people are no longer only this batch's."""
        ids = [row.contact_id for row in rows if row.contact_id]
        found: dict[int, list[dict[str, Any]]] = {}

        def left(contact_ids: Iterable[int | None], **why: Any) -> None:
            for pk in dict.fromkeys(contact_ids):
                found.setdefault(pk or 0, []).append(why)

        changes = ProfileChange.objects.filter(contact__in=ids).exclude(source__in=[self.feed, self.source])
        for pk, by in dict(changes.order_by("id").values_list("contact_id", "by")).items():
            left([pk], why="profile", by=by)
        later = ImportRow.objects.filter(contact__in=ids, outcome__in=[Outcome.CREATED, Outcome.UPDATED])
        later = later.exclude(batch=self.batch).exclude(undo=Undo.UNDONE)
        left(later.values_list("contact_id", flat=True), why="imported")
        for model, names, why in (
            (Activity, {"feed": self.feed}, "activity"), (ConsentEvent, {"source": self.feed}, "permission"),
            (LegalBasis, {"source": self.feed}, "permission"), (ContactKey, {"system": self.system}, "key"),
        ):  # fmt: skip
            theirs = model._default_manager.filter(contact__in=ids).exclude(**names).order_by()
            left(theirs.values_list("contact_id", flat=True), why=why)
        ours = Counter({row.contact_id: 1 for row in rows if row.lead_id})
        there = Counter(Lead.objects.filter(contact__in=ids).order_by().values_list("contact_id", flat=True))
        left([pk for pk, count in there.items() if count > ours[pk]], why="lead")
        return found

    def _touched_leads(self, rows: list[ImportRow]) -> dict[int, list[dict[str, Any]]]:
        """Return why, per lead, these leads are no longer only this batch's."""
        ids = [row.lead_id for row in rows if row.lead_id in self.leads]
        found: dict[int, list[dict[str, Any]]] = {}
        moves = StageChange.objects.filter(lead__in=ids, actor=StageChange.Actor.PERSON).order_by("seq")
        for pk, by in dict(moves.values_list("lead_id", "by")).items():
            found.setdefault(pk, []).append({"why": "moved", "by": by})
        for model, why in ((Handoff, "handoff"), (Finding, "finding")):
            for pk in set(model._default_manager.filter(lead__in=ids).order_by().values_list("lead_id", flat=True)):
                found.setdefault(pk, []).append({"why": why})
        planned = Step.objects.filter(lead__in=ids).exclude(made_by=None, done_by=None)
        by_hand = set(planned.values_list("lead_id", flat=True))
        for row in rows:
            lead = self.leads.get(row.lead_id or 0)
            if lead and "lead" in row.after and (lead.pk in by_hand or _is_edited(lead, row.after["lead"])):
                found.setdefault(lead.pk, []).append({"why": "edited"})
        return found


def _is_edited(lead: Lead, made: dict[str, Any]) -> bool:
    for name in EDITABLE:
        if (getattr(lead, name) or None) != (concrete_field(Lead, name).to_python(made.get(name)) or None):
            return True
    return False


def _newest_changes(contact_ids: list[int]) -> dict[tuple[int, str], ProfileChange]:
    changes = ProfileChange.objects.filter(contact__in=contact_ids).order_by("id")
    return {(change.contact_id, change.field): change for change in changes if change.contact_id}


def _custom_back(old: dict[str, Any], new: dict[str, Any], now: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the own fields with what the import changed put back, and the names that others changed since."""
    kept, theirs = dict(now), []
    for name in new:
        if old.get(name) == new[name] and name in old:
            continue
        if now.get(name) != new[name]:
            theirs.append(name)
        elif name in old:
            kept[name] = old[name]
        else:
            kept.pop(name, None)
    return kept, theirs


def _raw_delete(rows: Any) -> None:
    rows._raw_delete(rows.db)


def left_rows(batch: ImportBatch) -> Any:
    """Return the rows an undo left as they are, with their people."""
    return batch.lines.filter(undo=Undo.LEFT).select_related("contact")
