"""What a move asks for. One form per verb, the same in a dialog and on its own page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.amount_field import AmountField
from crm.models import Role, Team, User
from crm.workdays import local_date
from leads import assignment
from leads.models import Feedback, Lead, Reason
from leads.stages import Verb

NAP = timedelta(days=90)
BY_RULES = "by_rules"
FACTS_ONLY = gettext_lazy("Facts only. The person may ask to read this.")


class MoveForm(forms.Form):
    """A move that asks nothing but takes a note."""

    heading: str | Promise = ""
    submit: str | Promise = ""
    tells: str | Promise = ""
    note_label: str | Promise = gettext_lazy("Note")
    danger = False

    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": FACTS_ONLY}),
    )

    def __init__(self, *args: Any, lead: Lead, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "move_%s"} | kwargs)
        self.lead, self.by = lead, by
        self.fields["note"].label = str(self.note_label)
        self.order_fields([*(name for name in self.fields if name != "note"), "note"])

    @property
    def title(self) -> str:
        return str(self.heading) % {"name": self.lead.contact.name}

    def details(self) -> dict[str, Any]:
        """Return the fields of Move this form has filled."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


class ReasonForm(MoveForm):
    """A move with a reason from the managed list of its verb."""

    verb: str = ""
    reason = forms.ModelChoiceField(
        Reason.objects.none(), label=gettext_lazy("Reason"), widget=forms.RadioSelect, empty_label=None,
        error_messages={"required": gettext_lazy("Choose a reason.")},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        field.queryset = reasons_of(self.verb)  # type: ignore[attr-defined]


def reasons_of(verb: str) -> QuerySet[Reason]:
    return Reason.objects.filter(kind=verb, active=True)


class WakeField(forms.DateField):
    """A day to come, ninety days away unless said otherwise."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Wake up on"),
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            initial=lambda: local_date() + NAP,
            error_messages={"required": gettext_lazy("Choose a wake-up date in the future.")},
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day and day <= local_date():
            raise forms.ValidationError(_("Choose a wake-up date in the future."))
        return day


class QualifyForMarketing(ReasonForm):
    verb = Verb.QUALIFY_FOR_MARKETING
    heading = gettext_lazy("Why is %(name)s an MQL?")
    submit = gettext_lazy("Make it an MQL")
    tells = gettext_lazy("The score alone does not say so; the reason stays in the log.")


class SendBack(ReasonForm):
    verb = Verb.SEND_BACK
    heading = gettext_lazy("Send %(name)s back to marketing")
    submit = gettext_lazy("Send back")
    tells = gettext_lazy("The reason goes to marketing and is charged to the criteria that lifted this lead.")
    note_label = gettext_lazy("What should marketing know?")
    wake_on = WakeField()
    verdict = forms.ChoiceField(
        label=gettext_lazy("How good was this lead?"), required=False, widget=forms.Select({"class": "select"}),
        choices=[("", gettext_lazy("No feedback")), *Feedback.Verdict.choices],
    )  # fmt: skip

    def details(self) -> dict[str, Any]:
        """Return the fields of Move; the verdict stands in what the log tells of it."""
        found = super().details()
        verdict = found.pop("verdict", None)
        return found | ({"details": {"verdict": verdict}} if verdict else {})


class Lose(ReasonForm):
    verb = Verb.LOSE
    heading = gettext_lazy("Why was %(name)s lost?")
    submit = gettext_lazy("Mark as lost")
    tells = gettext_lazy("The reason goes to marketing and into the report on reasons.")
    note_label = gettext_lazy("What should marketing know?")
    danger = True


class Disqualify(ReasonForm):
    verb = Verb.DISQUALIFY
    heading = gettext_lazy("Why is %(name)s disqualified?")
    submit = gettext_lazy("Disqualify")
    tells = gettext_lazy("This ends the episode; who comes back later begins a new one.")
    danger = True


class Nurture(MoveForm):
    heading = gettext_lazy("Let %(name)s rest in nurture")
    submit = gettext_lazy("Move to nurture")
    tells = gettext_lazy("The lead wakes on that day, or as soon as the person does something.")
    wake_on = WakeField()


class Win(MoveForm):
    heading = gettext_lazy("%(name)s is won")
    submit = gettext_lazy("Mark as won")
    tells = gettext_lazy("Amount and date count in the reports from now on.")
    amount = AmountField(
        label=gettext_lazy("Amount"), min_value=0,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"required": gettext_lazy("Enter the amount.")},
    )  # fmt: skip
    date = forms.DateField(
        label=gettext_lazy("Won on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        initial=local_date,
        error_messages={"required": gettext_lazy("Enter the date; it cannot lie in the future.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = _("Amount in %(currency)s") % {"currency": self.lead.currency or "EUR"}
        if self.lead.amount is not None:
            self.fields["amount"].initial = self.lead.amount

    def clean_date(self) -> Any:
        day = self.cleaned_data["date"]
        if day > local_date():
            raise forms.ValidationError(_("Enter the date; it cannot lie in the future."))
        return day


class TakerForm(MoveForm):
    """A move that names who takes over: a person, or the queue of a team."""

    note_label = gettext_lazy("What should sales know?")
    taker = forms.ChoiceField(
        label=gettext_lazy("To whom"),
        error_messages={"required": gettext_lazy("Name a person or a team in sales.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = list(Team.objects.filter(side=Team.Side.SALES))
        people = User.objects.filter(
            is_active=True, role__in=[Role.SALES_REP, Role.SALES_LEAD, Role.ADMIN]
        ).select_related("team")
        self.fields["taker"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose …")),
            *([] if self.lead.pk else [(BY_RULES, _("By the rules, each lead for itself"))]),
            (_("Queue of a team"), [(f"team-{team.pk}", team.name) for team in teams]),
            (_("Person"), [(f"person-{user.pk}", who(user)) for user in people]),
        ]
        self._propose()

    def _proposal(self) -> assignment.Decision | None:
        """Return whom the rules name, and nobody for many leads at once; who has the lead now is passed over."""
        return assignment.decide(self.lead, but=self._present) if self.lead.pk else None

    @property
    def _present(self) -> User | None:
        return None

    def _propose(self) -> None:
        decision = None if self.is_bound else self._proposal()
        if decision is None or not decision.details:
            return
        taker = decision.assignee
        self.fields["taker"].initial = f"person-{taker.pk}" if taker else f"team-{decision.team and decision.team.pk}"
        words = {"taker": decision.taker, "because": decision.because}
        self.fields["taker"].help_text = _("By the rules: %(taker)s. %(because)s") % words

    def details(self) -> dict[str, Any]:
        """Return what the move needs; who follows the rules leaves their reason in the log."""
        found = super().details()
        kind, _sep, pk = found.pop("taker").partition("-")
        if kind == BY_RULES:
            return found | {BY_RULES: True}
        whom = {"team": Team.objects.get(pk=pk)} if kind == "team" else {"assignee": User.objects.get(pk=pk)}
        decision = self._proposal()
        if decision and decision.details == whom:
            found["details"] = {"assigned": decision.told}
        return found | whom


def who(user: User) -> str:
    """Return a person as a choice: "Sam Okafor, North"."""
    return _("%(name)s, %(team)s") % {"name": user.name, "team": user.team.name} if user.team else user.name


class HandOff(TakerForm):
    heading = gettext_lazy("Hand %(name)s over to sales")
    submit = gettext_lazy("Hand over")
    tells = gettext_lazy("Score, reasons and last touches are frozen for sales; the clock starts now.")


class Reassign(TakerForm):
    heading = gettext_lazy("Re-assign %(name)s")
    submit = gettext_lazy("Re-assign")
    tells = gettext_lazy("An open handoff gets a new clock.")

    @property
    def _present(self) -> User | None:
        return self.lead.owner


# What is not here asks for nothing and is made at once.
MOVE_FORMS: dict[str, type[MoveForm]] = {
    Verb.QUALIFY_FOR_MARKETING: QualifyForMarketing,
    Verb.HAND_OFF: HandOff,
    Verb.REASSIGN: Reassign,
    Verb.SEND_BACK: SendBack,
    Verb.WIN: Win,
    Verb.LOSE: Lose,
    Verb.NURTURE: Nurture,
    Verb.DISQUALIFY: Disqualify,
}


class FilterForm(forms.Form):
    """The filters of a board, sent by GET; "any" is a choice, so nothing here is optional."""

    use_required_attribute = False

    owner = forms.ChoiceField(label=gettext_lazy("Owner"))
    source = forms.ChoiceField(label=gettext_lazy("Source"))
    grade = forms.MultipleChoiceField(
        label=gettext_lazy("Fit"), choices=[(fit, fit) for fit in "ABCD"],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    only = forms.ChoiceField(label=gettext_lazy("Only"))

    def __init__(self, *args: Any, owners: list[Any], sources: list[Any], only: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "filter_%s"} | kwargs)
        anything = ("", _("any"))
        for name, choices in (("owner", owners), ("source", sources), ("only", only)):
            self.fields[name].choices = [anything, *choices]  # type: ignore[attr-defined]
