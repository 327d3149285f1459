"""Writing what was planned: a slice, its rows' record and how far the batch has come, in one short transaction."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import bulk, consents, contacts, signals
from crm.activities import Happening, record_many
from crm.models import CompanyKey, ConsentEvent, Contact, ContactKey, LegalBasis, Purpose, Team
from crm.workdays import date_of, local_day
from leads import lifecycle, steps
from leads.entries import Entry, enter_as_many, open_as_many
from leads.imports.mapping import Mapping
from leads.imports.planning import Planner
from leads.imports.plans import Outcome, Plan
from leads.models import ImportBatch, ImportRow, Lead, Standing
from leads.stages import Stage

ROW_COLUMNS = ("batch_id", "number", "key", "outcome", "contact_id", "lead_id", "messages", "before", "after")
#: What people may change about a new lead without leaving a trace in a log: kept, so that an undo sees it.
EDITABLE = ("source_id", "source_detail", "amount", "currency", "next_step", "next_step_on")
CLAIM = timedelta(seconds=30)


class Overtaken(Exception):
    """Somebody else came further with this batch, or stopped it; nothing of the slice was written."""


class Writer(Planner):
    """Plans and writes slices of one import."""

    def __init__(self, mapping: Mapping, *, source_id: int | None, basis: str, now: datetime) -> None:
        super().__init__(mapping, source_id=source_id, basis=basis, now=now)
        self.since = time.monotonic()

    def ensure_queue(self) -> None:
        """Make sure that leads nobody owns have a queue to wait in."""
        if self.queue is None:
            self.queue = Team.objects.create(name=_("Unassigned"), side=Team.Side.MARKETING)
            self.sales_queue = self.sales_queue or self.queue

    def write(self, plans: Sequence[Plan], batch: ImportBatch) -> None:
        """Write a slice, its rows' record and how far the batch has come; all of it or nothing.

        Raises Overtaken when the batch is no longer running or stands elsewhere than `batch` says.
        """
        doing = [plan for plan in plans if plan.outcome not in {Outcome.FAILED, Outcome.SKIPPED}]
        with transaction.atomic():
            cursor = self._move_on(plans, batch)
            self._store_companies(doing)
            self._store_contacts(doing)
            self._store_permissions(doing, batch)
            record_many((deed for plan in doing for deed in _placed(plan)), history=True)
            self._store_leads(doing)
            bulk.insert_values(ImportRow, ROW_COLUMNS, (_row(plan, batch) for plan in plans))
        batch.cursor, self.since = cursor, time.monotonic()

    def _move_on(self, plans: Sequence[Plan], batch: ImportBatch) -> int:
        """Note in the slice's own transaction, and first, how far the batch has come; return the last row."""
        counts = {name: sum(plan.outcome == name for plan in plans) for name in Outcome.values}
        cursor = plans[-1].arrival.number
        here = ImportBatch.objects.filter(pk=batch.pk, state=ImportBatch.State.RUNNING, cursor=batch.cursor)
        if not here.update(
            cursor=cursor, claimed_until=timezone.now() + CLAIM, trouble="", rows=F("rows") + len(plans),
            worked=F("worked") + time.monotonic() - self.since,
            **{name: F(name) + count for name, count in counts.items() if count},
        ):  # fmt: skip
            raise Overtaken
        return cursor

    def _store_companies(self, plans: Sequence[Plan]) -> None:
        new = list({id(plan.company): plan.company for plan in plans if plan.company and not plan.company.pk}.values())
        bulk.insert(new)
        made = {id(company) for company in new}
        for plan in plans:
            if plan.company is None:
                continue
            if id(plan.company) in made:
                made.discard(id(plan.company))
                plan.after["company"] = plan.company.pk
            if plan.company_fills:
                feed = self.mapping.feed
                changed = contacts.update_company(plan.company, plan.company_fills, by=None, source=feed)
                plan.before["company"] = {name: old for name, (old, _new) in changed.items()}
                plan.after["filled"] = {"id": plan.company.pk, "to": {n: new for n, (_old, new) in changed.items()}}
        keys = {plan.arrival.company_key: plan.company for plan in plans if plan.arrival.company_key and plan.company}
        known = set(CompanyKey.objects.filter(system=self.mapping.system, key__in=keys).values_list("key", flat=True))
        fresh = {key: company for key, company in keys.items() if key not in known}
        system = self.mapping.system
        bulk.insert([CompanyKey(company=company, system=system, key=key) for key, company in fresh.items()])
        for plan in plans:
            if fresh.pop(plan.arrival.company_key, None):
                plan.after["company_key"] = plan.arrival.company_key

    def _store_contacts(self, plans: Sequence[Plan]) -> None:
        for plan in plans:
            if plan.company is None or plan.contact is None:
                continue
            if plan.is_new:
                plan.contact.company = plan.company
            elif "company_id" in plan.changes:
                plan.changes["company_id"] = plan.company.pk
        new = [plan.contact for plan in plans if plan.is_new and plan.contact]
        bulk.insert(new)
        system = self.mapping.system
        keys = ((plan.contact.pk, system, plan.arrival.key) for plan in plans if plan.gets_key and plan.contact)
        bulk.insert_values(ContactKey, ("contact_id", "system", "key"), keys)
        if new:
            signals.profile_changed.send(sender=Contact, contact_ids=[contact.pk for contact in new])
        changed = [(plan.contact, plan.changes) for plan in plans if plan.changes and plan.contact]
        contacts.change_many(changed, by=None, source=self.mapping.feed)

    def _store_permissions(self, plans: Sequence[Plan], batch: ImportBatch) -> None:
        bulk.insert_values(
            LegalBasis,
            ("contact_id", "purpose", "basis", "since", "source", "note"),
            (
                (plan.contact.pk, Purpose.OFFER.value, self.basis, self._day(plan), self.mapping.feed, "")
                for plan in plans
                if plan.gets_basis and plan.contact
            ),
        )
        consents.note_many(
            ConsentEvent(
                contact=plan.contact, kind=ConsentEvent.Kind.OBJECTED, purpose=purpose, channel=channel, at=self.now,
                source=self.mapping.feed, evidence={"import": batch.pk, "row": plan.arrival.number, "column": header},
            )
            for plan in plans
            for purpose, channel, header in plan.objections
        )  # fmt: skip

    def _day(self, plan: Plan) -> date:
        return date_of(local_day(plan.arrival.entered_at or self.now, self.zone))

    def _store_leads(self, plans: Sequence[Plan]) -> None:
        opened: list[Entry] = []
        carried_on: dict[int, Plan] = {}
        for plan in plans:
            if plan.opens and plan.lead and plan.contact:
                plan.lead.contact_id = plan.contact.pk
                plan.after["lead"] = {name: value for name in EDITABLE if (value := getattr(plan.lead, name))}
                opened.append((plan.lead, *(plan.enters or (Stage.LEAD, plan.lead.entered_at))))
            elif plan.enters and plan.lead:
                carried_on[plan.lead.pk] = plan
        open_as_many(opened)
        if carried_on:
            self._carry_on(carried_on)
        self._store_fills([(plan.lead, plan.fills) for plan in plans if plan.fills and plan.lead])
        planned = [plan.lead for plan in plans if plan.arrival.lead.keys() & {"next_step", "next_step_on"}]
        if planned:
            steps.follow([lead.pk for lead in planned if lead and lead.pk])

    def _carry_on(self, plans: dict[int, Plan]) -> None:
        """Let leads that are here already come as far as the file says: {lead: its plan}."""
        for pk, since in Standing.objects.filter(pk__in=plans).values_list("pk", "lane_since"):
            plans[pk].before["lane_since"] = since.isoformat()
            plans[pk].after["entry"] = plans[pk].lead.version + 1  # type: ignore[union-attr]
        enter_as_many((plan.lead, *plan.enters) for plan in plans.values() if plan.lead and plan.enters)

    def _store_fills(self, filled: Sequence[tuple[Lead, dict[str, Any]]]) -> None:
        """Fill the blanks of imported leads, those with the same blanks in one go."""
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for lead, fills in filled:
            groups.setdefault(tuple(fills), []).append((*fills.values(), lead.pk))
        for names, rows in groups.items():
            bulk.update_values(Lead, names, rows)
        for lead, fills in filled:
            if "owner_id" in fills:
                lead.refresh_from_db()
                lifecycle.restand(lead)


