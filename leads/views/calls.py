"""The page beside a discovery call: topics in any order, a clock, the outcome, the next step, sent as one form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm import consent_box
from crm.requests import SignedInRequest
from crm.views import profile
from leads import calls, explanations, packet, qualification, rights
from leads.call_forms import CallForm, TopicForm
from leads.models import Lead
from leads.views.lead import back_to, origin, reach


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def call(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the page, or record the call; refused whole when a part of it makes no sense."""
    lead = reach(request, pk)
    if not rights.may_edit(request.user, lead):
        return profile.not_yours(request, rights.who_may_edit(lead))
    topics = qualification.dimensions(lead) if lead.team is None or lead.team.uses_checklist else []
    data = request.POST if request.method == "POST" else None
    form = CallForm(data, auto_id="call_%s")
    answers = [(topic, TopicForm(data, prefix=topic.key, auto_id="call_%s")) for topic in topics]
    if data is None or not lead.is_open:
        return _shown(request, lead, form, answers, 200 if data is None else 409)
    if not all([form.is_valid(), *(one.is_valid() for _topic, one in answers)]):
        return _shown(request, lead, form, answers, 400)
    said = form.cleaned_data
    calls.log(
        lead, said["kind"], token=said["token"], by=request.user, properties=form.properties(),
        answers=[answer for topic, one in answers if (answer := one.answer(topic.key))],
        step=(said["next_step"], said["next_step_on"]),
    )  # fmt: skip
    messages.success(request, _("Call recorded."))
    return back_to(request, lead, "timeline")


def _shown(request: SignedInRequest, lead: Lead, form: CallForm, answers: list[Any], status: int) -> HttpResponse:
    """Render the page with what helps during the call: the opening, the newest signs, what is known by topic."""
    told = explanations.explain([lead.pk]).get(lead.pk)
    frozen = (lead.last_handoff.packet if lead.last_handoff else None) or {}
    context = {
        "lead": lead, "contact": lead.contact, "form": form, "answers": answers, "origin": origin(request),
        "explanation": told, "opening": packet.opening(frozen) if frozen else None,
        "no_call": consent_box.why_no_call(lead.contact, list(lead.contact.consent_events.all())),
        "reads_notes": rights.may_read_notes(request.user, lead),
    }  # fmt: skip
    return render(request, "leads/call.html", context, status=status)
