"""What a new token is for, what it may do, and for how long."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm import api_tokens, render_token
from crm.api.scopes import SCOPES

DAYS = [(30, _("30 days")), (90, _("90 days")), (365, _("one year")), (api_tokens.MOST_DAYS, _("two years"))]


class TokenForm(forms.Form):
    """A token of one's own; `once` makes sending the form twice one token."""

    name = forms.CharField(label=_("What it is for"), max_length=120, help_text=_("Name the program that will use it."))
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple,
        help_text=_("Only what the program needs. It never may more than you."),
    )  # fmt: skip
    days = forms.TypedChoiceField(label=_("Valid for"), choices=DAYS, coerce=int, initial=api_tokens.DAYS)
    once = forms.CharField(widget=forms.HiddenInput, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["once"].initial = render_token.issue()
