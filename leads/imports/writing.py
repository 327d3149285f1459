"""What an import's rows mean for what is here: plan a slice by reading, then write it in one short transaction."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import bulk, consents, contacts, signals
from crm.activities import Happening, record_many
from crm.email_address import email_key, is_shared
from crm.models import (
    Activity,
    Company,
    CompanyKey,
    ConsentEvent,
    Contact,
    ContactKey,
    LegalBasis,
    ProfileChange,
    Purpose,
    Team,
    Workspace,
)
from crm.phone import phone_key
from crm.text import search_key
from crm.workdays import date_of, local_day, workspace_zone
from leads import capture, lifecycle, steps
from leads.entries import Entry, enter_as_many, open_as_many
from leads.imports.columns import Arrival, Message, SourceColumn
from leads.imports.mapping import Mapping
from leads.models import ImportBatch, ImportRow, Lead, StageChange, Standing
from leads.stages import CLOSED, PAIRS, SALES_OWNED, Stage, Verb

Outcome = ImportRow.Outcome
FILLED = ("source_id", "source_detail", "amount", "currency", "next_step", "next_step_on", "wake_on")
LONGEST_MESSAGE_ID = 100
ROW_COLUMNS = ("batch_id", "number", "key", "outcome", "contact_id", "lead_id", "messages", "before", "after")
#: What people may change about a new lead without leaving a trace in a log: kept, so that an undo sees it.
EDITABLE = ("source_id", "source_detail", "amount", "currency", "next_step", "next_step_on")
CLAIM = timedelta(seconds=30)


class Overtaken(Exception):
    """Somebody else came further with this batch, or stopped it; nothing of the slice was written."""


@dataclass(slots=True)
class Plan:
    """What one row will do."""

    arrival: Arrival
    outcome: str = Outcome.UNCHANGED
    contact: Contact | None = None
    is_new: bool = False
    gets_key: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    company: Company | None = None
    company_fills: dict[str, Any] = field(default_factory=dict)
    lead: Lead | None = None
    opens: bool = False
    enters: tuple[str, datetime] | None = None
    fills: dict[str, Any] = field(default_factory=dict)
    deeds: list[Happening] = field(default_factory=list)
    objections: list[tuple[str, str, str]] = field(default_factory=list)
    gets_basis: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def say(self, level: str, text: str, column: str = "", value: str = "") -> None:
        self.arrival.messages.append(Message(level, column, value, text))

    @property
    def does_something(self) -> bool:
        return bool(
            self.changes
            or self.company_fills
            or self.opens
            or self.enters
            or self.fills
            or self.deeds
            or self.objections
        )


def message_id(key: str, header: str) -> str:
    """Return under which id a row's activity is known: the row's identity and the column."""
    plain = f"{key}:{header}"
    return plain if len(plain) <= LONGEST_MESSAGE_ID else hashlib.sha256(plain.encode()).hexdigest()


class Writer:
    """Plans and writes slices of one import. A slice holds each identity once."""

    def __init__(self, mapping: Mapping, *, source_id: int | None, basis: str, now: datetime) -> None:
        self.mapping, self.source_id, self.basis, self.now = mapping, source_id, basis, now
        self.zone = mapping.zone or workspace_zone()
        self.currency = Workspace.objects.values_list("currency", flat=True).first() or "EUR"
        self.queue = _team(mapping.team) or capture.marketing_queue()
        sales = _team(mapping.sales_team) or Team.objects.filter(side=Team.Side.SALES).order_by("id").first()
        self.sales_queue = sales or self.queue
        self.since = time.monotonic()
        self.imagined: dict[str, Contact] = {}
        self.imagined_leads: dict[int, list[Lead]] = {}
        self.imagined_mail: dict[str, list[Contact]] = {}

    def ensure_queue(self) -> None:
        """Make sure that leads nobody owns have a queue to wait in."""
        if self.queue is None:
            self.queue = Team.objects.create(name=_("Unassigned"), side=Team.Side.MARKETING)
            self.sales_queue = self.sales_queue or self.queue

    # --- Planning: reading only -------------------------------------------------------------------

    def plan(self, arrivals: Sequence[Arrival]) -> list[Plan]:
        """Return what each row will do; nothing is written."""
        plans = [Plan(arrival) for arrival in arrivals]
        sound = [plan for plan in plans if not plan.arrival.is_faulty]
        for plan in plans:
            if plan.arrival.is_faulty:
                plan.outcome = Outcome.FAILED
        self._find_contacts(sound)
        blocked = self._suppressed(sound)
        known = Known.about(self, sound)
        for plan in sound:
            if plan.arrival.key in blocked:
                plan.outcome = Outcome.SKIPPED
                plan.say("note", _("Blocked: the address or number is on the suppression list."))
            elif plan.contact is None and self.mapping.requires_existing:
                plan.outcome = Outcome.FAILED
                told = {"system": self.mapping.system}
                text = _(
                    "Nobody in “%(system)s” has this key. Import the list with the people first, or correct the key."
                )
                plan.say("error", text % told, self.mapping.identity, plan.arrival.key)
            else:
                self._plan_one(plan, known)
        return plans

    def _find_contacts(self, plans: list[Plan]) -> None:
        keys = ContactKey.objects.filter(system=self.mapping.system, key__in=[plan.arrival.key for plan in plans])
        here = {row.key: row.contact for row in keys.select_related("contact__company")}
        for plan in plans:
            plan.contact = here.get(plan.arrival.key)
            if plan.contact is None and plan.arrival.key in self.imagined:
                plan.contact = self.imagined[plan.arrival.key]
        if self.mapping.matches_email:
            self._match_by_email([plan for plan in plans if plan.contact is None])

    def _match_by_email(self, plans: list[Plan]) -> None:
        """Recognise people by their own address; a shared mailbox or another last name is somebody else."""
        wanted = {email_key(plan.arrival.contact.get("email", "")): plan for plan in plans}
        addresses = [address for address in wanted if address and not is_shared(address)]
        found: dict[str, list[Contact]] = {}
        for contact in Contact.objects.filter(email_key__in=addresses).select_related("company"):
            found.setdefault(contact.email_key, []).append(contact)
        for address in addresses if self.imagined_mail else ():
            found.setdefault(address, []).extend(self.imagined_mail.get(address, []))
        for address, same in found.items():
            name = search_key(wanted[address].arrival.contact.get("last_name", ""))
            if len(same) == 1 and (not name or not same[0].last_name or name == search_key(same[0].last_name)):
                wanted[address].contact, wanted[address].gets_key = same[0], True

    def _suppressed(self, plans: list[Plan]) -> set[str]:
        """Return the keys of the rows whose address or number must never be used again."""
        prints: dict[str, str] = {}
        for plan in plans:
            row = plan.arrival.contact
            address, number = email_key(row.get("email", "")), phone_key(row.get("phone", ""), row.get("country", ""))
            prints |= {consents.fingerprint(value): plan.arrival.key for value in (address, number) if value}
        return {prints[found] for found in consents.suppressed_prints(prints)} if prints else set()

    def _plan_one(self, plan: Plan, known: Known) -> None:
        arrival = plan.arrival
        plan.company = known.company(arrival)
        if plan.company is not None and plan.company.pk:
            blanks = {k: v for k, v in arrival.company.items() if v and getattr(plan.company, k) in ("", None)}
            plan.company_fills = blanks
        if plan.contact is None:
            plan.is_new = plan.gets_key = plan.gets_basis = True
            plan.objections = arrival.objections
            values = arrival.contact | ({"custom": arrival.custom} if arrival.custom else {})
            plan.contact = contacts.build_contacts([values])[0]
            plan.before["made"] = ["contact"]
        else:
            self._plan_changes(plan, known)
            plan.objections = [one for one in arrival.objections if one[:2] not in known.objections(plan.contact)]
            plan.gets_basis = plan.contact.pk not in known.with_basis
        if self.mapping.leads:
            self._plan_lead(plan, known)
        entered = plan.arrival.entered_at or self.now
        for deed in arrival.deeds:
            known_as = message_id(arrival.key, deed.header)
            if known_as not in known.deeds:
                plan.deeds.append(
                    Happening(None, deed.kind, deed.at or entered, deed.properties, feed=self.mapping.feed,
                              message_id=known_as, source=self.mapping.feed)
                )  # fmt: skip
        if plan.is_new:
            plan.outcome = Outcome.CREATED
        elif plan.does_something:
            plan.outcome = Outcome.UPDATED

    def _plan_changes(self, plan: Plan, known: Known) -> None:
        """Note what differs. What people have changed since is theirs: it stays, and the row says so."""
        contact, arrival = plan.contact, plan.arrival
        assert contact is not None
        theirs = known.owned.get(contact.pk, set())
        for name, value in arrival.contact.items():
            if value == getattr(contact, name) or value in ("", None):
                continue
            if name in theirs:
                text = _("“%(field)s” was changed by hand since; it stays as it is.") % {"field": name}
                plan.say("note", text, value=str(value)[:200])
            else:
                plan.changes[name] = value
        custom = {k: v for k, v in arrival.custom.items() if contact.custom.get(k) != v and f"custom.{k}" not in theirs}
        if custom:
            plan.changes["custom"] = contact.custom | custom
        if plan.company is not None and "company_id" not in theirs and contact.company_id != (plan.company.pk or -1):
            plan.changes["company_id"] = None  # the key is known once the company is stored
        plan.before["contact"] = {name: getattr(contact, name) for name in plan.changes}

    def _plan_lead(self, plan: Plan, known: Known) -> None:
        arrival, contact = plan.arrival, plan.contact
        assert contact is not None
        entered = arrival.entered_at or self.now
        stage = arrival.stage or Stage.LEAD
        stage_at = arrival.stage_at or entered
        lead = known.lead_of(contact, arrival)
        if lead is None:
            plan.lead = self._new_lead(plan, known, stage, entered)
            plan.opens = True
            plan.before.setdefault("made", []).append("lead")
        else:
            plan.lead = lead
            if not lead.imported:
                plan.say("note", _("The person has an open lead already; it stays as it is."))
                return
            if lead.pk in known.moved:
                if lead.stage != stage:
                    plan.say("note", _("People have moved this lead since; it stays where they put it."))
                return
            self._plan_fills(plan, stage, lead)
        self._plan_entry(plan, plan.lead, stage, stage_at)

    def _new_lead(self, plan: Plan, known: Known, stage: str, entered: datetime) -> Lead:
        values = dict(plan.arrival.lead)
        owner = values.pop("owner", None)
        values.setdefault("source_id", None if known.has_source_column else self.source_id)
        values.setdefault("currency", self.currency)
        if stage in CLOSED and plan.arrival.stage_at:
            values["closed_on"] = date_of(local_day(plan.arrival.stage_at, self.zone))
        team = (owner.team if owner else None) or (self.sales_queue if stage in SALES_OWNED else self.queue)
        episode = known.last_episode(plan.contact) + 1
        first = {
            "episode": episode, "owner_id": owner.pk if owner else None, "team_id": team.pk if team else None,
            "entered_at": entered, "stage_since": entered,
            "counts_from": 0 if episode == 1 else local_day(entered), "imported": True,
        }  # fmt: skip
        return bulk.build(Lead, first | values)

    def _plan_fills(self, plan: Plan, stage: str, lead: Lead) -> None:
        """Blanks of an imported lead are filled; what stands there is not overwritten."""
        told = plan.arrival.lead
        for name in FILLED:
            if told.get(name) not in (None, "") and getattr(lead, name) in (None, ""):
                plan.fills[name] = told[name]
        if "amount" in plan.fills and told.get("currency"):
            plan.fills["currency"] = told["currency"]
        if lead.owner_id is None and told.get("owner"):
            plan.fills |= {"owner_id": told["owner"].pk, "team_id": told["owner"].team_id or lead.team_id}
        if stage in CLOSED and plan.arrival.stage_at and lead.closed_on is None:
            plan.fills["closed_on"] = date_of(local_day(plan.arrival.stage_at, self.zone))
        if plan.fills:
            plan.before["lead"] = {name: getattr(lead, name) for name in plan.fills}

    def _plan_entry(self, plan: Plan, lead: Lead, stage: str, at: datetime) -> None:
        if stage == lead.stage:
            return
        if (lead.stage, stage) not in PAIRS[Verb.ENTER_AS]:
            plan.say("note", _("An import never moves a lead backwards; it stays where it is."), value=stage)
            plan.fills.pop("closed_on", None)
            return
        plan.enters = (stage, at)
        plan.before["stage"] = str(lead.stage)
        early = local_day(lead.entered_at, self.zone) - local_day(at, self.zone)
        if early > 0:
            text = _("This stage was reached %(days)d days before the first contact; kept as the file tells it.")
            plan.say("warning", text % {"days": early}, value=date_of(local_day(at, self.zone)).isoformat())

    def imagine(self, plan: Plan) -> None:
        """Remember what a row would have left behind, for a later row of the same identity in a dry run."""
        if plan.contact is None:
            return
        for name, value in plan.changes.items():
            setattr(plan.contact, name, value)
        if plan.lead is not None:
            for name, value in plan.fills.items():
                setattr(plan.lead, name, value)
            if plan.enters:
                plan.lead.__dict__["stage"] = plan.enters[0]
            self.imagined_leads[id(plan.contact)] = [plan.lead]
        self.imagined[plan.arrival.key] = plan.contact
        address = email_key(plan.contact.email)
        if address and plan.is_new:
            self.imagined_mail.setdefault(address, []).append(plan.contact)

    # --- Writing: one transaction -----------------------------------------------------------------

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


def _team(name: str) -> Team | None:
    return Team.objects.filter(name=name).first() if name else None


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


@dataclass
class Known:
    """What is here already about the people of a slice, read with a handful of queries."""

    writer: Writer
    leads: dict[int, list[Lead]] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    owned: dict[int, set[str]] = field(default_factory=dict)
    deeds: set[str] = field(default_factory=set)
    with_basis: set[int] = field(default_factory=set)
    said: dict[int, set[tuple[str, str]]] = field(default_factory=dict)
    companies: dict[tuple[str, str], Company] = field(default_factory=dict)
    has_source_column: bool = False

    @classmethod
    def about(cls, writer: Writer, plans: Sequence[Plan]) -> Known:
        """Read companies, and of the people already here leads, log, owned fields, activities and permissions."""
        known = cls(writer)
        known.has_source_column = any(isinstance(column, SourceColumn) for column in writer.mapping.columns)
        known._read_companies(plans)
        plans = [plan for plan in plans if plan.contact is not None and plan.contact.pk]
        ids = [plan.contact.pk for plan in plans if plan.contact]
        if not ids:
            return known
        for lead in Lead.objects.filter(contact__in=ids).order_by("episode"):
            known.leads.setdefault(lead.contact_id, []).append(lead)
        lead_ids = [lead.pk for leads in known.leads.values() for lead in leads]
        by_people = StageChange.objects.filter(lead__in=lead_ids).exclude(actor=StageChange.Actor.IMPORT)
        known.moved = set(by_people.values_list("lead_id", flat=True))
        for change in ProfileChange.objects.filter(contact__in=ids, by__isnull=False):
            assert change.contact_id is not None
            known.owned.setdefault(change.contact_id, set()).update(_touched(change))
        wanted = [message_id(plan.arrival.key, deed.header) for plan in plans for deed in plan.arrival.deeds]
        stored = Activity.objects.filter(feed=writer.mapping.feed, message_id__in=wanted)
        known.deeds = set(stored.values_list("message_id", flat=True))
        bases = LegalBasis.objects.filter(contact__in=ids, source=writer.mapping.feed)
        known.with_basis = set(bases.values_list("contact_id", flat=True))
        known.said = consents.objections_of([p.contact.pk for p in plans if p.contact and p.arrival.objections])
        return known

    def objections(self, contact: Contact) -> set[tuple[str, str]]:
        """Return the (purpose, channel) pairs the person objects to now."""
        return self.said.get(contact.pk, set())

    def last_episode(self, contact: Contact | None) -> int:
        leads = self.leads.get(contact.pk, []) if contact and contact.pk else []
        return leads[-1].episode if leads else 0

    def lead_of(self, contact: Contact, arrival: Arrival) -> Lead | None:
        """Return the lead a row is about: the one imported before, else an open one; None when a new one begins."""
        if not contact.pk:
            imagined = self.writer.imagined_leads.get(id(contact))
            return imagined[-1] if imagined else None
        leads = self.leads.get(contact.pk, [])
        for lead in reversed(leads):
            if lead.imported or lead.is_open:
                return lead
        return None

    def company(self, arrival: Arrival) -> Company | None:
        """Return the company a row names, stored or new: by key, else by domain, else by name."""
        ways = _ways(arrival)
        if not ways:
            return None
        company = next((self.companies[way] for way in ways if way in self.companies), None)
        if company is None:
            name = arrival.company.get("name") or arrival.company.get("domain") or arrival.company_key
            custom = {"custom": arrival.company_custom} if arrival.company_custom else {}
            company = contacts.build_companies([arrival.company | {"name": name} | custom])[0]
        for way in ways:
            self.companies.setdefault(way, company)
        return company

    def _read_companies(self, plans: Sequence[Plan]) -> None:
        wanted: dict[str, set[str]] = {"key": set(), "domain": set(), "name": set()}
        for plan in plans:
            for way, value in _ways(plan.arrival):
                wanted[way].add(value)
        here = Company.objects.order_by("-pk")
        if wanted["name"]:
            for company in here.filter(name_key__in=wanted["name"]):
                self.companies["name", company.name_key] = company
        if wanted["domain"]:
            for company in here.filter(domain__in=wanted["domain"]):
                self.companies["domain", company.domain] = company
        if wanted["key"]:
            keys = CompanyKey.objects.filter(system=self.writer.mapping.system, key__in=wanted["key"])
            for row in keys.select_related("company"):
                self.companies["key", row.key] = row.company


def _ways(arrival: Arrival) -> list[tuple[str, str]]:
    """Return how a row names its company, the surest way first."""
    values = arrival.company
    names = [
        ("key", arrival.company_key),
        ("domain", values.get("domain", "")),
        ("name", search_key(values.get("name", ""))),
    ]
    return [(way, value) for way, value in names if value]


def _touched(change: ProfileChange) -> set[str]:
    if change.field != "custom":
        return {change.field}
    old, new = change.old or {}, change.new or {}
    return {f"custom.{name}" for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
