"""One line about what was just done: a call, an e-mail, a meeting, a note."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm import activities
from crm.forms import LogForm
from crm.requests import SignedInRequest
from crm.views import profile
from leads import rights
from leads.views.lead import back_to, invalid, reach, show


@login_required
@require_POST
def log(request: SignedInRequest, pk: int) -> HttpResponse:
    """Record it once, however often the form is sent."""
    lead = reach(request, pk)
    notes = rights.may_note(request.user, lead)
    if not rights.may_edit(request.user, lead) or (request.POST.get("kind") == "note" and not notes):
        return profile.not_yours(request, rights.who_may_edit(lead))
    form = LogForm(request.POST, auto_id="log_%s", notes=notes)
    if not form.is_valid():
        return show(request, lead, status=invalid(request), log=form)
    activities.record(
        lead.contact, form.cleaned_data["kind"], by=request.user, properties=form.properties(),
        feed="baton", message_id=form.cleaned_data["token"],
    )  # fmt: skip
    messages.success(request, _("Recorded."))
    return back_to(request, lead, "timeline")
