"""The form of the first start."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.email_address import valid_email
from crm.first_start import Beginning
from crm.models import User
from crm.settings_forms.choices import time_zones


class SetupForm(forms.Form):
    autofill = True

    workspace = forms.CharField(
        label=_("Name of your company or team"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    name = forms.CharField(label=_("Your name"), max_length=120)
    email = forms.CharField(
        label=_("Your e-mail"), max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}), help_text=_("You sign in with it."),
    )  # fmt: skip
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=time_zones,
        help_text=_("Days, reports and due times follow it. It cannot be changed later."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = " ".join(password_validators_help_texts()[1:2])
        self.fields["language"].initial = (get_language() or "en")[:2]
        self.fields["time_zone"].initial = settings.TIME_ZONE

    def clean_email(self) -> str:
        try:
            return valid_email(self.cleaned_data["email"]).lower()
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if password := cleaned.get("password"):
            stranger = User(name=cleaned.get("name", ""), email=cleaned.get("email", ""))
            try:
                validate_password(password, stranger)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned

    def beginning(self) -> Beginning:
        """Return the valid form's values."""
        return Beginning(**self.cleaned_data)
