"""What was found out about one topic of the checklist, filled during a call, in any order."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.requests import SignedInRequest
from crm.views import profile
from leads import qualification, rights
from leads.lead_forms import FindingForm
from leads.views.lead import back_to, invalid, reach, show


@login_required
@require_POST
def note_finding(request: SignedInRequest, pk: int, topic: str) -> HttpResponse:
    """Append one finding; the older ones stay."""
    lead = reach(request, pk)
    if topic not in {known["key"] for known in qualification.checklist().dimensions}:
        raise Http404
    if not rights.may_edit(request.user, lead):
        return profile.not_yours(request, rights.who_may_edit(lead))
    if not lead.is_open:
        return show(request, lead, status=409)
    form = FindingForm(request.POST, prefix=topic)
    if not form.is_valid():
        return show(request, lead, status=invalid(request), findings={topic: form})
    qualification.note_finding(
        lead, topic, form.cleaned_data["status"], evidence=form.cleaned_data["evidence"],
        dated_on=form.cleaned_data["dated_on"], by=request.user,
    )  # fmt: skip
    messages.success(request, _("Recorded."))
    return back_to(request, lead, "checklist")
