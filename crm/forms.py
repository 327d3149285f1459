"""Forms about people: contact, company, and one line about what was just done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import contacts, render_token
from crm.models import Company, Contact


class Text(forms.CharField):
    """A line of text of a model's field: its label, its length, never required."""

    def __init__(self, model: type[Contact | Company], name: str, **more: Any) -> None:
        known = model._meta.get_field(name)
        defaults: dict[str, Any] = {"label": known.verbose_name, "max_length": known.max_length, "required": False}  # type: ignore[union-attr]
        super().__init__(**(defaults | more))


class ProfileForm(forms.Form):
    """A form whose values go through the one way contacts and companies are written.

    `version` is the one the reader saw. Errors of the domain appear at their fields.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    validated: Callable[[Mapping[str, Any]], dict[str, Any]]
    names: tuple[str, ...] = ()

    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def pairs(self) -> list[list[forms.BoundField]]:
        """The visible fields, as they stand beside each other."""
        return [[self[name] for name in group] for group in self.groups]

    def values(self) -> dict[str, Any]:
        """Return what the person typed, by field of the model."""
        return {name: self.cleaned_data[name] for name in self.names if name in self.cleaned_data}

    def clean(self) -> dict[str, Any]:
        super().clean()
        try:
            type(self).validated(self.values())
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name, texts)
        return self.cleaned_data


class ContactForm(ProfileForm):
    validated = staticmethod(contacts.validated_contact)
    names = (
        "first_name", "last_name", "job_title", "email", "phone", "street", "postcode", "city", "region", "country",
        "language", "linkedin",
    )  # fmt: skip
    groups = (("first_name", "last_name"), ("company", "job_title"), ("email", "phone"), ("street", "postcode"),
              ("city", "region"), ("country", "language"), ("linkedin",))  # fmt: skip

    first_name = Text(Contact, "first_name")
    last_name = Text(Contact, "last_name")
    company = forms.CharField(label=_("Company"), max_length=200, required=False)
    job_title = Text(Contact, "job_title")
    email = Text(Contact, "email", widget=forms.EmailInput)
    phone = Text(Contact, "phone", widget=forms.TextInput(attrs={"type": "tel"}))
    street = Text(Contact, "street")
    postcode = Text(Contact, "postcode")
    city = Text(Contact, "city")
    region = Text(Contact, "region")
    country = Text(Contact, "country", help_text=_("Two letters, such as DE."))
    language = Text(Contact, "language", help_text=_("Such as de or en."))
    linkedin = Text(Contact, "linkedin", widget=forms.TextInput(attrs={"inputmode": "url"}))

    @staticmethod
    def initial_of(contact: Contact) -> dict[str, Any]:
        """Return the form's values of a stored contact."""
        known = {name: getattr(contact, name) for name in ContactForm.names}
        return known | {"company": contact.company.name if contact.company else "", "version": contact.version}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not any(cleaned.get(n) for n in ("first_name", "last_name", "email", "phone")):
            raise ValidationError(gettext("Enter a name, an e-mail address or a phone number."))
        return cleaned


class CompanyForm(ProfileForm):
    validated = staticmethod(contacts.validated_company)
    names = (
        "name", "domain", "website", "industry", "employees", "street", "postcode", "city", "region", "country",
        "phone",
    )  # fmt: skip
    groups = (("name",), ("website", "domain"), ("industry", "employees"), ("phone",), ("street", "postcode"),
              ("city", "region"), ("country",))  # fmt: skip

    name = Text(Company, "name", required=True)
    website = Text(Company, "website", widget=forms.TextInput(attrs={"inputmode": "url"}))
    domain = Text(Company, "domain")
    industry = Text(Company, "industry")
    employees = forms.IntegerField(label=_("Employees"), min_value=0, max_value=10_000_000, required=False)
    phone = Text(Company, "phone", widget=forms.TextInput(attrs={"type": "tel"}))
    street = Text(Company, "street")
    postcode = Text(Company, "postcode")
    city = Text(Company, "city")
    region = Text(Company, "region")
    country = Text(Company, "country", help_text=_("Two letters, such as DE."))

    @staticmethod
    def initial_of(company: Company) -> dict[str, Any]:
        """Return the form's values of a stored company."""
        return {name: getattr(company, name) for name in CompanyForm.names} | {"version": company.version}


# What a person may log in one line: kind, label, icon. They are shipped activity kinds.
LOGGED = (
    ("call_out", _("Call to them"), "phone-outgoing"),
    ("call_in", _("Call from them"), "phone-incoming"),
    ("email_out", _("E-mail written"), "send"),
    ("email_replied", _("E-mail from them"), "reply"),
    ("meeting", _("Meeting"), "users"),
    ("question", _("Question from them"), "circle-question-mark"),
    ("social_follow", _("They follow us"), "user-plus"),
    ("social_like", _("They like a post"), "thumbs-up"),
    ("note", _("Note"), "sticky-note"),
)


class SentOnce:
    """What the forms with a token share: a token that was not issued here, or too long ago, refuses the form."""

    cleaned_data: dict[str, Any]

    def clean_token(self) -> str:
        try:
            return render_token.read(self.cleaned_data["token"])
        except ValueError as error:
            raise ValidationError(gettext("This form is no longer valid. Please send it once more.")) from error


class LogForm(SentOnce, forms.Form):
    """One line about what was just done, with the token that makes sending it twice one thing."""

    kind = forms.ChoiceField(label=_("What"), choices=[(key, label) for key, label, _icon in LOGGED])
    text = forms.CharField(label=_("In one line"), max_length=2000, required=False)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440, required=False)
    token = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, notes: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})
        kwargs["initial"].setdefault("token", render_token.issue())
        super().__init__(*args, **kwargs)
        if not notes:
            choices = [(key, label) for key, label, _icon in LOGGED if key != "note"]
            self.fields["kind"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == "note" and not cleaned.get("text"):
            self.add_error("text", gettext("Write what should be remembered."))
        return cleaned

    def properties(self) -> dict[str, Any]:
        """Return the activity's properties: only what was given."""
        told = {"text": self.cleaned_data.get("text"), "minutes": self.cleaned_data.get("minutes")}
        return {name: value for name, value in told.items() if value}
