"""What must hold of webhooks; the doctor asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import outbox
from crm.doctor import check
from crm.models import OutboxMessage, WebhookAttempt, WebhookEndpoint
from crm.webhooks import events, keeping, secrets

A_DAY = timedelta(days=1)
PERSONAL = {"email", "phone", "first_name", "last_name", "name", "contact"}


@check(
    "webhooks", gettext_lazy("Every webhook that is switched on can sign, and names recipient, purpose and contract")
)
def _webhooks(full: bool) -> Iterator[str]:
    for one in WebhookEndpoint.objects.filter(active=True):
        if not secrets.is_readable(one):
            yield _("Webhook %(id)d was given its secret under another SECRET_KEY; make a new one.") % {"id": one.pk}
        contract = one.is_ours or one.contract_on
        if not (one.recipient and one.purpose and one.country and contract):
            yield _("Webhook %(id)d is switched on without recipient, purpose, country or contract.") % {"id": one.pk}
        if unknown := [name for name in one.events if name not in events.EVENTS]:
            yield _("Webhook %(id)d is to be told of %(name)s, which there is none of.") % {
                "id": one.pk,
                "name": unknown[0],
            }


@check(
    "webhook_messages", gettext_lazy("A message of a webhook has an endpoint, waits for no retired one, names nobody")
)
def _messages(full: bool) -> Iterator[str]:
    ours = OutboxMessage.objects.filter(channel=outbox.WEBHOOK)
    wrong = ours.filter(Q(endpoint=None) | Q(state="pending", endpoint__active=False))
    for pk in wrong.values_list("pk", flat=True)[:20]:
        yield _("Message %(id)d has no endpoint, or waits for one that is switched off.") % {"id": pk}
    newest = ours.order_by("-id").values_list("pk", "payload")
    for pk, payload in (newest if full else newest[:2000]).iterator(chunk_size=2000):
        if PERSONAL & set(payload.get("data", {})):
            yield _("Message %(id)d holds personal data while it waits.") % {"id": pk}


@check("webhook_log", gettext_lazy("What receivers answered is kept for a month, and every told person is on the list"))
def _log(full: bool) -> Iterator[str]:
    until = timezone.now() - keeping.KEPT - A_DAY
    if count := WebhookAttempt.objects.filter(at__lt=until).exclude(answer="").count():
        yield _("%(count)d answers of receivers are more than a month old.") % {"count": count}
    told = OutboxMessage.objects.filter(channel=outbox.WEBHOOK, state="sent", contact__isnull=False)
    unlisted = told.exclude(contact__disclosures__endpoint=F("endpoint"))
    for pk in unlisted.order_by("-id").values_list("pk", flat=True)[: None if full else 20]:
        yield _("Message %(id)d was told, but its recipient is not on the person’s list.") % {"id": pk}
