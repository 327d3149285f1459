"""What leaves the house: how much waits, what failed and why; send again or discard (R3, E4)."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from crm import keyset, outbox
from crm.models import OutboxMessage, WebhookAttempt
from crm.views.settings.entrance import for_admins, show
from crm.views.settings.webhooks import REASONS

State = OutboxMessage.State


@for_admins
@require_safe
def deliveries(request: HttpRequest) -> HttpResponse:
    """The messages of one state; failed ones first."""
    counts = dict(OutboxMessage.objects.values_list("state").annotate(Count("pk")))
    state = request.GET.get("state", State.FAILED)
    state = state if state in State.values else State.FAILED
    page = keyset.page(
        OutboxMessage.objects.filter(state=state).defer("payload"), request.GET.get("after", ""), order=("-id",)
    )
    tabs = [(value, label, counts.get(value, 0)) for value, label in State.choices]
    rows = [(one, _why(one.dead_reason)) for one in page.rows]
    return show(request, "settings/deliveries.html", {"page": page, "rows": rows, "state": state, "tabs": tabs})


def _why(reason: str) -> str:
    """Return in words why a message was not sent; what only a mail server or a program said stays as it is."""
    if not reason:
        return ""
    outcome, _space, status = reason.partition(" ")
    if outcome in WebhookAttempt.Outcome.values:
        return f"{WebhookAttempt.Outcome(outcome).label} {status}".strip()
    return str(REASONS.get(reason, reason))


@for_admins
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(OutboxMessage, pk=pk, state=State.FAILED)
    if outbox.retry([message.pk], by=request.user):  # type: ignore[arg-type]
        messages.success(request, _("It is sent again within seconds."))
    return redirect("settings_deliveries")


@for_admins
@require_POST
def retry_all(request: HttpRequest) -> HttpResponse:
    ids = list(OutboxMessage.objects.filter(state=State.FAILED).order_by("id").values_list("pk", flat=True)[:500])
    count = outbox.retry(ids, by=request.user)  # type: ignore[arg-type]
    told = ngettext("%(count)d message is sent again.", "%(count)d messages are sent again.", count) % {"count": count}
    messages.success(request, told)
    return redirect("settings_deliveries")


@for_admins
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(OutboxMessage, pk=pk, state=State.FAILED)
    if outbox.discard(message.pk, by=request.user):  # type: ignore[arg-type]
        messages.success(request, _("Discarded. It will not be sent."))
    return redirect("settings_deliveries")
