"""The forms of the import wizard: the list, how it is read, whose it is."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import LegalBasis
from crm.workdays import local_date
from leads.imports import drafts, guessing
from leads.imports.reading import Table
from leads.lead_forms import sources
from leads.models import ImportBatch, Source

ENCODINGS = (
    ("utf-8", "UTF-8"), ("utf-8-sig", _("UTF-8 with mark")), ("windows-1252", "Windows-1252"),
    ("iso-8859-15", "ISO 8859-15"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16 LE"), ("utf-16-be", "UTF-16 BE"),
)  # fmt: skip
DELIMITERS = ((",", _("Comma")), (";", _("Semicolon")), ("\t", _("Tab")), ("|", _("Bar")))


class UploadForm(forms.Form):
    """A file, or a table pasted from a spreadsheet."""

    file = forms.FileField(
        label=_("File"), required=False, allow_empty_file=True, help_text=_("CSV or XLSX, up to 50 MB.")
    )
    pasted = forms.CharField(
        label=_("Or paste a table"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Copied from a spreadsheet, with the names of the columns in the first row."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ".csv,.tsv,.txt,.xlsx"

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        file = given.get("file")
        if not file and not given.get("pasted", "").strip() and "file" not in self.errors:
            raise ValidationError({"file": _("Choose a file or paste a table.")})
        if file and file.size > drafts.MOST_BYTES:
            raise ValidationError({"file": _("The file is larger than 50 MB. Split it into parts.")})
        return given


class LookForm(forms.Form):
    """How the list is written: everything is guessed, everything can be changed."""

    encoding = forms.ChoiceField(label=_("Letters (encoding)"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=_("Columns are split by"), choices=DELIMITERS, required=False)
    sheet = forms.ChoiceField(label=_("Sheet"), required=False)
    named = forms.BooleanField(label=_("The first row names the columns"), required=False)
    dates = forms.ChoiceField(
        label=_("Dates begin with the"),
        choices=[("day", _("day (31.12.2026)")), ("month", _("month (12/31/2026)")), ("year", _("year (2026-12-31)"))],
        required=False,
    )
    numbers = forms.ChoiceField(
        label=_("Numbers are written"), choices=[(n, n) for n in guessing.NUMBERS], required=False
    )

    def __init__(self, *args: Any, table: Table, dates: str, sheets: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if table.is_workbook:
            del self.fields["encoding"], self.fields["delimiter"]
            self.fields["sheet"].choices = [(name, name) for name in sheets]  # type: ignore[attr-defined]
        else:
            del self.fields["sheet"]
        if not dates:
            del self.fields["dates"]
        elif dates == guessing.UNCLEAR and self.initial.get("dates") not in {"day", "month", "year"}:
            self.fields["dates"].choices = [("", _("Please choose")), *self.fields["dates"].choices]  # type: ignore[attr-defined]
            self.fields["dates"].help_text = _("Both readings fit these dates, so we ask.")

    def must_choose(self) -> None:
        """Refuse to go on while it is not said what stands first in ambiguous dates."""
        if "dates" in self.fields and not self.cleaned_data.get("dates"):
            self.add_error("dates", _("Say what stands first; 03.04. is another day in America."))


class BasisForm(forms.Form):
    """Where the list comes from and why it may be held (privacy P33)."""

    source = forms.ModelChoiceField(label=_("Source"), queryset=Source.objects.none(), empty_label=_("Please choose"))
    detail = forms.CharField(
        label=_("Campaign, occasion or supplier"), max_length=200, required=False,
        help_text=_("Kept with each lead, such as “Spring fair 2026” or the name of who sold you the list."),
    )  # fmt: skip
    legal_basis = forms.ChoiceField(
        label=_("Legal basis"), choices=LegalBasis.Basis.choices, widget=forms.RadioSelect,
        help_text=_("“Unknown” keeps marketing mail from these people until somebody records why you may write."),
    )  # fmt: skip
    origin = forms.ChoiceField(
        label=_("Who gave you these data?"), widget=forms.RadioSelect,
        choices=[("people", _("The people themselves")),
                 ("others", _("Somebody else: bought, from a partner, public"))],
    )  # fmt: skip
    received_on = forms.DateField(
        label=_("Received on"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Data from somebody else: the people must be told within a month of this day (Art. 14 GDPR)."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = sources()  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, batch: ImportBatch) -> dict[str, Any]:
        """Return what was chosen before."""
        return {
            "source": Source.objects.filter(key=batch.source).first() if batch.source else None,
            "detail": batch.choices.get("detail", ""), "legal_basis": batch.legal_basis,
            "origin": batch.choices.get("origin", ""),
            "received_on": batch.choices.get("received_on") or local_date(timezone.now()),
        }  # fmt: skip

    def clean_received_on(self) -> date | None:
        received: date | None = self.cleaned_data["received_on"]
        if received and received > local_date(timezone.now()):
            raise ValidationError(_("This day lies ahead."))
        return received

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("origin") == "others" and not given.get("received_on") and "received_on" not in self.errors:
            raise ValidationError({"received_on": _("Say when the data reached you; the month counts from then.")})
        if (source := given.get("source")) and source.kind == Source.Kind.LIST and given.get("origin") == "people":
            raise ValidationError({"origin": _("A purchased list does not come from the people themselves.")})
        return given
