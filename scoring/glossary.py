"""What MQL, SAL and SQL mean here, written from the version and the checklist in force."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import AuditEntry, Team
from crm.templatetags.people import on_day
from leads.qualification import checklist
from scoring import pointer, reference, sentences
from scoring.models import Criterion, ScorecardVersion


@dataclass(frozen=True)
class Term:
    """One word with what it means, sentence by sentence."""

    key: str
    word: str
    stands_for: str
    sentences: tuple[str, ...]


def terms() -> list[Term]:
    """Return the words of the journey in the order a lead lives them."""
    current = pointer.read()
    version = reference.whole(current.version_id) if current else None
    return [
        Term(
            "lead", _("Lead"), _("a person who showed interest"),
            (_("One pass of one contact through the journey. A contact has at most one open lead."),),
        ),
        Term("fit", _("Fit and engagement"), _("the two sides of a score"), _grades(version)),
        Term("mql", _("MQL"), _("marketing-qualified lead"), _mql(version)),
        Term(
            "sal", _("SAL"), _("sales-accepted lead"),
            (
                _("Marketing has offered an MQL, and a person in sales has said yes, by name and time."),
                _("Neither marketing nor the system can say it for them, unless a team has switched that on."),
            ),
        ),
        Term("sql", _("SQL"), _("sales-qualified lead"), _sql()),
        Term(
            "nurture", _("Nurture"), _("not ready yet"),
            (
                _("Sent back or put to rest, with a date on which it wakes."),
                _("It wakes by itself when the person does something."),
            ),
        ),
    ]  # fmt: skip


def _grades(version: ScorecardVersion | None) -> tuple[str, ...]:
    told = (
        _("Fit says who somebody is, engagement what they did. Each goes from 0 to 100; the score is both together."),
    )
    if version is None:
        return told
    letters = _("The letter stands for fit: A from %(a)d, B from %(b)d, C from %(c)d, D below.") % dict(
        zip("abc", version.letters, strict=True)
    )
    digits = _("The digit stands for engagement: 1 from %(one)d, 2 from %(two)d, 3 from %(three)d, 4 below.") % dict(
        zip(("one", "two", "three"), version.digits, strict=True)
    )
    return (*told, letters, digits)


def bar_sentences(version: ScorecardVersion) -> tuple[str, ...]:
    """Return when a lead reaches the bar of `version`, and when it leaves."""
    both = _("A lead is an MQL when fit reaches %(fit)d and engagement reaches %(engagement)d,") % {
        "fit": version.bar_fit, "engagement": version.bar_engagement,
    }  # fmt: skip
    total = _("or when the score reaches %(total)d with a fit of at least %(fit)d,") % {
        "total": version.bar_total, "fit": version.bar_total_fit,
    }  # fmt: skip
    hands = [c for c in version.criteria.all() if c.kind == Criterion.Kind.HAND_RAISE]
    raised = [
        ngettext("or when the person raised a hand today: %(what)s.",
                 "or when the person raised a hand within %(days)d days: %(what)s.", c.window)
        % {"what": sentences.asks(c), "days": c.window}
        for c in hands
    ]  # fmt: skip
    leaves = _(
        "It falls back below a score of %(total)d, unless a person made it an MQL or it has been handed over."
    ) % {"total": version.leave_total}
    return (both, total, *raised, leaves, *_without_review(version))


def _without_review(version: ScorecardVersion) -> list[str]:
    if not version.skip_review:
        return []
    grades = ", ".join(version.skip_review)
    return [_("These grades go to sales without review by marketing: %(grades)s.") % {"grades": grades}]


def _mql(version: ScorecardVersion | None) -> tuple[str, ...]:
    if version is None:
        return (_("No scorecard is in force."),)
    return (*bar_sentences(version), _("It becomes one once per round; a marketer can also say so with a reason."))


def _sql() -> tuple[str, ...]:
    rules = checklist()
    topics = ", ".join(_(topic["label"]) for topic in rules.dimensions if topic.get("label"))
    confirmed = ngettext(
        "Sales has confirmed at least %(n)d of these topics (%(framework)s): %(topics)s.",
        "Sales has confirmed at least %(n)d of these topics (%(framework)s): %(topics)s.",
        rules.must_confirm,
    ) % {"n": rules.must_confirm, "framework": rules.framework, "topics": topics}
    fresh = ngettext(
        "What was found out stays valid for %(n)d day.", "What was found out stays valid for %(n)d days.",
        rules.max_age_days,
    ) % {"n": rules.max_age_days}  # fmt: skip
    return (confirmed, fresh, _without_checklist(), *_last_change())


def _without_checklist() -> str:
    teams = Team.objects.filter(side=Team.Side.SALES, uses_checklist=False).values_list("name", flat=True)
    if not teams:
        return _("Every team in sales uses the checklist; an admin may let one do without it.")
    return _("These teams do without the checklist, and a person decides: %(teams)s.") % {"teams": ", ".join(teams)}


def _last_change() -> list[str]:
    """Return who changed the checklist last, when and why."""
    entry = AuditEntry.objects.filter(action="checklist.changed").select_related("actor").order_by("-pk").first()
    if entry is None:
        return []
    told = {
        "who": entry.actor.name if entry.actor else _("the system"), "day": on_day(entry.at),
        "why": entry.payload.get("why") or "–",
    }  # fmt: skip
    return [_("The checklist was changed last by %(who)s, %(day)s: %(why)s") % told]
