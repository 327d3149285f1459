"""Who works here, and what they may do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.email_address import valid_email
from crm.models import Role, Team, User, Workspace
from crm.settings_forms.recorded import CHANGED_MEANWHILE, fingerprint

RIGHTS = _(
    "Marketers work on the marketing board, sales reps on their own and their team’s leads, sales leads on all leads; "
    "an admin may do everything."
)


class PersonForm(forms.Form):
    """One person as an admin sees them; `person` is None for a new one."""

    was = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.CharField(label=_("E-mail"), max_length=254, widget=forms.EmailInput)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.SALES_REP, help_text=RIGHTS)
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.all(), required=False, empty_label=_("No team"),
        help_text=_("A team shares a queue, working hours and a territory."),
    )  # fmt: skip
    capacity = forms.IntegerField(
        label=_("Open leads at most"), required=False, min_value=0, max_value=10_000,
        help_text=_(
            "Empty: as the team; sales leads and admins then get none by rule. 0: none by rule. Default: empty."
        ),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    signs_for_marketing = forms.BooleanField(
        label=_("Signs scorecards for marketing"), required=False,
        help_text=_("A scorecard goes live only with both signatures."),
    )  # fmt: skip
    signs_for_sales = forms.BooleanField(label=_("Signs scorecards for sales"), required=False)

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        self.person = person
        super().__init__(*args, **kwargs)
        self.initial = (
            {name: getattr(person, name) for name in self.shown} | {"was": fingerprint(person, self.shown)}
            if person
            else {"language": Workspace.objects.get_or_create(pk=1)[0].language}
        )

    @property
    def shown(self) -> list[str]:
        return [name for name in self.fields if name != "was"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        stored = User.objects.filter(pk=self.person.pk).first() if self.person else None
        now, was = fingerprint(stored, self.shown), cleaned.pop("was", "")
        if was != now:
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data["was"] = now  # type: ignore[index]
            raise ValidationError(CHANGED_MEANWHILE)
        return cleaned

    def clean_email(self) -> str:
        try:
            email = valid_email(self.cleaned_data["email"]).lower()
        except ValueError as error:
            raise ValidationError(str(error)) from error
        taken = User.objects.filter(email=email)
        if (taken.exclude(pk=self.person.pk) if self.person else taken).exists():
            raise ValidationError(_("Somebody signs in with this address already."))
        return email
