"""One click on a lead's page: was this handoff a good lead, a neutral or a bad one?"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.requests import SignedInRequest
from crm.views import profile
from leads import feedback
from leads.views.lead import back_to, reach


@login_required
@require_POST
def give(request: SignedInRequest, pk: int, handoff: int) -> HttpResponse:
    """Write the verdict of the reader, or change it."""
    lead = reach(request, pk)
    found = lead.handoffs.filter(pk=handoff).first()
    if found is None:
        raise Http404
    try:
        feedback.give(found, request.POST.get("verdict", ""), by=request.user)
    except ValueError as error:
        raise Http404 from error
    except feedback.NotTheirs:
        return profile.not_yours(request, _("Sales judges the leads it has answered."))
    messages.success(request, _("Thank you. Marketing sees it in the reports."))
    return back_to(request, lead, "handoff-title")
