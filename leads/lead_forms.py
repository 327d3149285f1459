"""Forms about a lead itself: a new one, its next step, its facts, and what was found out about a topic."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm import contacts, render_token
from crm.amount_field import AmountField
from crm.forms import SentOnce, Text
from crm.models import Contact, LegalBasis, User
from leads import references
from leads.models import Finding, Lead, Source, Step

CURRENCIES = ("EUR", "CHF", "GBP", "USD")


def seen(form: forms.Form, name: str) -> Any:
    """Return the value of a field as the reader saw it when they began."""
    field = form[name]
    raw = field.field.hidden_widget().value_from_datadict(form.data, form.files, field.html_initial_name)
    return field.field.clean(raw)


def sources() -> Any:
    """Return the sources offered for choice."""
    return Source.objects.filter(active=True)


class AddLeadForm(SentOnce, forms.Form):
    """Name and one channel make a lead; the rest may wait."""

    CONTACT = ("first_name", "last_name", "email", "phone", "job_title", "country")
    groups = (("first_name", "last_name"), ("email", "phone"), ("company", "job_title"), ("source", "source_detail"),
              ("country", "basis"), ("referrer",))  # fmt: skip

    first_name = Text(Contact, "first_name")
    last_name = Text(Contact, "last_name")
    email = Text(Contact, "email", widget=forms.EmailInput)
    phone = Text(Contact, "phone", widget=forms.TextInput(attrs={"type": "tel"}))
    company = forms.CharField(label=_("Company"), max_length=200, required=False)
    job_title = Text(Contact, "job_title")
    source = forms.ModelChoiceField(label=_("Source"), queryset=Source.objects.none(), empty_label=None)
    source_detail = forms.CharField(label=_("Campaign or occasion"), max_length=200, required=False)
    country = Text(Contact, "country", help_text=_("Two letters, such as DE."))
    referrer = forms.ModelChoiceField(
        label=_("Referred by"), queryset=Contact.objects.none(), required=False, empty_label=_("Nobody")
    )
    basis = forms.ChoiceField(
        label=_("Legal basis"),
        required=False,
        choices=[("", _("Not known yet")), *(c for c in LegalBasis.Basis.choices if c[0] != "unknown")],
    )
    token = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["referrer"].queryset = known = references.referrers(user)  # type: ignore[attr-defined]
        if not known.exists():
            del self.fields["referrer"]
        self.fields["source"].queryset = sources()  # type: ignore[attr-defined]
        for name in ("first_name", "last_name", "email", "phone"):
            self.fields[name].needed = True  # type: ignore[attr-defined]  # one of each pair is asked for, so neither is called optional
        self.initial.setdefault("token", render_token.issue())
        self.initial.setdefault("source", sources().filter(key="by_hand").first())

    @property
    def pairs(self) -> list[list[forms.BoundField]]:
        """The fields, as they stand beside each other."""
        return [[self[name] for name in group if name in self.fields] for group in self.groups]

    def person(self) -> dict[str, str]:
        """Return what was typed about the person."""
        return {name: self.cleaned_data.get(name, "") for name in self.CONTACT}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            contacts.validated_contact(self.person())
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name, texts)
        if "first_name" in cleaned and "last_name" in cleaned and not (cleaned["first_name"] or cleaned["last_name"]):
            self.add_error("last_name", gettext("Enter a name."))
        if "email" in cleaned and "phone" in cleaned and not (cleaned["email"] or cleaned["phone"]):
            self.add_error(
                "email", gettext("Enter an e-mail address or a phone number, so that the person can be reached.")
            )
        return cleaned


class NextStepForm(forms.Form):
    """One line and a day, perhaps a time and a colleague. What the reader saw comes along, so that nobody's newer step
    is overwritten."""

    COLUMNS = {
        "next_step": "what", "next_step_on": "due_on", "next_step_time": "at_time", "next_step_by": "person_id",
    }  # fmt: skip

    next_step = forms.CharField(label=_("Next step"), max_length=200, required=False)
    next_step_on = forms.DateField(
        label=pgettext_lazy("day", "On"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    next_step_time = forms.TimeField(
        label=pgettext_lazy("time of day", "At"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    next_step_by = forms.TypedChoiceField(
        label=pgettext_lazy("person", "By"), coerce=int, empty_value=None, required=False
    )

    def __init__(self, *args: Any, step: Step | None, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step = step
        choices = [("", _("Whoever owns the lead")), *((one.pk, one.name) for one in people)]
        self.fields["next_step_by"].choices = choices  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.show_hidden_initial = True
            field.needed = True  # type: ignore[attr-defined]
            self.initial.setdefault(name, getattr(step, self.COLUMNS[name]) if step else None)
        if step is None:
            self.initial["next_step"] = ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("next_step_on") and not cleaned.get("next_step"):
            self.add_error("next_step", gettext("Say what is to be done on that day."))
        if cleaned.get("next_step_time") and not cleaned.get("next_step_on"):
            self.add_error("next_step_on", gettext("Say on which day."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return what was typed, by column of the step."""
        return {column: self.cleaned_data[name] for name, column in self.COLUMNS.items()}

    def seen(self) -> dict[str, Any] | None:
        """Return what the reader saw when they began, by column of the step; None for what nobody can have seen."""
        try:
            return {column: seen(self, name) for name, column in self.COLUMNS.items()}
        except ValidationError:
            return None


class DealForm(forms.Form):
    """The facts of the lead itself; those of the person belong to the contact."""

    source = forms.ModelChoiceField(label=_("Source"), queryset=Source.objects.none(), required=False)
    source_detail = forms.CharField(label=_("Campaign or occasion"), max_length=200, required=False)
    amount = AmountField(label=_("Amount"), required=False, min_value=Decimal(0))
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in CURRENCIES])

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = sources() | Source.objects.filter(pk=lead.source_id)  # type: ignore[attr-defined, misc]
        for name, field in self.fields.items():
            field.show_hidden_initial = True
            self.initial.setdefault(name, lead.source_id if name == "source" else getattr(lead, name))
        if lead.currency and lead.currency not in CURRENCIES:
            self.fields["currency"].choices = [(lead.currency, lead.currency), *self.fields["currency"].choices]  # type: ignore[attr-defined]


class FindingForm(forms.Form):
    """What was found out about one topic of the checklist."""

    status = forms.ChoiceField(label=_("Status"), choices=Finding.Status.choices)
    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Who said what; needed to confirm or rule out."),
    )
    dated_on = forms.DateField(
        label=_("Found out on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["evidence"].needed = True  # type: ignore[attr-defined]
        self.initial.setdefault("dated_on", timezone.localdate())

    def clean_dated_on(self) -> Any:
        day = self.cleaned_data["dated_on"]
        if day > timezone.localdate():
            raise ValidationError(gettext("The date cannot lie in the future."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("status") in {Finding.Status.CONFIRMED, Finding.Status.RULED_OUT} and not cleaned.get(
            "evidence"
        ):
            self.add_error("evidence", gettext("Say what it rests on: who said what."))
        return cleaned
