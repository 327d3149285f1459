"""The filters every report shares: period, source, team; in the URL, checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm import roles
from crm.models import Team, User
from crm.workdays import workspace_zone
from leads.models import Lead, Milestones, Source, Touch
from leads.models.lead import LeadQuerySet


def midnight(day: date) -> datetime:
    """Return the instant a local day begins in the workspace's zone, in UTC."""
    return datetime.combine(day, clock_time(), workspace_zone()).astimezone(UTC)


@dataclass(frozen=True)
class Scope:
    """Which leads a report speaks of: those that entered from `start` to `end`, both days included."""

    start: date
    end: date
    source: Source | None = None
    team: Team | None = None

    @property
    def query(self) -> dict[str, Any]:
        """Return what an address says of this scope."""
        told = {"source": self.source and self.source.pk, "team": self.team and self.team.pk}
        return {"start": self.start, "end": self.end} | {name: value for name, value in told.items() if value}

    def earlier(self, compare: str) -> Scope:
        """Return the scope to compare with: as many days before, or the same days of the year before."""
        return year_before(self) if compare == YEAR else period_before(self)

    def cohort(self, user: User) -> LeadQuerySet:
        """Return the leads of this scope that `user` may read."""
        return self.among(Lead.objects.visible_to(user))

    def moved(self, user: User) -> QuerySet[Milestones]:
        """Return the milestones of those leads of this scope that `user` may read; of leads that have never moved none.

        Where everything may be read and nothing is cut, the leads themselves need not be looked at.
        """
        start, end = (int(midnight(day).timestamp()) for day in (self.start, self.end + timedelta(days=1)))
        found = Milestones.objects.filter(entered__gte=start, entered__lt=end).order_by()
        if not roles.sees_everything(user):
            found = found.filter(lead__in=Lead.objects.visible_to(user))
        if self.source:
            found = found.filter(lead__source=self.source)
        return found.filter(lead__team=self.team) if self.team else found

    def among(self, leads: LeadQuerySet) -> LeadQuerySet:
        """Return those of `leads` that are in this scope."""
        return leads.filter(**self._asks())

    def among_touches(self, touches: QuerySet[Touch]) -> QuerySet[Touch]:
        """Return those of `touches` whose lead is in this scope."""
        return touches.filter(**{f"lead__{name}": value for name, value in self._asks().items()})

    def _asks(self) -> dict[str, Any]:
        told = {"source": self.source, "team": self.team}
        return {
            "entered_at__gte": midnight(self.start), "entered_at__lt": midnight(self.end + timedelta(days=1)),
        } | {name: value for name, value in told.items() if value}  # fmt: skip


def year_before(scope: Scope) -> Scope:
    """Return the same period of the year before; the 29th of February becomes the 28th."""

    def earlier(day: date) -> date:
        leap = (day.month, day.day) == (2, 29)
        return day.replace(year=day.year - 1, day=28) if leap else day.replace(year=day.year - 1)

    return replace(scope, start=earlier(scope.start), end=earlier(scope.end))


def period_before(scope: Scope) -> Scope:
    """Return as many days, ending the day before `scope` begins."""
    days = scope.end - scope.start
    return replace(scope, start=scope.start - days - timedelta(days=1), end=scope.start - timedelta(days=1))


BEFORE, YEAR = "before", "year"
COMPARE: dict[str, str | Promise] = {
    "": _("Nothing"), BEFORE: _("The period before"), YEAR: _("The year before"),
}  # fmt: skip
DATE = {"type": "date", "class": "input"}


class ScopeForm(forms.Form):
    start = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(DATE, "%Y-%m-%d"))
    end = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(DATE, "%Y-%m-%d"))
    source = forms.ModelChoiceField(
        Source.objects.all(),
        label=_("Source"),
        required=False,
        empty_label=_("All sources"),
        widget=forms.Select({"class": "select"}),
    )
    team = forms.ModelChoiceField(
        Team.objects.all(),
        label=_("Team"),
        required=False,
        empty_label=_("All teams"),
        widget=forms.Select({"class": "select"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and start > end:
            self.add_error("end", _("The period ends before it begins."))
        return cleaned

    def scope(self) -> Scope:
        """Return the scope asked for; the last twelve months where the URL says nothing or nonsense."""
        self.is_valid()
        given = self.cleaned_data
        today = timezone.now().astimezone(workspace_zone()).date()
        start, end = given.get("start") or today - timedelta(days=364), given.get("end") or today
        return Scope(min(start, end), end, given.get("source"), given.get("team"))


class ComparedForm(ScopeForm):
    """A scope, and what to set its figures against."""

    compare = forms.ChoiceField(
        label=_("Compare with"), choices=list(COMPARE.items()), required=False, widget=forms.Select({"class": "select"})
    )
