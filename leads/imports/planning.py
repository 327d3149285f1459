"""What an import's rows mean for what is here: plans a slice by reading; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from crm import bulk, consents, contacts
from crm.activities import Happening
from crm.email_address import email_key, is_shared
from crm.models import Contact, ContactKey, Team, Workspace
from crm.phone import phone_key
from crm.text import search_key
from crm.workdays import date_of, local_day, workspace_zone
from leads import capture
from leads.imports.columns import Arrival
from leads.imports.known import Known
from leads.imports.mapping import Mapping
from leads.imports.plans import Outcome, Plan, message_id
from leads.models import Lead
from leads.stages import CLOSED, PAIRS, SALES_OWNED, Stage, Verb

FILLED = ("source_id", "source_detail", "amount", "currency", "next_step", "next_step_on", "wake_on")


class Planner:
    """Plans slices of one import. A slice holds each identity once."""

    def __init__(self, mapping: Mapping, *, source_id: int | None, basis: str, now: datetime) -> None:
        self.mapping, self.source_id, self.basis, self.now = mapping, source_id, basis, now
        self.zone = mapping.zone or workspace_zone()
        self.currency = Workspace.objects.values_list("currency", flat=True).first() or "EUR"
        self.queue = _team(mapping.team) or capture.marketing_queue()
        sales = _team(mapping.sales_team) or Team.objects.filter(side=Team.Side.SALES).order_by("id").first()
        self.sales_queue = sales or self.queue
        self.imagined: dict[str, Contact] = {}
        self.imagined_leads: dict[int, list[Lead]] = {}
        self.imagined_mail: dict[str, list[Contact]] = {}

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


def _team(name: str) -> Team | None:
    return Team.objects.filter(name=name).first() if name else None
