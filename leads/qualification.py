"""The qualification checklist: what sales must have confirmed before a lead is SQL (BANT by default)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as shipped

from crm.models import User
from crm.workdays import local_date
from leads.models import Checklist, Finding, Lead

BANT = [
    {"key": "budget", "label": shipped("Budget")},
    {"key": "authority", "label": shipped("Authority")},
    {"key": "need", "label": shipped("Need")},
    {"key": "timing", "label": shipped("Timing")},
]
Status = Finding.Status


@dataclass(frozen=True)
class Dimension:
    """One topic of the checklist with what is known about it today."""

    key: str
    label: str
    status: str = Status.UNKNOWN
    evidence: str = ""
    dated_on: date | None = None
    author: str = ""
    is_stale: bool = False

    @property
    def letter(self) -> str:
        return self.label[:1].upper()

    @property
    def counts(self) -> bool:
        return self.status == Status.CONFIRMED and not self.is_stale

    @property
    def status_label(self) -> str:
        return str(Status(self.status).label)


def checklist() -> Checklist:
    """Return the one checklist of this workspace."""
    return Checklist.objects.get_or_create(pk=1, defaults={"dimensions": BANT})[0]


def dimensions(lead: Lead, rules: Checklist | None = None, *, on: date | None = None) -> list[Dimension]:
    """Return every dimension in order, the newest finding on each; evidence old by `on` (today) is marked stale."""
    return summarise(lead.findings.select_related("author"), rules or checklist(), on=on)


def summarise(findings: Iterable[Finding], rules: Checklist, *, on: date | None = None) -> list[Dimension]:
    """Return every dimension of `rules` with the newest of `findings`, which come oldest first."""
    newest = {finding.dimension: finding for finding in findings}
    oldest = (on or local_date()) - timedelta(days=rules.max_age_days)
    return [_dimension(topic, newest.get(topic["key"]), oldest) for topic in rules.dimensions]


def _dimension(topic: dict[str, str], finding: Finding | None, oldest: date) -> Dimension:
    label = gettext(topic["label"])
    if finding is None:
        return Dimension(topic["key"], label)
    author = finding.author.name if finding.author else ""
    stale = finding.dated_on < oldest
    return Dimension(topic["key"], label, finding.status, finding.evidence, finding.dated_on, author, stale)


def missing_sentence(lead: Lead, *, on: date | None = None) -> str:
    """Return what the checklist still waits for, as one sentence; '' when it is met or the team does not use it."""
    if lead.team is not None and not lead.team.uses_checklist:
        return ""
    rules = checklist()
    topics = dimensions(lead, rules, on=on)
    missing = rules.must_confirm - sum(topic.counts for topic in topics)
    if missing <= 0:
        return ""
    open_topics = ", ".join(topic.label for topic in topics if not topic.counts)
    return ngettext(
        "Waits for %(count)d more confirmed topic out of: %(topics)s.",
        "Waits for %(count)d more confirmed topics out of: %(topics)s.",
        missing,
    ) % {"count": missing, "topics": open_topics}


def note_finding(lead: Lead, dimension: str, status: str, *, evidence: str, dated_on: date, by: User) -> Finding:
    """Append one finding; ValueError for a dimension the checklist does not have or a date to come."""
    if dimension not in {topic["key"] for topic in checklist().dimensions}:
        raise ValueError(gettext("The checklist has no such topic."))
    if dated_on > local_date():
        raise ValueError(gettext("The date cannot lie in the future."))
    with transaction.atomic():
        return Finding.objects.create(
            lead=lead,
            dimension=dimension,
            status=Status(status),
            evidence=evidence.strip(),
            dated_on=dated_on,
            author=by,
        )
