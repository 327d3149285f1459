"""Form fields as every form of the product shows them: label, control, hint and error, tied together."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()

AUTOCOMPLETE = {
    "email": "email",
    "first_name": "given-name",
    "last_name": "family-name",
    "name": "name",
    "phone": "tel",
    "mobile": "tel",
    "company": "organization",
    "company_name": "organization",
    "job_title": "organization-title",
    "street": "street-address",
    "postal_code": "postal-code",
    "city": "address-level2",
    "country": "country",
    "website": "url",
}
PLAIN = (forms.CheckboxInput, forms.RadioSelect, forms.CheckboxSelectMultiple, forms.HiddenInput)


def _css_class(widget: forms.Widget) -> str:
    if isinstance(widget, PLAIN):
        return ""
    return "select" if isinstance(widget, forms.Select) else "input"


def _name_the_blank(field: forms.Field) -> None:
    """Say "Choose …" where the framework draws a row of dashes, and nothing but "–" where a blank is an answer."""
    words = _("Choose …") if field.required else "–"
    if isinstance(field, forms.ModelChoiceField):
        if field.empty_label == BLANK_CHOICE_DASH[0][1]:
            field.empty_label = words
    elif isinstance(field, forms.ChoiceField):
        choices: list[Any] = [*field.choices]  # type: ignore[misc]
        if choices[:1] == BLANK_CHOICE_DASH:
            field.choices = [("", words), *choices[1:]]


@register.simple_tag
def control(field: BoundField, **attrs: Any) -> SafeString:
    """The widget of a bound field with our class, a fitting ``autocomplete`` and the attributes given.

    People's own data gets an autocomplete token only on forms where the reader fills in themselves: those forms set
    ``autofill = True``; everywhere else (a colleague typing in a lead) it is "off".
    """
    _name_the_blank(field.field)
    widget = field.field.widget
    given = {name.replace("_", "-"): value for name, value in attrs.items()}
    classes = " ".join(
        part for part in (widget.attrs.get("class", ""), _css_class(widget), given.pop("class", "")) if part
    )
    if classes:
        given["class"] = classes
    if "autocomplete" not in widget.attrs and not isinstance(widget, (*PLAIN, forms.Select, forms.ClearableFileInput)):
        given.setdefault(
            "autocomplete", AUTOCOMPLETE.get(field.name, "off") if getattr(field.form, "autofill", False) else "off"
        )
    return field.as_widget(attrs=given)


@register.filter
def is_single_check(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_group(field: BoundField) -> bool:
    """Radio buttons and lists of ticks: they are named by a legend, not by a label."""
    return isinstance(field.field.widget, (forms.RadioSelect, forms.CheckboxSelectMultiple))


@register.filter
def anchor(field: BoundField) -> str:
    """The id a link of the error summary jumps to: the first control of the field."""
    return f"{field.auto_id}_0" if is_group(field) else field.id_for_label
