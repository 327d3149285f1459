"""What came in by the forms, and the quarantine where a person judges what looked odd."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import keyset
from crm.models import ConsentText
from crm.requests import SignedInRequest
from leads import capture_fields, submissions
from leads import capture_form_editing as editing
from leads.models import CaptureForm, Submission
from leads.views.capture_forms import for_marketing


@for_marketing
@require_safe
def of_form(request: SignedInRequest, pk: int) -> HttpResponse:
    """The submissions of one form, newest first."""
    form = get_object_or_404(CaptureForm.objects.select_related("kind"), pk=pk)
    rows = form.submissions.select_related("contact")
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",))
    context = {"row": form, "page": page, "numbers": editing.numbers([form.pk])[form.pk]}
    return render(request, "forms/submissions.html", context)


@for_marketing
@require_safe
def quarantine(request: SignedInRequest) -> HttpResponse:
    """What looked odd, newest first, with everything that was typed."""
    doubtful = Submission.objects.filter(state=Submission.State.QUARANTINED).select_related("form")
    page = keyset.page(doubtful, request.GET.get("after", ""), order=("-id",), size=25)
    texts = ConsentText.objects.in_bulk({pk for row in page.rows for pk in row.text_ids})
    rows = [
        (
            row,
            [submissions.SUSPICIONS[reason] for reason in row.suspicions if reason in submissions.SUSPICIONS],
            [(capture_fields.words(name), value) for name, value in row.values.items()],
            [texts[pk] for pk in row.text_ids if pk in texts],
        )
        for row in page.rows
    ]
    context = {"page": page, "rows": rows, "days": submissions.QUARANTINE_DAYS}
    return render(request, "forms/quarantine.html", context)


@for_marketing
@require_POST
def release(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let one take its course, as if nothing had looked odd."""
    if submissions.release(get_object_or_404(Submission.objects.select_related("form"), pk=pk), by=request.user):
        messages.success(request, _("Released. It counts from the day it was sent."))
    else:
        messages.error(request, _("Somebody judged this one meanwhile."))
    return redirect("quarantine")


@for_marketing
@require_POST
def discard(request: SignedInRequest, pk: int) -> HttpResponse:
    """Forget one for good."""
    if submissions.discard(get_object_or_404(Submission, pk=pk), by=request.user):
        messages.success(request, _("Discarded; what was typed is gone."))
    else:
        messages.error(request, _("Somebody judged this one meanwhile."))
    return redirect("quarantine")
