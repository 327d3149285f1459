"""The page for staff at a fair or in the street, and the list of who takes part in a draw."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import keyset, roles
from crm.requests import SignedInRequest
from crm.signin import client_address
from leads import fair_capture, prize_draws
from leads.fair_capture_form import DrawForm, FairCaptureForm
from leads.models import PrizeDraw, PrizeEntry, Submission
from leads.submissions import Sender
from leads.views.bounced_forms import anew

KEPT = ("where", "event", "place")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def capture(request: SignedInRequest) -> HttpResponse:
    """The form, or one capture. A page that sends by script is answered in JSON, so that it knows what became of it."""
    by_script = request.headers.get("Accept") == "application/json"
    if request.method != "POST":
        return _page(request, FairCaptureForm(initial={name: request.GET.get(name, "")[:200] for name in KEPT}))
    form = FairCaptureForm(request.POST)
    if not form.is_valid():
        if by_script:
            return JsonResponse({"detail": " ".join(_sentences(form))}, status=422)
        return _page(request, form, status=422)
    sender = Sender(client_address(request), request.headers.get("User-Agent", ""))
    submission, is_new = fair_capture.take(form.capture(), sender, by=request.user)
    is_blocked = submission.state == Submission.State.BLOCKED
    words = _words(form, is_blocked)
    if by_script:
        return JsonResponse({"detail": words}, status=409 if is_blocked else 201 if is_new else 200)
    (messages.error if is_blocked else messages.success)(request, words)
    answer = redirect("fair_capture")
    answer["Location"] += "?" + urlencode({name: form.cleaned_data[name] for name in KEPT})
    answer.status_code = 303
    return answer


def _sentences(form: FairCaptureForm) -> list[str]:
    return [str(sentence) for errors in form.errors.values() for sentence in errors]


def _words(form: FairCaptureForm, is_blocked: bool) -> str:
    if is_blocked:
        return _("This person has asked not to be contacted. Nothing was stored.")
    name = f"{form.cleaned_data['first_name']} {form.cleaned_data['last_name']}".strip()
    return _("Stored: %(name)s") % {"name": name}


def _page(request: SignedInRequest, form: FairCaptureForm, *, status: int = 200) -> HttpResponse:
    is_known = all(form.initial.get(name) for name in ("event", "place"))
    context = {
        "form": form, "today": fair_capture.captured_today(request.user), "is_known": is_known and not form.is_bound,
        "sees_draws": roles.is_marketing(request.user),
    }  # fmt: skip
    return render(request, "leads/fair_capture.html", context, status=status)


@login_required
@require_safe
def draws(request: SignedInRequest) -> HttpResponse:
    """Who takes part in prize draws, newest first."""
    if not roles.is_marketing(request.user):
        raise PermissionDenied(_("Only marketing and admins see who takes part in a draw."))
    rows = PrizeEntry.objects.select_related("submission__contact", "by", "draw")
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",), size=50)
    held = PrizeDraw.objects.annotate(number=Count("entries"))
    events = keyset.page(held, request.GET.get("events", ""), order=("-id",), size=20)
    return render(request, "leads/prize_draws.html", {"page": page, "events": events})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def draw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say after which day the entries of one draw are deleted."""
    if not roles.is_marketing(request.user):
        raise PermissionDenied(_("Only marketing and admins see who takes part in a draw."))
    row = get_object_or_404(PrizeDraw.objects.annotate(number=Count("entries")), pk=pk)
    form = DrawForm(request.POST or None, draw=row)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            prize_draws.settle(row, form.cleaned_data["ends_on"], by=request.user, version=form.cleaned_data["version"])
        except prize_draws.Stale as stale:
            form = anew(form, stale.current.version, draw=stale.current)
            status = 409
        else:
            messages.success(request, _("Saved."))
            return redirect("prize_draws")
    return render(request, "leads/prize_draw.html", {"form": form, "draw": row}, status=status)
