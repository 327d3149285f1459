"""The form of the agreement: two figures for each sales team."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.settings_forms.recorded import CHANGED_MEANWHILE
from leads import agreements
from leads.agreements import Promise


class AgreementForm(forms.Form):
    was = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teams, self.held = agreements.sales_teams(), agreements.now()
        self.fields["was"].initial = str(self.held)
        for team in self.teams:
            mqls, percent = self.held[team.pk]
            self.fields[f"mqls_{team.pk}"] = forms.IntegerField(
                label=_("MQLs per week"), required=False, min_value=0, max_value=100_000, initial=mqls
            )
            self.fields[f"percent_{team.pk}"] = forms.IntegerField(
                label=_("Accepted of those answered, in percent"), required=False, min_value=0, max_value=100,
                initial=percent,
            )  # fmt: skip

    @property
    def by_team(self) -> list[tuple[Any, list[Any]]]:
        return [(team, [self[f"mqls_{team.pk}"], self[f"percent_{team.pk}"]]) for team in self.teams]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("was") != str(self.held):
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["was"] = str(self.held)  # type: ignore[index]
            raise ValidationError(CHANGED_MEANWHILE)
        return given

    def wanted(self) -> dict[int, Promise]:
        """Return team id → what is to be promised."""
        given = self.cleaned_data
        return {team.pk: (given[f"mqls_{team.pk}"], given[f"percent_{team.pk}"]) for team in self.teams}
