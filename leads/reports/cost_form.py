"""What the cost report is asked for: period, lines, attribution and sides; in the URL, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from leads.models import Spend
from leads.reports import attribution
from leads.reports.cost import By
from leads.reports.period import Scope, ScopeForm

BY: dict[str, str | Promise] = {
    "campaign": _("Campaign"), "channel": _("Channel"), "source": _("Source"), "month": _("Month of entry"),
}  # fmt: skip
SIDES: dict[str, str | Promise] = {
    "both": _("Marketing and sales"), "marketing": _("Marketing only"), "sales": _("Sales only"),
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    scope: Scope
    by: By
    rule: str
    side: str

    @property
    def sides(self) -> tuple[str, ...]:
        return tuple(Spend.Side.values) if self.side == "both" else (self.side,)

    def query(self) -> str:
        """Return all of it as an address says it."""
        told = {"start": self.scope.start, "end": self.scope.end, "by": self.by, "rule": self.rule, "side": self.side}
        return urlencode(told)


def _choice(label: Any, choices: dict[str, Any]) -> forms.ChoiceField:
    widget = forms.Select({"class": "select"})
    return forms.ChoiceField(label=label, choices=list(choices.items()), required=False, widget=widget)


class CostForm(ScopeForm):
    """Spend has neither a source nor a team of sales, so the cohort is cut by neither."""

    source = None  # type: ignore[assignment]
    team = None  # type: ignore[assignment]
    by = _choice(pgettext_lazy("lines of a report", "By"), BY)
    rule = _choice(_("Attribution"), attribution.RULES)
    side = _choice(_("Spend"), SIDES)

    def asked(self) -> Asked:
        """Return what is asked for; what the URL does not say is by campaign, first touch, both sides."""
        scope = self.scope()
        given = self.cleaned_data
        return Asked(
            scope, cast(By, given.get("by") or "campaign"), given.get("rule") or attribution.FIRST,
            given.get("side") or "both",
        )  # fmt: skip
