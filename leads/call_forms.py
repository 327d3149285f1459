"""The forms of a discovery call: the call itself, and one small form per topic, to be filled in any order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm import calls, render_token
from crm.forms import LOGGED, SentOnce
from leads.calls import Answer
from leads.models import Finding

KINDS = ("call_out", "call_in", "meeting")
Status = Finding.Status


class CallForm(SentOnce, forms.Form):
    """How long it took, how it ended, what was said, and what comes next."""

    kind = forms.ChoiceField(label=_("What"), choices=[(key, label) for key, label, _icon in LOGGED if key in KINDS])
    outcome = forms.ChoiceField(label=_("How it ended"), choices=list(calls.OUTCOMES.items()))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440, required=False)
    text = forms.CharField(
        label=_("What was talked about"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Facts only; the person can ask to read this."),
    )  # fmt: skip
    next_step = forms.CharField(label=_("Next step"), max_length=200, required=False)
    next_step_on = forms.DateField(
        label=pgettext_lazy("day", "On"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip
    token = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("token", render_token.issue())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("next_step_on") and not cleaned.get("next_step"):
            self.add_error("next_step", gettext("Say what is to be done on that day."))
        return cleaned

    def properties(self) -> dict[str, Any]:
        """Return the activity's properties: only what was given."""
        return {name: value for name in ("outcome", "minutes", "text") if (value := self.cleaned_data.get(name))}


class TopicForm(forms.Form):
    """What the call brought on one topic; left empty it brought nothing new."""

    status = forms.ChoiceField(label=_("Status"), choices=[], required=False)
    evidence = forms.CharField(
        label=_("Evidence"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [choice for choice in Status.choices if choice[0] != Status.UNKNOWN]
        self.fields["status"].choices = [("", _("Nothing new")), *known]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("status") in {Status.CONFIRMED, Status.RULED_OUT} and not cleaned.get("evidence"):
            self.add_error("evidence", gettext("Say what it rests on: who said what."))
        return cleaned

    def answer(self, topic: str) -> Answer | None:
        """Return what was said; words without a status count as stated."""
        evidence = self.cleaned_data.get("evidence", "")
        status = self.cleaned_data.get("status") or (Status.STATED if evidence else "")
        return Answer(topic, status, evidence) if status else None
