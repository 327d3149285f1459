"""The forms of campaigns and of spend. They write through leads/campaigns.py and leads/spending.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy, pgettext_lazy

from crm.amount_field import AmountField
from crm.models import User
from leads import spending
from leads.models import Campaign, Spend

_ = gettext_lazy


class Day(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(**({"widget": widget} | kwargs))


class CampaignForm(forms.Form):
    """Name, channel and days. The key can be given once; it stays."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)
    name = forms.CharField(label=_("Name"), max_length=120)
    key = forms.RegexField(
        r"^[a-z0-9_-]{1,60}\Z", label=_("Key"), required=False,
        error_messages={"invalid": _("Small letters, digits, - and _ only, 60 at most.")},
        help_text=_("What links carry as utm_campaign. Made from the name when left empty; it stays."),
    )  # fmt: skip
    channel = forms.ChoiceField(label=_("Channel"), choices=Campaign.Channel.choices, initial=Campaign.Channel.OTHER)
    starts_on = Day(label=_("Starts on"), required=False)
    ends_on = Day(label=_("Ends on"), required=False)
    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none(), required=False)

    def __init__(self, *args: Any, campaign: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Q(is_active=True) | Q(pk=campaign.owner_id if campaign else None)
        self.fields["owner"].queryset = User.objects.filter(known).order_by("name")  # type: ignore[attr-defined]
        if campaign:
            del self.fields["key"]

    def values(self) -> dict[str, Any]:
        """Return what was typed, by field of the model."""
        told = {name: self.cleaned_data[name] for name in ("name", "channel", "starts_on", "ends_on")}
        owner = self.cleaned_data["owner"]
        return told | {"owner_id": owner.pk if owner else None}


class SpendForm(forms.Form):
    """One row of the ledger."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)
    amount = AmountField(label=_("Amount"), max_digits=12, min_value=Decimal(0))
    starts_on = Day(
        label=_("First day"), help_text=_("Of what was paid for. A report counts the days inside its period.")
    )
    ends_on = Day(label=_("Last day"))
    campaign = forms.ModelChoiceField(
        label=_("Campaign"), queryset=Campaign.objects.none(), required=False, empty_label=_("No campaign"),
        help_text=_("Marketing spend without a campaign is shown apart; sales cost is divided over the campaigns."),
    )  # fmt: skip
    side = forms.ChoiceField(label=_("Side"), choices=Spend.Side.choices)
    kind = forms.ChoiceField(label=pgettext_lazy("of spend", "Kind"), choices=Spend.Kind.choices)
    invoice = forms.CharField(label=_("Invoice"), max_length=80, required=False)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].label = gettext_lazy("Amount in %(currency)s") % {"currency": currency}
        self.fields["campaign"].queryset = Campaign.objects.order_by("name")  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return what was typed, by field of the model."""
        campaign = self.cleaned_data["campaign"]
        told = {name: self.cleaned_data[name] for name in spending.FIELDS if name in self.cleaned_data}
        return told | {"campaign_id": campaign.pk if campaign else None}
