"""A team: side, territory, working hours, holidays and how it takes leads."""

from __future__ import annotations

import re
from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Team
from crm.models.team import office_hours
from crm.settings_forms import own_days
from crm.settings_forms.choices import WordForNothing, holiday_regions, time_zones
from crm.settings_forms.recorded import RecordedForm

GRADES = [f"{fit}{place}" for fit in "ABCD" for place in "1234"]
SPAN = re.compile(r"^\s*(\d{1,2}(?::\d{2})?)\s*[-–—]\s*(\d{1,2}(?::\d{2})?)\s*$")


def read_spans(text: str) -> list[list[str]]:
    """Read "9–12, 13:00–18:00" as [["09:00", "12:00"], ["13:00", "18:00"]]; ValidationError when it cannot be."""
    spans = []
    for part in filter(str.strip, text.split(",")):
        found = SPAN.match(part)
        if not found:
            raise ValidationError(_("Write hours as 9:00–18:00, with commas between several."))
        spans.append([_clock(found[1]), _clock(found[2])])
    flat = [moment for span in spans for moment in span]
    if flat != sorted(set(flat)):
        raise ValidationError(_("Each span must end after it begins and before the next one."))
    return spans


def _clock(text: str) -> str:
    hour, _colon, minute = text.partition(":")
    if (int(hour), int(minute or 0)) == (24, 0):
        return "24:00"
    try:
        return time(int(hour), int(minute or 0)).strftime("%H:%M")
    except ValueError:
        raise ValidationError(_("There is no such time of day: %(time)s.") % {"time": text}) from None


def write_spans(spans: list[list[str]]) -> str:
    """Return spans as the form shows them."""
    return ", ".join(f"{begins}–{ends}" for begins, ends in spans)


class TeamForm(RecordedForm):
    what = "team"
    shaped = ("territory", "working_hours", "hours_by_grade")

    countries = forms.CharField(
        label=gettext_lazy("Territory"), required=False,
        help_text=gettext_lazy("Country codes with commas, such as DE, AT, CH. Empty: every country."),
    )  # fmt: skip
    holiday_region = WordForNothing(
        label=gettext_lazy("Public holidays"), nothing=("none", gettext_lazy("None")), choices=holiday_regions,
        initial="DE",
        help_text=gettext_lazy("The answer clock stands still on them. Default: Germany, all states."),
    )  # fmt: skip

    time_zone = WordForNothing(
        label=gettext_lazy("Time zone"), nothing=("workspace", gettext_lazy("As the workspace")), choices=time_zones,
        initial="workspace", help_text=gettext_lazy("Working hours are meant in it. Default: as the workspace."),
    )  # fmt: skip
    own_days = forms.CharField(
        label=gettext_lazy("Days of your own"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "Nobody works then; one line each, such as 2026-12-28 – 2026-12-30 Winter break, or 2027-02-08 half "
            "Carnival Monday. A half day ends at noon."
        ),
    )  # fmt: skip

    why = forms.CharField(
        label=gettext_lazy("Why"), required=False, max_length=300,
        help_text=gettext_lazy("Needed when the checklist is switched on or off; it goes into the log."),
    )  # fmt: skip

    class Meta:
        model = Team
        fields = [
            "name", "side", "holiday_region", "time_zone", "half_eves", "own_days", "way", "capacity", "response_hours",
            "remind_minutes", "reassign_hours", "auto_accept", "uses_checklist",
        ]  # fmt: skip
        help_texts = {
            "side": gettext_lazy("Marketing hands over, sales accepts."),
            "way": gettext_lazy("Among those who are there and have room. Default: in turn."),
            "capacity": gettext_lazy("Nobody gets more open leads than this by rule. Default: 50."),
            "half_eves": gettext_lazy("Work ends at noon on both days. Default: off."),
            "response_hours": gettext_lazy("Then a handoff is overdue. Default: 8."),
            "remind_minutes": gettext_lazy("Before a handoff is due; 0 reminds nobody. Default: 60."),
            "reassign_hours": gettext_lazy(
                "When a handoff is overdue so long, somebody else gets it, once. Default: empty, never."
            ),
            "auto_accept": gettext_lazy("Offered leads become accepted at once, without a person. Default: off."),
            "uses_checklist": gettext_lazy("Off: a lead may become SQL without confirmed topics. Default: on."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hours = self.instance.working_hours if self.instance.pk else office_hours()
        self.initial["own_days"] = own_days.write(self.instance.own_days)
        for grade in GRADES:
            self.fields[f"grade_{grade}"] = forms.DecimalField(
                label=grade, required=False, min_value=Decimal("0.05"), max_value=1000, max_digits=6, decimal_places=2,
                initial=self.instance.hours_by_grade.get(grade), localize=True,
            )  # fmt: skip
        self.fields["countries"].initial = ", ".join(self.instance.territory or [])
        for day, label in WEEKDAYS.items():
            self.fields[f"day_{day}"] = forms.CharField(
                label=label, required=False, initial=write_spans(hours.get(str(day), []))
            )

    @property
    def plain(self) -> list[Any]:
        return [self[name] for name in ("name", "side", "countries")]

    @property
    def clock(self) -> list[Any]:
        return [self[name] for name in ("time_zone", "holiday_region", "half_eves", "own_days")]

    @property
    def answering(self) -> list[Any]:
        return [self[name] for name in ("response_hours", "remind_minutes", "reassign_hours")]

    @property
    def grades(self) -> list[tuple[str, list[Any]]]:
        """Return the rows of the table: a fit, and the fields of its grades."""
        return [(fit, [self[f"grade_{fit}{place}"] for place in "1234"]) for fit in "ABCD"]

    @property
    def days(self) -> list[Any]:
        return [self[f"day_{day}"] for day in WEEKDAYS]

    @property
    def rules(self) -> list[Any]:
        return [self[name] for name in ("way", "capacity", "auto_accept", "uses_checklist", "why")]

    def clean_countries(self) -> list[str]:
        codes = [code.strip().upper() for code in self.cleaned_data["countries"].split(",") if code.strip()]
        if any(len(code) != 2 or not code.isalpha() for code in codes):
            raise ValidationError(_("Write each country as two letters, such as DE."))
        return list(dict.fromkeys(codes))

    def clean_own_days(self) -> list[dict[str, Any]]:
        return own_days.read(self.cleaned_data["own_days"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        used = self.instance.pk is None or Team.objects.values_list("uses_checklist", flat=True).get(
            pk=self.instance.pk
        )
        if bool(cleaned.get("uses_checklist")) != used and not cleaned.get("why"):
            self.add_error("why", _("Say why the checklist is switched on or off."))
        hours = {}
        for day in WEEKDAYS:
            try:
                spans = read_spans(cleaned.get(f"day_{day}", ""))
            except ValidationError as error:
                self.add_error(f"day_{day}", error)
                continue
            if spans:
                hours[str(day)] = spans
        cleaned["working_hours"], cleaned["territory"] = hours, cleaned.get("countries", [])
        by_grade = {grade: cleaned.get(f"grade_{grade}") for grade in GRADES}
        cleaned["hours_by_grade"] = {grade: float(hours) for grade, hours in by_grade.items() if hours}
        return cleaned
