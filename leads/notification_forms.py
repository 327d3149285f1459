"""How one person wants to hear of each kind of event by e-mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from crm import roles
from crm.models import User
from leads import notifications
from leads.models import MailWish, Notification

Kind = Notification.Kind
SALES = (Kind.OFFERED, Kind.QUEUED, Kind.REASSIGNED, Kind.DUE)
LEADING = (Kind.OVERDUE,)
ANYBODY = (Kind.STEP,)
MARKETING = (Kind.ACCEPTED, Kind.SENT_BACK, Kind.CLOSED)


def kinds_for(user: User) -> list[str]:
    """Return the kinds of events that can happen to somebody in this role."""
    found = [*(SALES if roles.is_sales(user) else ()), *(LEADING if roles.leads_sales(user) else ())]
    return [str(kind) for kind in (*found, *(MARKETING if roles.is_marketing(user) else ()), *ANYBODY)]


class WishesForm(forms.Form):
    """One choice per kind; the list in the product has them all in any case."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, now = user, notifications.chosen(user)
        for kind in kinds_for(user):
            default = MailWish.How(notifications.DEFAULTS[kind]).label
            self.fields[kind] = forms.ChoiceField(
                label=Kind(kind).label, choices=MailWish.How.choices, initial=now[kind], widget=forms.RadioSelect,
                help_text=_("Default: %(default)s.") % {"default": default},
            )  # fmt: skip

    def save(self) -> None:
        notifications.choose(self.user, self.cleaned_data)
