"""What leads adds to a contact's timeline: episodes that began, moves with their reasons, findings of the checklist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as gl

from crm import timeline
from crm.models import Contact
from crm.templatetags.formats import money, relative_day
from crm.timeline import CHECKLIST, STAGE, Entry, Source, Window
from leads import assignment
from leads.models import Finding, Lead, StageChange
from leads.qualification import checklist
from leads.stages import Stage, Verb

# verb → what happened when a person did it, what happened when nobody did
WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    Verb.QUALIFY_FOR_MARKETING: (gl("Made an MQL by %(name)s"), gl("Became MQL")),
    Verb.DEMOTE: (gl("Moved below the bar by %(name)s"), gl("Fell below the bar")),
    Verb.HAND_OFF: (gl("Handed over by %(name)s"), gl("Handed over automatically")),
    Verb.WITHDRAW: (gl("Offer withdrawn by %(name)s"), gl("Offer withdrawn")),
    Verb.REASSIGN: (gl("Re-assigned by %(name)s"), gl("Re-assigned automatically")),
    Verb.ACCEPT: (gl("Accepted by %(name)s"), gl("Accepted automatically")),
    Verb.SEND_BACK: (gl("Sent back by %(name)s"), gl("Sent back")),
    Verb.QUALIFY_FOR_SALES: (gl("Qualified by %(name)s"), gl("Qualified")),
    Verb.WIN: (gl("Won by %(name)s"), gl("Won")),
    Verb.LOSE: (gl("Given up as lost by %(name)s"), gl("Lost")),
    Verb.NURTURE: (gl("Moved to nurture by %(name)s"), gl("Moved to nurture")),
    Verb.WAKE: (gl("Woken by %(name)s"), gl("Woke up")),
    Verb.DISQUALIFY: (gl("Disqualified by %(name)s"), gl("Disqualified")),
    Verb.ABSORB: (gl("Closed as a duplicate by %(name)s"), gl("Closed as a duplicate")),
    Verb.UNDO: (gl("Last move undone by %(name)s"), gl("Last move undone")),
    Verb.ENTER_AS: (gl("Entered by %(name)s"), gl("Entered by an import")),
}
ICONS: dict[str, str] = {
    Verb.QUALIFY_FOR_MARKETING: "flag",
    Verb.DEMOTE: "arrow-down",
    Verb.HAND_OFF: "arrow-right",
    Verb.WITHDRAW: "undo-2",
    Verb.REASSIGN: "arrow-right-left",
    Verb.ACCEPT: "check",
    Verb.SEND_BACK: "corner-up-left",
    Verb.QUALIFY_FOR_SALES: "check-check",
    Verb.WIN: "trophy",
    Verb.LOSE: "x",
    Verb.NURTURE: "moon",
    Verb.WAKE: "sun",
    Verb.DISQUALIFY: "ban",
    Verb.ABSORB: "merge",
    Verb.UNDO: "undo-2",
    Verb.ENTER_AS: "file-input",
}


def words(change: StageChange) -> str:
    """Return what a move was, as one sentence: 'Accepted by Sam Okafor'."""
    by_person, by_nobody = WORDS[change.verb]
    return str(by_person) % {"name": change.by.name} if change.by else str(by_nobody)


def details(change: StageChange) -> list[str]:
    """Return the facts a move brought along, each as a short phrase."""
    told = change.details
    found = [str(change.reason) if change.reason else ""]
    if change.verb in {Verb.HAND_OFF, Verb.REASSIGN} and change.handoff:
        whom = change.handoff.assignee or change.handoff.team
        found.append(_("To %(name)s") % {"name": whom} if whom else "")
    if told.get("assigned"):
        team = change.handoff.team if change.handoff else None
        found.append(assignment.because(told["assigned"], team.name if team else "").rstrip("."))
    if told.get("cause") == "skip_review":
        found.append(_("Grade %(grade)s goes to sales without review") % {"grade": change.grade})
    if change.verb == Verb.UNDO and change.reverses:
        found.append(str(Verb(change.reverses.verb).label))
    if change.verb == Verb.ENTER_AS:
        found.append(str(Stage(change.to_stage).label))
    if told.get("amount"):
        found.append(money(told["amount"], told.get("currency") or "EUR"))
    if wake_on := told.get("wake_on"):
        found.append(_("Wakes on %(day)s") % {"day": relative_day(date.fromisoformat(wake_on))})
    if change.score is not None:
        found.append(_("at %(score)d points") % {"score": change.score})
    return [line for line in found if line]


def _changes(contact: Contact, window: Window) -> QuerySet[StageChange]:
    return StageChange.objects.filter(lead__in=contact.leads.visible_to(window.reader))


def _moves(contact: Contact, window: Window) -> Iterator[Entry]:
    rows = _changes(contact, window).select_related(
        "by", "reason", "remark", "handoff__assignee", "handoff__team", "reverses"
    )
    for change in window.cut(rows, "at", "move"):
        remark = getattr(change, "remark", None)
        yield Entry(
            at=change.at,
            source="move",
            id=change.pk,
            group=STAGE,
            icon=ICONS[change.verb],
            title=words(change),
            lines=(", ".join(details(change)),) if details(change) else (),
            quote=timeline.cut(remark.text) if remark and window.notes else "",
            is_stage=True,
        )


def _leads(contact: Contact, window: Window) -> QuerySet[Lead]:
    return contact.leads.visible_to(window.reader)


def _beginnings(contact: Contact, window: Window) -> Iterator[Entry]:
    for lead in window.cut(_leads(contact, window).select_related("source", "created_by"), "entered_at", "lead"):
        first = lead.episode == 1
        source = ": ".join(part for part in (str(lead.source or ""), timeline.cut(lead.source_detail)) if part)
        yield Entry(
            at=lead.entered_at,
            source="lead",
            id=lead.pk,
            group=STAGE,
            icon="plus",
            title=_("New lead") if first else _("New lead, episode %(number)d") % {"number": lead.episode},
            lines=tuple(line for line in (source, lead.created_by.name if lead.created_by else "") if line),
            is_stage=True,
        )


def _known_findings(contact: Contact, window: Window) -> QuerySet[Finding]:
    return Finding.objects.filter(lead__in=contact.leads.visible_to(window.reader))


def _findings(contact: Contact, window: Window) -> Iterator[Entry]:
    labels = {topic["key"]: _(topic["label"]) for topic in checklist().dimensions}
    rows = _known_findings(contact, window).select_related("author")
    for finding in window.cut(rows, "at", "finding"):
        topic = labels.get(finding.dimension, finding.dimension)
        yield Entry(
            at=finding.at,
            source="finding",
            id=finding.pk,
            group=CHECKLIST,
            icon="list-checks",
            title=_("%(topic)s: %(status)s") % {"topic": topic, "status": Finding.Status(finding.status).label},
            lines=_who_and_when(finding),
            quote=timeline.cut(finding.evidence) if window.notes else "",
        )


def _who_and_when(finding: Finding) -> tuple[str, ...]:
    """Return the author, and the day of the finding where it is not the one it was written down on."""
    lines = [finding.author.name] if finding.author else []
    if finding.dated_on != timezone.localdate(finding.at):
        lines.append(_("Found out on %(day)s") % {"day": relative_day(finding.dated_on)})
    return tuple(lines)


def register() -> None:
    """Add the facts of leads to the timeline of crm; a reader sees those of the leads they may see."""
    timeline.add_source(Source("move", (STAGE,), _moves, lambda c, w: {STAGE: _changes(c, w).count()}))
    timeline.add_source(Source("lead", (STAGE,), _beginnings, lambda c, w: {STAGE: _leads(c, w).count()}))
    timeline.add_source(
        Source("finding", (CHECKLIST,), _findings, lambda c, w: {CHECKLIST: _known_findings(c, w).count()})
    )
