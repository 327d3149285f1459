"""Where a lead goes when it is handed over, and why.

In this order: its own person in sales; the admin's rules, the first that holds; the lead's own team; the team whose
territory it lies in; the first team. A team gives it out in turn or to whoever is least busy, within capacity and to
nobody who is away; when nobody can take it, it waits in the team's queue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm import roles
from crm.models import Activity, ProfileChange, Team, User
from leads import assignment_rules, rota
from leads.assignment_rules import Facts
from leads.models import AssignmentRule, Lead
from leads.rota import Candidate
from leads.stages import Verb

BY_FILE = "import:"  # how the feeds of imports begin
OWNER, NAMED, RULE, OWN_TEAM, TERRITORY, FIRST_TEAM = "owner", "named", "rule", "own_team", "territory", "first_team"
QUEUE = "queue"


@dataclass(frozen=True)
class Step:
    """One thing that was asked on the way: `hit` decided, `missed` did not hold, `later` was not reached any more."""

    title: str
    sentence: str
    state: str
    why: str = ""
    rule: AssignmentRule | None = None


@dataclass
class Decision:
    """To whom, and how it came to that. Without assignee and team there is nobody in sales to give the lead to."""

    assignee: User | None = None
    team: Team | None = None
    by: str = ""
    way: str = ""
    rule: AssignmentRule | None = None
    steps: list[Step] = field(default_factory=list)
    people: list[Candidate] = field(default_factory=list)

    @property
    def details(self) -> dict[str, Any]:
        """Return {"assignee": …} or {"team": …} as `hand_off` takes it, {} for nobody."""
        if self.assignee:
            return {"assignee": self.assignee}
        return {"team": self.team} if self.team else {}

    @property
    def told(self) -> dict[str, Any]:
        """Return what the log keeps of the reason."""
        rule = {"rule": self.rule.pk, "name": self.rule.name} if self.rule else {}
        return {"by": self.by, "way": self.way, **rule}

    @property
    def taker(self) -> str:
        return self.assignee.name if self.assignee else _("the queue of %(team)s") % {"team": self.team}

    @property
    def because(self) -> str:
        """Say in one sentence why: "Rule “Bavaria”: Sam Okafor has waited longest in North"."""
        return because(self.told, str(self.team or ""))


def because(told: dict[str, Any], team: str) -> str:
    """Return the reason a decision or the log keeps, as one sentence; '' when there is none."""
    which = {
        OWNER: _("This person owns the lead already."),
        RULE: _("Rule “%(name)s”."),
        OWN_TEAM: _("The lead belongs to this team."),
        TERRITORY: _("It lies in the team’s territory."),
        FIRST_TEAM: _("No rule and no territory fits, so the first team takes it."),
    }.get(told.get("by", ""), "")
    how = {
        Team.Way.ROUND_ROBIN: _("In turn: waited longest in %(team)s."),
        Team.Way.LEAST_BUSY: _("Fewest open leads in %(team)s."),
        QUEUE: _("Nobody in %(team)s can take a lead now, so it waits in the queue."),
        NAMED: _("The rule names this person."),
    }.get(told.get("way", ""), "")
    words = {"name": told.get("name", ""), "team": team}
    return " ".join(sentence % words for sentence in (which, how) if sentence)


# --- Deciding -------------------------------------------------------------------------------------


def take(lead: Lead, *, but: User | None = None) -> Decision:
    """Decide for a move the system makes: in the caller's transaction, with the turn held against all others."""
    rota.take_turn()
    return decide(lead, but=but)


class NobodyInSales(Exception):
    """There is no team in sales to give a lead to."""


def by_the_rules(lead: Lead, verb: str) -> dict[str, Any]:
    """Return the details of a move to whom the rules name for this lead, with their reason for the log.

    In the caller's transaction, as `take`. Raises NobodyInSales.
    """
    decision = take(lead, but=lead.owner if verb == Verb.REASSIGN else None)
    if not decision.details:
        raise NobodyInSales
    return decision.details | {"details": {"assigned": decision.told}}


def decide(lead: Lead, at: datetime | None = None, *, but: User | None = None) -> Decision:
    """Return where this lead would go `at` an instant (now), and every step of the way. Writes nothing.

    `but` has it at present and is passed over.
    """
    way = _Way(lead, at or timezone.now(), but)
    way.ask_the_owner()
    rules = list(AssignmentRule.objects.filter(active=True).select_related("person__team", "team"))
    labels = assignment_rules.source_labels(rules)
    for rule in rules:
        way.ask_rule(rule, assignment_rules.sentence(rule, labels))
    way.ask_the_teams()
    return way.decision


