"""What scoring adds to the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from leads.reports import reasons
from leads.reports.registry import REPORTS, Report
from scoring import health, lifts


def _lifted_by(moves: Sequence[reasons.Told]) -> Mapping[int, Sequence[str]]:
    """Return {move: keys of the criteria that lifted its lead when it was first decided on}."""
    run = health.reckoned()
    by_lead = lifts.of_leads(run, {move.lead for move in moves}) if run else {}
    return {move.pk: by_lead[move.lead] for move in moves if move.lead in by_lead}


def _names() -> Mapping[str, str]:
    version = health.in_force()
    return {one.key: str(one) for one in version.criteria.all()} if version else {}


def register() -> None:
    """Add our reports behind those of leads, and what reasons are counted by."""
    reasons.BY["criterion"] = reasons.Grouping(_("Criterion"), _lifted_by, _names)
    REPORTS.append(Report("criteria", _("Bad criteria"), "scoring.views.report_criteria"))
    REPORTS.append(Report("week", _("Weekly review"), "scoring.views.report_week"))
