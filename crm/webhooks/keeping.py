"""How long what was told is kept: a month of messages and answers, the list of who got something for good."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from crm import outbox
from crm.models import OutboxMessage, WebhookAttempt

KEPT = timedelta(days=30)
State = OutboxMessage.State


def forget_old(limit: int = 5000) -> int:
    """Delete told and called-off messages with their attempts after a month, and return how many messages."""
    until = timezone.now() - KEPT
    old = OutboxMessage.objects.filter(channel=outbox.WEBHOOK, created_at__lt=until)
    over = old.filter(state__in=[State.SENT, State.CANCELLED]).order_by("id")
    ids = list(over.values_list("pk", flat=True)[:limit])
    OutboxMessage.objects.filter(pk__in=ids).delete()
    WebhookAttempt.objects.filter(at__lt=until).exclude(answer="").update(answer="")
    return len(ids)


def forget_answers_about(contact_id: int) -> None:
    """Empty what receivers answered to messages about this person: they may have repeated the person's data."""
    WebhookAttempt.objects.filter(message__contact=contact_id).exclude(answer="").update(answer="")
