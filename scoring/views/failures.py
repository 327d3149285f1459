"""Who could not be scored: how often it was tried and why it failed; try again, or leave out (E4)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from crm import keyset
from crm.views.settings.entrance import for_admins, show
from crm.wake import wake
from scoring import failures
from scoring.models import MOST_TRIES, FailedScore

AT_ONCE = 500


@for_admins
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Those who wait for a try or a decision; with ?left_out=1 those whom somebody left out."""
    left_out = "left_out" in request.GET
    rows = FailedScore.objects.filter(left_out=left_out).select_related("contact")
    counts = [FailedScore.objects.filter(left_out=one).count() for one in (False, True)]
    context = {
        "page": keyset.page(rows, request.GET.get("after", ""), order=("-contact_id",)), "left_out": left_out,
        "counts": counts, "most": MOST_TRIES,
    }  # fmt: skip
    return show(request, "settings/failed_scores.html", context)


@for_admins
@require_POST
def retry(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Try one again, or all that are listed."""
    listed = FailedScore.objects.filter(left_out=False).order_by("pk").values_list("pk", flat=True)
    ids = [get_object_or_404(FailedScore, pk=pk).pk] if pk else list(listed[:AT_ONCE])
    n = failures.retry(ids, by=request.user)  # type: ignore[arg-type]
    wake("pending")
    told = ngettext("%(n)d person is tried again within seconds.", "%(n)d people are tried again within seconds.", n)
    messages.success(request, told % {"n": n})
    return redirect("settings_failed_scores")


@for_admins
@require_POST
def leave_out(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(FailedScore, pk=pk)
    failures.leave_out(row.pk, by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("Left out. A retry takes that back."))
    return redirect("settings_failed_scores")
