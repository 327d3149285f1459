"""What every line of the register of recipients must say: who, what for, where, by which contract (P32)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import MailRecipient
from crm.settings_forms.choices import COUNTRIES
from crm.settings_forms.recorded import RecordedForm

LINE = ["recipient", "purpose", "country", "is_ours", "contract_on"]
HELP = {
    "recipient": _("Whose system it is, as it stands in the register of recipients."),
    "is_ours": _("No contract is needed then. Default: off."),
    "contract_on": _("The day of the contract under Art. 28 GDPR."),
}
WIDGETS = {"contract_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}


class RegisterForm(RecordedForm):
    """A form that holds a line of the register; a system of our own needs no contract."""

    country = forms.ChoiceField(
        label=_("Country"), help_text=_("Where the recipient processes the data."),
        choices=[("", _("Choose …")), ("DE", _("Germany")), *COUNTRIES],
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("is_ours") and not cleaned.get("contract_on") and "contract_on" not in self.errors:
            self.add_error("contract_on", gettext("Enter the day of the contract, or say that the system is yours."))
        return cleaned


class MailRecipientForm(RegisterForm):
    what = "mail_recipient"

    class Meta:
        model = MailRecipient
        fields = LINE
        help_texts = HELP
        widgets = WIDGETS
