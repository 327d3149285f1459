"""What scoring adds to the reports."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from leads.reports.registry import REPORTS, Report


def register() -> None:
    """Add our reports behind those of leads."""
    REPORTS.append(Report("criteria", _("Bad criteria"), "scoring.views.report_criteria"))
