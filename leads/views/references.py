"""Marking a won customer as somebody who recommends us."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.requests import SignedInRequest
from crm.views import profile
from leads import references, rights
from leads.views.lead import back_to, reach, show


@login_required
@require_POST
def mark(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mark, or with `off` take the mark away; refused for a lead that is not won."""
    lead = reach(request, pk)
    if not rights.may_edit(request.user, lead):
        return profile.not_yours(request, rights.who_may_edit(lead))
    if not references.mark(lead, "off" not in request.POST, by=request.user):
        messages.error(request, _("Only a won customer can be marked as referrer. Nothing was written."))
        return show(request, lead, status=409)
    messages.success(request, _("No longer a referrer.") if "off" in request.POST else _("Marked as referrer."))
    return back_to(request, lead, "references")
