"""Webhooks: what others are told, by which secret it is signed, what came of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import audit, keyset, outbox
from crm.models import OutboxMessage, WebhookAttempt, WebhookEndpoint
from crm.settings_forms.webhooks import WebhookForm
from crm.views.settings.entrance import for_admins, show
from crm.webhooks import events, queueing, secrets

State = OutboxMessage.State
#: Why a message was called off or given up, in words.
REASONS: dict[str, str | Promise] = {
    "switched_off": gettext_lazy("The webhook was switched off."),
    "no_basis": gettext_lazy("Not told: no legal basis for marketing."),
    "erased": gettext_lazy("Not told: the person was erased."),
    "retired_gone": gettext_lazy("The receiver is gone for good."),
    "retired_silent": gettext_lazy("The receiver gave no good answer for three days."),
    "secret_lost": gettext_lazy("The secret was made under another SECRET_KEY. Make a new one."),
    "": gettext_lazy("Taken back before it was told."),
}
RETIRED = {
    "gone": gettext_lazy("Switched off by itself: the receiver answered that it is gone for good (410)."),
    "silent": gettext_lazy("Switched off by itself: no good answer for three days."),
}


def _messages() -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(channel=outbox.WEBHOOK)


@for_admins
@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    """All webhooks with how they do."""
    page = keyset.page(WebhookEndpoint.objects.all(), request.GET.get("after", ""), order=("name", "id"))
    ids = [one.pk for one in page.rows]
    waiting = _messages().filter(endpoint__in=ids, state__in=[State.PENDING, State.FAILED])
    counts = {(pk, state): count for pk, state, count in waiting.values_list("endpoint", "state").annotate(Count("pk"))}
    rows = [(one, counts.get((one.pk, State.PENDING), 0), counts.get((one.pk, State.FAILED), 0)) for one in page.rows]
    return show(request, "settings/webhooks.html", {"page": page, "rows": rows})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new webhook, whose secret is shown this once, or one to change."""
    row = get_object_or_404(WebhookEndpoint, pk=pk) if pk else None
    form = WebhookForm(request.POST or None, instance=row)
    context: dict[str, Any] = {"form": form, "row": row}
    if not form.is_valid():
        return show(request, "settings/webhook_edit.html", context, status=422 if form.is_bound else 200)
    if row is not None:
        form.record(request.user)
        messages.success(request, _("Saved. It counts for what happens from now on."))
        return redirect("settings_webhook", pk=row.pk)
    with transaction.atomic():
        form.instance.created_by = request.user
        secret = secrets.issue(form.instance)
        form.record(request.user)
    return show(request, "settings/webhook_secret.html", {"row": form.instance, "secret": secret})


@for_admins
@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """A webhook with what it was told last."""
    row = get_object_or_404(WebhookEndpoint, pk=pk)
    told = _messages().filter(endpoint=row).defer("payload")
    page = keyset.page(told, request.GET.get("after", ""), order=("-id",))
    newest = WebhookAttempt.objects.filter(message__in=[message.pk for message in page.rows]).order_by("id")
    attempts = {attempt.message_id: attempt for attempt in newest.defer("answer")}
    rows = [(message, attempts.get(message.pk), _why(message)) for message in page.rows]
    labels = [events.EVENTS[name].label if name in events.EVENTS else name for name in row.events]
    context = {"row": row, "page": page, "rows": rows, "labels": labels, "retired": RETIRED.get(row.retired_because)}
    return show(request, "settings/webhook.html", context)


def _why(message: OutboxMessage) -> str | Promise:
    if message.state == State.CANCELLED or message.dead_reason in REASONS:
        return REASONS.get(message.dead_reason, "") if message.state in {State.CANCELLED, State.FAILED} else ""
    return ""


@for_admins
@require_safe
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: what it says without the person, each try, and what came back."""
    message = get_object_or_404(_messages().select_related("endpoint"), pk=pk)
    body = {"id": message.key, "type": message.topic, **message.payload}
    context = {
        "message": message,
        "row": message.endpoint,
        "body": json.dumps(body, indent=2, ensure_ascii=False),
        "attempts": message.attempts_made.order_by("-id")[:50],
        "why": _why(message),
        "again": message.state in {State.SENT, State.FAILED} and message.endpoint and message.endpoint.active,
    }
    return show(request, "settings/webhook_delivery.html", context)


@for_admins
@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(_messages().filter(endpoint__active=True), pk=pk)
    with transaction.atomic():
        done = queueing.send_again(message)
        if done:
            audit.record(request.user, "webhook.sent_again", f"outbox:{message.pk}")
    if done:
        messages.success(request, _("It is sent again within seconds, under the same id."))
    return redirect("settings_webhook_delivery", pk=pk)


@for_admins
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(WebhookEndpoint, pk=pk, active=True)
    with transaction.atomic():
        queueing.test(row, by=request.user)
        audit.record(request.user, "webhook.tested", f"webhook:{row.pk}")
    messages.success(request, _("A test is on its way. What comes back stands below within seconds."))
    return redirect("settings_webhook", pk=pk)


@for_admins
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown this once; the one before signs along for a week."""
    row = get_object_or_404(WebhookEndpoint, pk=pk)
    secret = secrets.rotate(row, by=request.user)
    return show(request, "settings/webhook_secret.html", {"row": row, "secret": secret})


@for_admins
@require_POST
def end_overlap(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(WebhookEndpoint, pk=pk)
    secrets.end_overlap(row, by=request.user)
    messages.success(request, _("Only the newest secret signs from now on."))
    return redirect("settings_webhook", pk=pk)
