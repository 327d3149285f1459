"""The forms of reasons, sources, and what the boards and the checklist keep to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy

from crm.models import Workspace
from crm.settings_forms.recorded import RecordedForm
from leads import managed_lists
from leads.models import Checklist, Reason, Source
from leads.stages import MARKETING_LANES, SALES_LANES, Lane

_ = gettext_lazy


class _ManagedForm(RecordedForm):
    """One row of a list. A shipped row that is renamed speaks as written from then on; its key stays."""

    shaped = ("shipped",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["label"] = str(self.instance)

    def _taken(self, cleaned: dict[str, Any]) -> set[str]:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        label = cleaned.get("label", "").strip()
        cleaned["shipped"] = self.instance.shipped and label == str(self.instance)
        if cleaned["shipped"]:
            cleaned["label"] = self.instance.label
        if self.instance.pk:
            return cleaned
        if label and not self.errors:
            self.instance.key = managed_lists.key_for(label, self._taken(cleaned))
            if not self.instance.key:
                self.add_error("label", gettext("A name needs letters or digits."))
        return cleaned


class ReasonForm(_ManagedForm):
    what = "reason"

    class Meta:
        model = Reason
        fields = ["label"]

    def _taken(self, cleaned: dict[str, Any]) -> set[str]:
        return set(Reason.objects.filter(kind=self.instance.kind).values_list("key", flat=True))


class SourceForm(_ManagedForm):
    what = "source"

    class Meta:
        model = Source
        fields = ["label", "kind", "low_trust"]
        help_texts = {"low_trust": _("For purchased lists and the like: shown apart in reports. Default: off.")}

    def _taken(self, cleaned: dict[str, Any]) -> set[str]:
        return set(Source.objects.values_list("key", flat=True))


class ColumnLimitsForm(RecordedForm):
    """How many leads a column of the boards should hold at most; empty is no limit."""

    what = "workspace"
    shaped = ("column_limits",)

    class Meta:
        model = Workspace
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for lane in dict.fromkeys((*MARKETING_LANES, *SALES_LANES)):
            if lane not in {Lane.WON, Lane.LOST}:
                self.fields[f"lane_{lane}"] = forms.IntegerField(
                    label=lane.label, required=False, min_value=1, max_value=100_000,
                    initial=self.instance.column_limits.get(str(lane)),
                )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        limits = {name.removeprefix("lane_"): number for name, number in cleaned.items() if name.startswith("lane_")}
        cleaned["column_limits"] = {lane: number for lane, number in limits.items() if number}
        return cleaned


class ChecklistForm(RecordedForm):
    """What must be confirmed before a lead is sales-qualified."""

    what = "checklist"
    shaped = ("dimensions",)
    topics = forms.CharField(
        label=_("Topics"), widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One per line. Default: Budget, Authority, Need, Timing."),
    )  # fmt: skip
    must_confirm = forms.IntegerField(
        label=_("How many must be confirmed"), min_value=1, max_value=12,
        help_text=_("So many topics must be confirmed before a lead becomes SQL. Default: 3."),
    )  # fmt: skip
    max_age_days = forms.IntegerField(
        label=_("How many days evidence stays fresh"), min_value=1, max_value=3650,
        help_text=_("Older findings must be confirmed anew. Default: 180."),
    )  # fmt: skip
    why = forms.CharField(
        label=_("Why"), max_length=300, help_text=_("Both sides read it in the glossary, with your name and the day.")
    )
    field_order = ("framework", "topics", "must_confirm", "max_age_days", "why")

    class Meta:
        model = Checklist
        fields = ["framework", "must_confirm", "max_age_days"]
        help_texts = {
            "framework": _("The name your team uses for the list. Default: BANT."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topics"].initial = "\n".join(gettext(topic["label"]) for topic in self.instance.dimensions)

    def clean_topics(self) -> list[dict[str, str]]:
        """Keep the key of every topic that still has its name; findings refer to it."""
        known = {gettext(topic["label"]): topic for topic in self.instance.dimensions}
        lines = dict.fromkeys(line.strip()[:60] for line in self.cleaned_data["topics"].splitlines() if line.strip())
        if not 1 <= len(lines) <= 12:
            raise ValidationError(gettext("Between one and twelve topics, please."))
        taken = {topic["key"] for topic in self.instance.dimensions}
        found = []
        for line in lines:
            topic = known.get(line) or {"key": managed_lists.key_for(line, taken)[:40], "label": line}
            if not topic["key"]:
                raise ValidationError(gettext("A name needs letters or digits."))
            taken.add(topic["key"])
            found.append(topic)
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        topics = cleaned.get("topics", self.instance.dimensions)
        cleaned["dimensions"] = topics
        if (cleaned.get("must_confirm") or 0) > len(topics):
            self.add_error("must_confirm", gettext("There are fewer topics than that."))
        return cleaned
