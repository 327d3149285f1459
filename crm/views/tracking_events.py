"""The event debugger: what came in during the last week and what became of it, newest first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from crm import keyset, roles
from crm.mail_events import machines, providers
from crm.models import TrackingReceipt
from crm.requests import SignedInRequest
from crm.tracking import receipts, refusals

#: how one may look at it: key, label, which requests
VIEWS = {
    "": (gettext_lazy("Everything"), Q()),
    receipts.REFUSED: (gettext_lazy("Refused"), Q(refused__gt=0)),
    receipts.DUPLICATE: (gettext_lazy("Duplicates"), Q(duplicates__gt=0)),
    receipts.QUARANTINED: (gettext_lazy("By a program"), Q(quarantined__gt=0)),
}
OUTCOMES = {
    receipts.ACCEPTED: gettext_lazy("accepted"),
    receipts.DUPLICATE: gettext_lazy("duplicate"),
    receipts.REFUSED: gettext_lazy("refused"),
    receipts.QUARANTINED: gettext_lazy("by a program, does not count"),
}
SHOWN_AT_FIRST = 20
REQUESTS = 20


@login_required
@require_safe
def events(request: SignedInRequest) -> HttpResponse:
    if not roles.is_marketing(request.user):
        raise PermissionDenied(_("Only marketing and admins see what comes in."))
    view = request.GET.get("view", "")
    view = view if view in VIEWS else ""
    rows = TrackingReceipt.objects.filter(VIEWS[view][1]).select_related("write_key")
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",), size=REQUESTS)
    context = {
        "page": page,
        "view": view,
        "views": [(key, label) for key, (label, _which) in VIEWS.items()],
        "receipts": [(receipt, _sender(receipt), *_lines(receipt, view)) for receipt in page.rows],
        "kept_days": receipts.KEPT_FOR.days,
    }
    return render(request, "crm/tracking/events.html", context)


def _sender(receipt: TrackingReceipt) -> str:
    if receipt.write_key:
        return receipt.write_key.name
    provider = providers.PROVIDERS.get(receipt.provider)
    return provider.label if provider else receipt.provider


def _lines(receipt: TrackingReceipt, view: str) -> tuple[list[dict[str, object]], int]:
    """Return the messages of a request to show and how many more there were, in words of the reader's language."""
    lines = [line for line in receipt.messages if not view or line.get("outcome") == view]
    shown = [
        line
        | {
            "outcome_label": OUTCOMES.get(line.get("outcome", ""), ""),
            "why": _why(line),
        }
        for line in lines[:SHOWN_AT_FIRST]
    ]
    counts = {
        receipts.ACCEPTED: receipt.accepted, receipts.REFUSED: receipt.refused,
        receipts.DUPLICATE: receipt.duplicates, receipts.QUARANTINED: receipt.quarantined,
    }  # fmt: skip
    return shown, counts.get(view, sum(counts.values())) - len(shown)


def _why(line: dict[str, str]) -> str:
    reason, detail = line.get("reason", ""), line.get("detail", "")
    if reason in machines.REASONS:
        return str(machines.REASONS[reason])
    return refusals.sentence(reason, detail) if reason else detail
