"""Who carries our mails, and who tells what became of them: lines of the register of recipients."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


class MailRecipient(FieldwiseModel):
    """What an admin says of one mail server or provider. The line stays when it is no longer used."""

    #: "server:<host>" sends for us, "events:<provider>" tells us; see crm/mail_recipients.py
    key = models.CharField(max_length=260, unique=True, editable=False)
    recipient = models.CharField(_("Recipient"), max_length=120)
    purpose = models.CharField(_("Purpose"), max_length=200)
    country = models.CharField(_("Country"), max_length=2)
    is_ours = models.BooleanField(_("Our own system"), default=False)
    contract_on = models.DateField(_("Contract on data processing of"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.recipient
