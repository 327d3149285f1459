"""The forms of the form builder: one for the whole, one row for each field, one for a consent's words."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import ActivityKind, Channel, ConsentText, Purpose, User, Workspace
from crm.settings_forms.recorded import RecordedForm
from leads import capture_fields, form_look, gated_files
from leads import capture_form_editing as editing
from leads.models import REQUESTS, SIGN_UPS, CaptureForm, GatedFile, Source

TEXTS = {
    "eyebrow": (_("Line above the title"), 80, False),
    "title": (_("Title"), 120, False),
    "intro": (_("Introduction"), 600, True),
    "points": (_("Points, one per line"), 600, True),
    "heading": (_("Heading of the form"), 80, False),
    "button": (_("Words on the button"), 40, False),
    "thanks": (_("Words after sending"), 300, True),
}
LOOK = {"accent": _("Accent"), "paper": _("Background"), "ink": _("Text"), "font": _("Font")}
MOST_FIELDS = 12


class FieldRow(forms.Form):
    """One field of the form being built."""

    name = forms.CharField(widget=forms.HiddenInput, max_length=60)
    required = forms.BooleanField(label=_("Required"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code in editing.LANGUAGES:
            self.fields[f"label_{code}"] = forms.CharField(label=_("Label"), max_length=80, required=False)
            self.fields[f"purpose_{code}"] = forms.CharField(label=_("Purpose"), max_length=160, required=False)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name not in capture_fields.KNOWN and not name.startswith(capture_fields.CUSTOM):
            raise ValidationError(gettext("There is no such field."))
        return name

    @property
    def known(self) -> capture_fields.Known:
        """Return the catalogue's entry, for the heading of the row and its proposals."""
        name = str(self["name"].value() or "email")
        return capture_fields.known(name if ":" in name or name in capture_fields.KNOWN else "email")


FieldRows = forms.formset_factory(FieldRow, extra=0, max_num=MOST_FIELDS, validate_max=True)


