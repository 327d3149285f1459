"""A webhook: where it goes, what it is told, and the line of the register of recipients without which it stays off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import WebhookEndpoint
from crm.settings_forms.register import HELP, LINE, WIDGETS, RegisterForm
from crm.webhooks import addresses, events, queueing


class WebhookForm(RegisterForm):
    what = "webhook"
    unlogged = ("url",)  # an address may hold a token of its receiver

    events = forms.MultipleChoiceField(label=_("What it is told"), widget=forms.CheckboxSelectMultiple, choices=())

    class Meta:
        model = WebhookEndpoint
        fields = ["name", "url", "active", "events", "tells_person", "is_marketing", *LINE]
        help_texts = HELP | {
            "url": _("Begins with https://. Your own network only if the operator allows it."),
            "active": _("Off: it is told nothing, and what waits for it is called off. Default: on."),
            "tells_person": _("Off: numbers and facts only; the receiver asks the API for the rest. Default: off."),
            "is_marketing": _(
                "Tells nothing about people whose legal basis is unknown or who said no to offers. Default: off."
            ),
            "purpose": _("What it is for, such as “Nurturing mails”."),
        }
        widgets = WIDGETS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["events"].choices = events.choices()  # type: ignore[attr-defined]
        self.fields["name"].error_messages["unique"] = gettext("There is a webhook of this name already.")

    def _part(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def where(self) -> list[forms.BoundField]:
        return self._part("name", "url", "active")

    @property
    def told(self) -> list[forms.BoundField]:
        return self._part("events", "tells_person", "is_marketing")

    @property
    def register(self) -> list[forms.BoundField]:
        return self._part(*LINE)

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        try:
            addresses.check(url)
        except addresses.NotAllowed as error:
            text = gettext("This address cannot be used. It must begin with https:// and lie on the public internet.")
            raise ValidationError(text) from error
        return url

    def record(self, by: Any) -> WebhookEndpoint:
        """Write what changed; switched on again it starts afresh, switched off nothing waits for it any more."""
        row: WebhookEndpoint = super().record(by)
        if row.active and row.retired_at:
            row.retired_at, row.retired_because, row.failing_since = None, "", None
            row.save(update_fields=["retired_at", "retired_because", "failing_since"])
        if not row.active:
            queueing.call_off(row, "switched_off")
        return row
