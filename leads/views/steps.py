"""The next steps of a lead: written down, put off, called done, taken off, each by one form."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.requests import SignedInRequest
from crm.views import profile
from leads import rights, steps
from leads.lead_forms import NextStepForm
from leads.models import Lead, Step
from leads.views.lead import back_to, invalid, reach, show


@login_required
@require_POST
def next_step(request: SignedInRequest, pk: int) -> HttpResponse:
    """Write the step, with `done` call it done, with `another` add one; refused when it changed meanwhile."""
    lead = reach(request, pk)
    step = _meant(request.POST, lead)
    done = "done" in request.POST
    theirs = done and step is not None and step.person_id == request.user.pk
    if not rights.may_edit(request.user, lead) and not theirs:
        return profile.not_yours(request, rights.who_may_edit(lead))
    if not lead.is_open:
        messages.error(request, _("The lead is closed. Nothing was written."))
        return show(request, lead, status=409)
    if done:
        return _done(request, lead, step)
    return _another(request, lead) if "another" in request.POST else _saved(request, lead, step)


def _meant(posted: QueryDict, lead: Lead) -> Step | None:
    """Return the open step the form is about; the lead's next one where it names none."""
    if posted.get("step", "").isdecimal():
        return lead.steps.open().filter(pk=posted["step"][:18]).first()
    if posted.get("step") is None and lead.next_step:
        steps.follow([lead.pk])
    return steps.current(lead)


def _done(request: SignedInRequest, lead: Lead, step: Step | None) -> HttpResponse:
    if step is None or not steps.finish(step, by=request.user):
        messages.error(request, _("Somebody else was faster: this step is no longer open."))
        return show(request, reach(request, lead.pk), status=409)
    messages.success(request, _("Next step done."))
    return redirect("today") if request.POST.get("next") == reverse("today") else back_to(request, lead)


def _another(request: SignedInRequest, lead: Lead) -> HttpResponse:
    form = NextStepForm(request.POST, step=None, people=steps.people(lead, request.user), auto_id="another_%s")
    if form.is_valid() and not form.cleaned_data["next_step"]:
        form.add_error("next_step", _("Say what is to be done."))
    if not form.is_valid():
        return show(request, lead, status=invalid(request), another_step=form)
    steps.add(lead, form.values(), by=request.user)
    messages.success(request, _("Next step saved."))
    return back_to(request, lead, "steps")


def _saved(request: SignedInRequest, lead: Lead, step: Step | None) -> HttpResponse:
    form = NextStepForm(request.POST, step=step, people=steps.people(lead, request.user), auto_id="next_%s")
    if not form.is_valid():
        return show(request, lead, status=invalid(request), next_step=form)
    if not _written(form, lead, step, request):
        return _changed_meanwhile(request, lead)
    messages.success(request, _("Next step saved.") if form.cleaned_data["next_step"] else _("Next step taken off."))
    return back_to(request, lead)


def _written(form: NextStepForm, lead: Lead, step: Step | None, request: SignedInRequest) -> bool:
    """Write what was typed where the step still is what the reader saw; return whether it was."""
    values, seen = form.values(), form.seen()
    if seen is None:
        return False
    if step is not None:
        if values["what"]:
            return steps.change(step, values, seen=seen, by=request.user)
        return steps.drop(step, seen=seen, by=request.user)
    if seen["what"]:
        return False
    if values["what"]:
        steps.add(lead, values, by=request.user)
    return True


def _changed_meanwhile(request: SignedInRequest, lead: Lead) -> HttpResponse:
    """Show the form with what was typed, beginning from what is stored now."""
    lead = reach(request, lead.pk)
    step = steps.current(lead)
    people, data = steps.people(lead, request.user), request.POST.copy()
    blank = NextStepForm(step=step, people=people)
    data["step"] = str(step.pk) if step else ""
    for name in blank.fields:
        value = blank[name].value()
        data[blank[name].html_initial_name] = "" if value is None else str(value)
    fresh = NextStepForm(data, step=step, people=people, auto_id="next_%s")
    fresh.is_valid()
    fresh.add_error(
        "next_step", _("Changed meanwhile: it is now “%(step)s”. Nothing was written.") % {"step": lead.next_step}
    )
    return show(request, lead, status=409, next_step=fresh)
