"""What staff type for somebody at a fair or in the street."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from crm import consent_texts, contacts, render_token
from crm.workdays import local_date
from leads.fair_capture import CONSENTS, Capture, Where, moment
from leads.models import PrizeDraw
from leads.prize_draws import WORDS
from leads.public_form import Address, Line

PERSON = ("first_name", "last_name", "email", "phone", "company", "message")
TOKEN = re.compile(r"[0-9A-Za-z:_-]{16,200}")


def _kept(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"data-keep": "", **attrs})


class FairCaptureForm(forms.Form):
    """Where we are, who it is, what they agreed to. Build it with the language of the person switched on."""

    where = forms.ChoiceField(label=_("Occasion"), choices=Where.choices, widget=forms.Select(attrs={"data-keep": ""}))
    event = Line(label=_("Event"), max_length=200, widget=_kept())
    place = Line(label=_("Place"), max_length=200, widget=_kept())
    first_name = Line(label=_("First name"), max_length=120, required=False)
    last_name = Line(label=_("Last name"), max_length=120, required=False)
    email = Address(
        label=_("E-mail"), max_length=254, required=False,
        widget=forms.EmailInput(attrs={"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    phone = Line(label=_("Phone"), max_length=60, required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    company = Line(label=_("Company"), max_length=200, required=False)
    message = Line(
        label=_("What they are interested in"), max_length=2000, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    asked = forms.BooleanField(label=_("Asks us to get in touch"), required=False)
    prize = forms.BooleanField(label=WORDS, required=False)
    token = forms.CharField(widget=forms.HiddenInput)
    taken_at = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = get_language() or "en"
        self.initial.setdefault("token", render_token.issue())
        for name in PERSON:
            self.fields[name].widget.attrs.setdefault("autocomplete", "off")
        for name in ("first_name", "last_name", "email", "phone"):
            self.fields[name].needed = True  # type: ignore[attr-defined]  # one of each pair is asked for
        self.texts = consent_texts.newest(CONSENTS, self.language)
        for text in self.texts:
            self.fields[f"consent-{text.pk}"] = forms.BooleanField(label=text.body, required=False)

    @property
    def person(self) -> list[forms.BoundField]:
        return [self[name] for name in PERSON]

    @property
    def occasion(self) -> list[forms.BoundField]:
        return [self[name] for name in ("where", "event", "place")]

    @property
    def boxes(self) -> list[forms.BoundField]:
        return [self[f"consent-{text.pk}"] for text in self.texts]

    def clean_token(self) -> str:
        token = self.cleaned_data["token"]
        if not TOKEN.fullmatch(token):
            raise ValidationError(gettext("This form is no longer valid. Please send it once more."))
        return token

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if {"first_name", "last_name"} <= given.keys() and not (given["first_name"] or given["last_name"]):
            self.add_error("first_name", gettext("Enter a name."))
        if {"email", "phone"} <= given.keys() and not (given["email"] or given["phone"]):
            self.add_error("email", gettext("Enter an e-mail address or a phone number, so that the person can be reached."))  # noqa: E501 # fmt: skip
        elif given.get("agreed") is None and not given.get("email") and "email" in given and self._agreed(given):
            self.add_error("email", gettext("To confirm what was agreed to, we need the e-mail address."))
        try:
            contacts.validated_contact({name: given.get(name, "") for name in ("first_name", "last_name", "phone")})
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name if name in self.fields else None, texts)
        return given

    def _agreed(self, given: dict[str, Any]) -> list[Any]:
        return [text for text in self.texts if given.get(f"consent-{text.pk}")]

    def capture(self) -> Capture:
        """Return what was typed, of a form that is valid."""
        given = self.cleaned_data
        values = {name: given[name] for name in PERSON if given[name]}
        return Capture(
            where=given["where"], place=given["place"], event=given["event"], values=values, texts=self._agreed(given),
            language=self.language, token=given["token"], at=moment(_instant(given["taken_at"])), asked=given["asked"],
            prize=given["prize"],
        )  # fmt: skip


class DrawForm(forms.Form):
    """After which day the entries of a draw are deleted."""

    ends_on = forms.DateField(
        label=_("Entries are deleted after"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The day of the draw, say. Empty: 90 days after each entry. An entry is never kept longer than that."),  # noqa: E501
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, draw: PrizeDraw, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"ends_on": draw.ends_on, "version": draw.version}} | kwargs)

    def clean_ends_on(self) -> date | None:
        day: date | None = self.cleaned_data["ends_on"]
        if day and day < local_date(timezone.now()):
            raise ValidationError(gettext("Choose today or a day to come."))
        return day


def _instant(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
        return found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        return None