class _Way:
    """The way of one lead through the steps; after the first hit the rest is only named."""

    def __init__(self, lead: Lead, at: datetime, but: User | None = None) -> None:
        self.lead, self.at, self.but, self.facts = lead, at, but, Facts(lead)
        self.decision = Decision()

    @property
    def is_over(self) -> bool:
        return bool(self.decision.by)

    def _note(self, title: str, sentence: str, state: str, why: str = "", rule: AssignmentRule | None = None) -> None:
        self.decision.steps.append(Step(title, sentence, state, why, rule))

    def ask_the_owner(self) -> None:
        """Let a sales person who owns the lead keep it, unless they are away."""
        title, sentence, owner = _("Owner"), _("A sales person who owns the lead keeps it."), self.lead.owner
        if owner is None or owner == self.but or not roles.is_sales(owner):
            self._note(title, sentence, "missed", _("nobody in sales owns it"))
        elif why := rota.absence(owner, owner.team, self.at):
            self._note(title, sentence, "missed", _("%(name)s: %(why)s") % {"name": owner.name, "why": why})
        else:
            self._note(title, sentence, "hit", owner.name)
            self._settle(OWNER, assignee=owner, team=owner.team)

    def ask_rule(self, rule: AssignmentRule, sentence: str) -> None:
        """Follow the rule if it holds; where the person it names cannot take the lead, their team does."""
        if self.is_over:
            self._note(rule.name, sentence, "later", rule=rule)
        elif missing := assignment_rules.objections(rule, self.facts):
            self._note(rule.name, sentence, "missed", "; ".join(missing), rule)
        elif rule.team:
            self._note(rule.name, sentence, "hit", rule=rule)
            self._give_out(RULE, rule.team, rule)
        elif rule.person:
            self._ask_the_named(rule, rule.person, sentence)

    def _ask_the_named(self, rule: AssignmentRule, person: User, sentence: str) -> None:
        why = _("has it now") if person == self.but else rota.unavailable(person, person.team, self.at)
        told = _("%(name)s: %(why)s") % {"name": person.name, "why": why}
        if not why:
            self._note(rule.name, sentence, "hit", rule=rule)
            self._settle(RULE, NAMED, assignee=person, team=person.team, rule=rule)
        elif person.team and person.team.side == Team.Side.SALES:
            self._note(rule.name, sentence, "hit", _("%(told)s; the team takes over") % {"told": told}, rule)
            self._give_out(RULE, person.team, rule)
        else:
            self._note(rule.name, sentence, "missed", told, rule)

    def ask_the_teams(self) -> None:
        """Fall back on the lead's own team, the one whose territory it lies in, the first."""
        teams = list(Team.objects.filter(side=Team.Side.SALES).order_by("pk"))
        country = self.facts.place[0]
        own = next((team for team in teams if team.pk == self.lead.team_id), None)
        near = next((team for team in teams if country and country in team.territory), None)
        self._fall_back(OWN_TEAM, own, _("Own team"), _("A lead that belongs to a sales team stays there."))
        self._fall_back(TERRITORY, near, _("Territory"), _("Else the team whose territory the country lies in."))
        self._fall_back(FIRST_TEAM, next(iter(teams), None), _("First team"), _("Else the first sales team."))

    def _fall_back(self, by: str, team: Team | None, title: str, sentence: str) -> None:
        if self.is_over:
            self._note(title, sentence, "later")
        elif team is None:
            self._note(title, sentence, "missed", _("there is none"))
        else:
            self._note(title, sentence, "hit", team.name)
            self._give_out(by, team)

    def _give_out(self, by: str, team: Team, rule: AssignmentRule | None = None) -> None:
        """Give the lead to a person of the team, in the way the team has chosen, else to its queue."""
        self.decision.people = people = (
            [] if team.way == Team.Way.QUEUE else rota.candidates(team, self.at, but=self.but)
        )
        first = next((one for one in people if not one.passed_over), None)
        nobody = "" if team.way == Team.Way.QUEUE else QUEUE
        self._settle(by, team.way if first else nobody, assignee=first and first.user, team=team, rule=rule)

    def _settle(self, by: str, way: str = "", **more: Any) -> None:
        self.decision.by, self.decision.way = by, way
        for name, value in more.items():
            setattr(self.decision, name, value)


# --- Whether anybody waits ------------------------------------------------------------------------


def is_told_by_file(lead: Lead) -> bool:
    """Whether the newest thing we learned about the person came from an import, so that nobody is waiting now."""
    learned = [(lead.created_at, lead.imported)]
    done = Activity.objects.filter(contact=lead.contact_id).order_by("-received_at", "-pk")
    learned += [(at, feed.startswith(BY_FILE)) for at, feed in done.values_list("received_at", "feed")[:1]]
    changed = ProfileChange.objects.filter(contact=lead.contact_id).order_by("-pk")
    learned += [(at, source.startswith(BY_FILE)) for at, source in changed.values_list("at", "source")[:1]]
    if lead.contact.company_id:
        changed = ProfileChange.objects.filter(company=lead.contact.company_id).order_by("-pk")
        learned += [(at, source.startswith(BY_FILE)) for at, source in changed.values_list("at", "source")[:1]]
    return max(learned)[1]
