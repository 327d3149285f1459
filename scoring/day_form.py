"""The form that asks for a past day of a lead."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.workdays import local_date


class DayForm(forms.Form):
    """A day between the lead's entry and today; read from the address, so that it can be sent to somebody."""

    as_of = forms.DateField(
        label=gettext_lazy("At the end of"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": gettext_lazy("Write the day as year, month and day, such as 2026-05-01.")},
    )

    def __init__(self, *args: Any, first: date, last: date, **more: Any) -> None:
        super().__init__(*args, **more)
        self.first, self.last = first, last
        self.fields["as_of"].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}

    def clean_as_of(self) -> date:
        day: date = self.cleaned_data["as_of"]
        if day > local_date():
            raise ValidationError(_("That day has not come yet; choose today or an earlier day."))
        if day > self.last:
            told = _("This episode counted until %(day)s; choose that day or an earlier one.")
            raise ValidationError(told % {"day": formats.date_format(self.last)})
        if day < self.first:
            told = _("This lead came in on %(day)s; choose that day or a later one.")
            raise ValidationError(told % {"day": formats.date_format(self.first)})
        return day
