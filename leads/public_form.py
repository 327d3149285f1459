"""What a stranger types, checked: every sentence says what to do, and nothing that was typed is lost."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent_texts
from crm.email_address import valid_email
from crm.models import ConsentText
from crm.text import clean
from leads import capture_fields
from leads.capture_fields import Known
from leads.models import CaptureForm

TRAP = "reference_code"
REQUIRED = {
    "email": gettext_lazy("Enter your e-mail address, so that we can answer."),
    "first_name": gettext_lazy("Enter your first name, so that we can address you."),
    "last_name": gettext_lazy("Enter your last name, so that we can address you."),
    "message": gettext_lazy("Write a sentence about what we can do for you."),
}


class Line(forms.CharField):
    """One line of text: inner line ends become blanks (I19), what cannot be stored is refused (I21)."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "")
        try:
            text = clean(text)
        except ValueError as error:
            raise ValidationError(_("This text holds a character that cannot be stored.")) from error
        return text if isinstance(self.widget, forms.Textarea) else " ".join(text.split())


class Address(Line):
    """An e-mail address; names with umlauts in the host are welcome."""

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return text
        try:
            address = valid_email(text)
        except ValueError as error:
            raise ValidationError(_advice(text)) from error
        if "." not in address.rpartition("@")[2]:
            raise ValidationError(_advice(address))
        return address


def _advice(text: str) -> str:
    if "@" not in text:
        return _("The @ is missing. Write the address like name@company.com.")
    if text.count("@") > 1 or any(mark in text for mark in ",; "):
        return _("Write one address only, without blanks or commas.")
    host = text.rpartition("@")[2]
    if host and "." not in host:
        return _("After “%(host)s” the ending is missing, such as .de or .com.") % {"host": host[:60]}
    return _("This is not a complete address. Write it like name@company.com.")


def _control(known: Known) -> forms.Widget:
    attrs = {"autocomplete": known.autocomplete} | ({"inputmode": known.inputmode} if known.inputmode else {})
    if known.kind == "textarea":
        return forms.Textarea(attrs={**attrs, "rows": 5})
    if known.kind == "email":
        return forms.EmailInput(attrs={**attrs, "inputmode": "email", "spellcheck": "false"})
    return forms.TextInput(attrs=attrs | ({"type": "tel"} if known.kind == "tel" else {}))


class PublicForm(forms.Form):
    """The fields and consents of one capture form in one language. Build it with that language switched on."""

    autofill = True

    def __init__(self, capture: CaptureForm, language: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.capture, self.language = capture, language
        self.asked = [one for one in capture.fields if one["name"]]
        for one in self.asked:
            self.fields[one["name"]] = self._field(one)
        self.texts = consent_texts.newest(capture.consents, language)
        for text in self.texts:
            if text != self.signed_up_to:
                label = text.body
                self.fields[f"consent-{text.pk}"] = forms.BooleanField(label=label, required=False)

    def _field(self, one: dict[str, Any]) -> forms.CharField:
        known = capture_fields.known(one["name"])
        kind = Address if known.kind == "email" else Line
        missing = REQUIRED.get(one["name"], gettext_lazy("This is needed to answer you."))
        return kind(
            label=capture_fields.label(one, self.language), required=bool(one.get("required")), widget=_control(known),
            max_length=known.longest, error_messages={"required": missing},
        )  # fmt: skip

    @property
    def signed_up_to(self) -> ConsentText | None:
        """Return the text that sending a newsletter sign-up itself says yes to; such a form has no box for it."""
        if self.capture.kind_id != "newsletter_signup":
            return None
        return next((text for text in self.texts if text.key == "newsletter:email"), None)

    @property
    def lines(self) -> list[list[forms.BoundField]]:
        """Return the fields as they stand beside each other: first and last name share a line."""
        found: list[list[forms.BoundField]] = []
        for one in self.asked:
            name, before = one["name"], found[-1][-1].name if found else ""
            if (before, name) in {("first_name", "last_name"), ("postcode", "city")}:
                found[-1].append(self[name])
            else:
                found.append([self[name]])
        return found

    @property
    def boxes(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("consent-")]

    @property
    def purposes(self) -> list[tuple[str, str]]:
        """Return why each field is asked for: (label, purpose)."""
        return [
            (capture_fields.label(one, self.language), capture_fields.purpose(one, self.language)) for one in self.asked
        ]

    def typed(self) -> dict[str, str]:
        """Return what was typed, by field; only what is there."""
        return {one["name"]: value for one in self.asked if (value := self.cleaned_data.get(one["name"]))}

    def agreed_to(self) -> list[ConsentText]:
        """Return the texts that were said yes to."""
        return [text for text in self.texts if text == self.signed_up_to or self.cleaned_data.get(f"consent-{text.pk}")]
