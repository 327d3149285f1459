"""The reports there are, in the order of their tabs: a new report is a line here and a module with its pages.

What stands to the right of leads adds its own when it is made ready (scoring/reports.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm import roles
from crm.models import User

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Report:
    """`key` stands in the address. The module at `views` has `page(request)` and, where numbers open the rows
    behind them, `rows(request, step)`; who is not `allowed` gets no tab and a 404.
    """

    key: str
    label: str | Promise
    views: str
    allowed: Callable[[User], bool] = lambda user: True

    def view(self, name: str) -> View | None:
        """Return the view `name` of this report, None when it has none."""
        found: View | None = getattr(import_module(self.views), name, None)
        return found


REPORTS: list[Report] = [
    Report("funnel", _("Funnel"), "leads.views.report_funnel"),
    Report("velocity", _("Velocity"), "leads.views.report_velocity"),
    Report("acceptance", _("Acceptance"), "leads.views.report_acceptance"),
    Report("sources", _("Sources"), "leads.views.report_sources"),
    Report("score-quality", _("Scores"), "leads.views.report_score_quality"),
    Report("effort", _("Effort"), "leads.views.report_effort"),
    Report("cost", _("Cost per SQL"), "leads.views.report_cost", roles.reads_spend),
    Report("sla", _("Agreement"), "leads.views.report_sla"),
    Report("reasons", _("Reasons"), "leads.views.report_reasons"),
]


def of(user: User) -> list[Report]:
    """Return the reports `user` may open, in the order of their tabs."""
    return [report for report in REPORTS if report.allowed(user)]


def find(key: str, user: User) -> Report | None:
    """Return the report `key`, None where there is none or `user` may not open it."""
    return next((report for report in of(user) if report.key == key), None)
