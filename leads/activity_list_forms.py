"""The form for a list of what people did elsewhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from crm.workdays import local_date
from leads.activity_lists import MOST_BYTES, About, Asked


class ActivityListForm(forms.Form):
    """What the list is about, the list itself, and what holds for all its rows."""

    about = forms.ChoiceField(label=_("What the list tells"), choices=About.choices)
    name = forms.CharField(
        label=_("Title or topic"), max_length=200, required=False,
        help_text=_("Of the webinar, the topic or the post, for rows that do not name one."),
    )  # fmt: skip
    provider = forms.CharField(
        label=_("Provider or network"), max_length=60, required=False, help_text=_("For rows that do not name one.")
    )
    on = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("For rows without a date."),
    )  # fmt: skip
    file = forms.FileField(label=_("File"), required=False, allow_empty_file=True, help_text=_("CSV, up to 2 MB."))
    pasted = forms.CharField(
        label=_("Or paste a table"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Copied from a spreadsheet, with the names of the columns in the first row."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ".csv,.tsv,.txt"

    def clean_on(self) -> Any:
        day = self.cleaned_data["on"]
        if day and day > local_date():
            raise ValidationError(_("The day lies in the future."))
        return day

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        file = given.get("file")
        if file and file.size > MOST_BYTES:
            raise ValidationError({"file": _("The file is larger than 2 MB. Split it into parts.")})
        text = _decoded(file.read()) if file else given.get("pasted", "")
        if not text.strip() and not self.errors:
            raise ValidationError({"file": _("Choose a file or paste a table.")})
        given["text"] = text
        return given

    def asked(self) -> Asked:
        """Return what was asked, of a form that is valid."""
        given = self.cleaned_data
        return Asked(given["about"], given["name"].strip(), given["provider"].strip(), given["on"])


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "windows-1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValidationError({"file": _("The letters of this file cannot be read. Save it as UTF-8.")})