def _placed(plan: Plan) -> Iterable[Happening]:
    assert plan.contact is not None
    for deed in plan.deeds:
        yield Happening(
            plan.contact.pk, deed.kind, deed.occurred_at, deed.properties, source=deed.source, feed=deed.feed,
            message_id=deed.message_id,
        )  # fmt: skip


def _row(plan: Plan, batch: ImportBatch) -> tuple[Any, ...]:
    stored = plan.outcome not in {Outcome.FAILED, Outcome.SKIPPED}
    return (
        batch.pk, plan.arrival.number, plan.arrival.key[:200], str(plan.outcome),
        plan.contact.pk if stored and plan.contact else None, plan.lead.pk if stored and plan.lead else None,
        [message.as_json() for message in plan.arrival.messages],
        {name: value for name, value in plan.before.items() if value} if stored else {},
        _after(plan) if stored else {},
    )  # fmt: skip


def _after(plan: Plan) -> dict[str, Any]:
    """Return what the row added or set, beside what stood there before; an undo reads both."""
    found = dict(plan.after)
    if plan.changes:
        found["contact"] = plan.changes
    if plan.fills:
        found["lead"] = plan.fills
    if plan.deeds:
        found["deeds"] = [deed.message_id for deed in plan.deeds]
    if not plan.is_new:
        found |= {"key": True} if plan.gets_key else {}
        found |= {"basis": True} if plan.gets_basis else {}
        found |= {"objections": True} if plan.objections else {}
    return found