def to_initial(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return stored fields as the rows of the builder show them."""
    return [
        {"name": row["name"], "required": bool(row.get("required"))}
        | {f"label_{code}": row.get("label", {}).get(code, "") for code in editing.LANGUAGES}
        | {f"purpose_{code}": row.get("purpose", {}).get(code, "") for code in editing.LANGUAGES}
        for row in rows
    ]


def from_rows(formset: Any) -> list[dict[str, Any]]:
    """Return what stands in the rows, sound or not, as it is stored."""
    found = []
    for row in formset:
        told = {name: row[name].value() or "" for name in row.fields}
        if not told["name"]:
            continue
        found.append(
            {"name": told["name"], "required": bool(told["required"])}
            | {
                what: {code: told[f"{what}_{code}"].strip() for code in editing.LANGUAGES if told[f"{what}_{code}"]}
                for what in ("label", "purpose")
            }
        )
    return found


class CaptureFormForm(RecordedForm):
    """Everything of a form but its fields."""

    what = "form"
    shaped = ("texts", "consents", "sites", "look", "fields")
    consents_asked = forms.MultipleChoiceField(
        label=_("Consents asked for"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Never ticked beforehand. Confirmed by mail."),
    )  # fmt: skip
    embedded_on = forms.MultipleChoiceField(
        label=_("May be embedded on"), required=False, widget=forms.CheckboxSelectMultiple
    )
    then_url = forms.URLField(
        label=_("Page to go on to"), required=False, max_length=500, assume_scheme="https",
        help_text=_("Instead of our thank-you page; for downloads after the confirmation. On our web sites only."),
    )  # fmt: skip
    file = forms.FileField(label=_("File to hand out after the confirmation"), required=False)
    without_file = forms.BooleanField(label=_("Hand out no file any more"), required=False)

    class Meta:
        model = CaptureForm
        fields = ["name", "slug", "kind", "source", "campaign", "then_url", "active"]
        help_texts = {
            "name": _("For you; nobody outside sees it."),
            "slug": _("The end of its address, such as white-paper. Links with an old one no longer work."),
            "kind": _("Newsletter and downloads wait for a confirmation by mail; requests become a lead at once."),
            "then_url": _(
                "Instead of our thank-you page; for downloads after the confirmation. On our web sites only."
            ),
            "active": _("Off: nobody can open it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sites = list(Workspace.objects.values_list("sites", flat=True).first() or [])
        self.fields["kind"].queryset = ActivityKind.objects.filter(key__in=[*SIGN_UPS, *REQUESTS])  # type: ignore[attr-defined]
        self.fields["source"].queryset = Source.objects.filter(active=True)  # type: ignore[attr-defined]
        self.fields["kind"].empty_label = self.fields["source"].empty_label = None  # type: ignore[attr-defined]
        for code in editing.LANGUAGES:
            for name, (label, longest, long) in TEXTS.items():
                control = forms.Textarea(attrs={"rows": 3}) if long else forms.TextInput()
                self.fields[f"{code}_{name}"] = forms.CharField(
                    label=label, max_length=longest, required=False, widget=control,
                    initial=self.instance.text(name, code),
                )  # fmt: skip
        for name, label in LOOK.items():
            self.fields[f"look_{name}"] = forms.CharField(
                label=label, max_length=120, required=False, initial=self.instance.look.get(name, "")
            )
        asked = self.fields["consents_asked"]
        asked.choices = [(key, _said(key)) for key in editing.consent_keys()]  # type: ignore[attr-defined]
        asked.initial = self.instance.consents
        shown = self.fields["embedded_on"]
        shown.choices = [(site, site) for site in self.sites]  # type: ignore[attr-defined]
        shown.initial = self.instance.sites

    def texts_in(self, language: str) -> list[forms.BoundField]:
        return [self[f"{language}_{name}"] for name in TEXTS]

    @property
    def by_language(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the texts of the page per language."""
        return [(code, self.texts_in(code)) for code in editing.LANGUAGES]

    @property
    def looks(self) -> list[forms.BoundField]:
        return [self[f"look_{name}"] for name in LOOK]

    def clean_file(self) -> tuple[str, gated_files.Type, bytes] | None:
        upload = self.cleaned_data["file"]
        if not upload:
            return None
        try:
            return gated_files.checked(upload)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def clean_then_url(self) -> str:
        address = str(self.cleaned_data["then_url"])
        if address and not editing.is_ours(address, self.sites):
            raise ValidationError(gettext("This page is on none of our web sites (Settings, Public pages)."))
        return address

    def shape(self, rows: list[dict[str, Any]]) -> None:
        """Put texts, fields, consents, sites and look as typed into cleaned_data; errors at their fields."""
        cleaned = self.cleaned_data
        texts = {code: {n: cleaned.get(f"{code}_{n}") for n in TEXTS} for code in editing.LANGUAGES}
        cleaned["texts"] = {code: {n: v for n, v in told.items() if v} for code, told in texts.items()}
        written = [code for code in editing.LANGUAGES if cleaned["texts"][code].get("title")]
        if not written:
            self.add_error(f"{editing.LANGUAGES[0]}_title", gettext("A form needs a title in at least one language."))
        cleaned["look"] = {n: v for n in LOOK if (v := cleaned.get(f"look_{n}"))}
        for name, problem in form_look.problems(cleaned["look"]).items():
            self.add_error(f"look_{name}", problem)
        cleaned["consents"], cleaned["sites"] = cleaned.get("consents_asked", []), cleaned.get("embedded_on", [])
        kind = cleaned.get("kind")
        if kind and kind.key == "newsletter_signup" and "newsletter:email" not in cleaned["consents"]:
            cleaned["consents"] = ["newsletter:email", *cleaned["consents"]]
        cleaned["fields"] = rows
        self._check_rows(rows, written)

    def _check_rows(self, rows: list[dict[str, Any]], written: list[str]) -> None:
        if not any(row["name"] == "email" and row["required"] for row in rows):
            self.add_error(None, gettext("Every form asks for the e-mail address: add it, and make it required."))
        required = sum(row["required"] for row in rows)
        if required > capture_fields.MOST_REQUIRED:
            self.add_error(None, gettext("At most three fields can be required; %(count)d are.") % {"count": required})
        for row in rows:
            if problem := editing.field_problem(row, written):
                self.add_error(None, f"{capture_fields.label(row, written[0] if written else 'en')}: {problem}")

    def record(self, by: User) -> CaptureForm:
        """Write what changed as the next version, and the file with it."""
        form: CaptureForm = self.instance
        is_new = form._state.adding
        with transaction.atomic():
            if is_new:
                form.created_by = by
            before = CaptureForm.objects.filter(pk=form.pk).first()
            super().record(by)
            if before and any(getattr(before, name) != getattr(form, name) for name in self.tracked):
                form.version += 1
                form.save(update_fields=["version", "updated_at"])
            if self.cleaned_data.get("without_file"):
                GatedFile.objects.filter(form=form).delete()
            if self.cleaned_data.get("file"):
                gated_files.keep(form, *self.cleaned_data["file"])
        return form


def _said(key: str) -> str:
    purpose, _colon, channel = key.partition(":")
    label = str(Purpose(purpose).label)
    return f"{label}, {Channel(channel).label}" if channel else label


class ConsentTextForm(forms.Form):
    """New words for one consent in one language; they become its next version."""

    purpose = forms.ChoiceField(label=_("Purpose"), choices=Purpose.choices)
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=[])
    body = forms.CharField(
        label=_("Text"), max_length=600, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One sentence the person says yes to. Who agreed to earlier words keeps them."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = ConsentText._meta.get_field("language").choices  # type: ignore[attr-defined]

    def clean_body(self) -> str:
        return " ".join(str(self.cleaned_data["body"]).split())
