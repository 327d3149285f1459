"""What scoring adds to the reports."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from django.utils.translation import gettext_lazy as _

from leads.reports import reasons
from leads.reports.reason_moves import Groups
from leads.reports.registry import REPORTS, Report
from scoring import health, lifts


def _lifted_by(leads: np.ndarray) -> Groups:
    """Return the leads by the keys of the criteria that lifted them when they were first decided on."""
    run = health.reckoned()
    return Groups.by_lead(lifts.of_leads(run, leads.tolist()) if run else {})


def _names() -> Mapping[str, str]:
    version = health.in_force()
    return {one.key: str(one) for one in version.criteria.all()} if version else {}


def register() -> None:
    """Add our reports behind those of leads, and what reasons are counted by."""
    reasons.BY["criterion"] = reasons.Grouping(_("Criterion"), _lifted_by, _names)
    REPORTS.append(Report("criteria", _("Bad criteria"), "scoring.views.report_criteria"))
    REPORTS.append(Report("week", _("Weekly review"), "scoring.views.report_week"))
