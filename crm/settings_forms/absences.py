"""An absence: who, from when to when, whole days or cut at noon. Nobody is asked why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import absences
from crm.models import Absence, User

DATE = {"type": "date"}


class AbsenceForm(forms.Form):
    person = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Person"), empty_label=None)
    first_day = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput(DATE, "%Y-%m-%d"))
    from_noon = forms.BooleanField(label=gettext_lazy("The first day only from noon"), required=False)
    last_day = forms.DateField(
        label=gettext_lazy("Last day"), widget=forms.DateInput(DATE, "%Y-%m-%d"), required=False,
        help_text=gettext_lazy("Empty: one day."),
    )  # fmt: skip
    until_noon = forms.BooleanField(label=gettext_lazy("The last day only until noon"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = absences.people_of(user)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]
        self.fields["person"].initial = user.pk
        self.user = user
        if len(people[:2]) == 1:
            del self.fields["person"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        first, last = given.get("first_day"), given.get("last_day") or given.get("first_day")
        given["last_day"], given["person"] = last, given.get("person") or self.user
        if not first or not last:
            return given
        if last < first:
            raise ValidationError({"last_day": _("The last day lies before the first.")})
        if last == first and given["from_noon"] and given["until_noon"]:
            raise ValidationError(_("From noon until noon of one day is nothing."))
        if Absence.objects.filter(user=given["person"], first_day__lte=last, last_day__gte=first).exists():
            raise ValidationError(_("%(name)s is away on one of these days already.") % {"name": given["person"].name})
        return given
