"""The mail providers whose webhooks can come in. Only those with a secret of their own are open."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

SHARED = "WEBHOOK_SECRET"


class Stranger(Exception):
    """The request shows no signature or password that is good."""


class Unreadable(Exception):
    """The request is signed, but its body is none of this provider's."""


@dataclass(frozen=True)
class Provider:
    """One mail provider: its name in the address, and the setting that proves its requests."""

    key: str
    label: str
    view: str
    secret: str = SHARED

    @property
    def is_open(self) -> bool:
        """Whether this installation knows the provider's secret."""
        return bool(settings.ANYMAIL.get(self.secret))

    @property
    def variable(self) -> str:
        """Return the environment variable of the secret."""
        return f"ANYMAIL_{self.secret}"

    @property
    def address(self) -> str:
        """Return where the provider is to send its events."""
        return f"{settings.SITE_URL}/anymail/{self.key}/tracking/"

    def events(self, request: HttpRequest) -> Sequence[Any]:
        """Return the events of a webhook as anymail.signals.AnymailTrackingEvent; Stranger or Unreadable."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about passwords that a signature makes needless
            view = import_string(f"anymail.webhooks.{self.view}")()
        try:
            view.run_validators(request)
        except (AnymailWebhookValidationFailure, KeyError, ValueError, TypeError, AnymailError) as error:
            raise Stranger from error
        try:
            return list(view.parse_events(request))
        except Exception as error:  # each provider's reader fails in its own ways
            raise Unreadable(type(error).__name__) from error


PROVIDERS = {
    provider.key: provider
    for provider in (
        Provider("brevo", "Brevo", "brevo.BrevoTrackingWebhookView"),
        Provider("mailersend", "MailerSend", "mailersend.MailerSendTrackingWebhookView", "MAILERSEND_SIGNING_SECRET"),
        Provider("mailgun", "Mailgun", "mailgun.MailgunTrackingWebhookView", "MAILGUN_WEBHOOK_SIGNING_KEY"),
        Provider("mailjet", "Mailjet", "mailjet.MailjetTrackingWebhookView"),
        Provider("mailtrap", "Mailtrap", "mailtrap.MailtrapTrackingWebhookView"),
        Provider("mandrill", "Mandrill", "mandrill.MandrillCombinedWebhookView", "MANDRILL_WEBHOOK_KEY"),
        Provider("postal", "Postal", "postal.PostalTrackingWebhookView", "POSTAL_WEBHOOK_KEY"),
        Provider("postmark", "Postmark", "postmark.PostmarkTrackingWebhookView"),
        Provider("resend", "Resend", "resend.ResendTrackingWebhookView"),
        Provider("sendgrid", "SendGrid", "sendgrid.SendGridTrackingWebhookView"),
        Provider("sparkpost", "SparkPost", "sparkpost.SparkPostTrackingWebhookView"),
        Provider("unisender_go", "Unisender Go", "unisender_go.UnisenderGoTrackingWebhookView", "UNISENDER_GO_API_KEY"),
    )
}


def find(key: str) -> Provider | None:
    """Return the provider named `key`; None for an unknown one and for one without a secret."""
    provider = PROVIDERS.get(key)
    return provider if provider and provider.is_open else None
