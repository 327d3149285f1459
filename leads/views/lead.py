"""One lead's page: where it stands, why, what happened, what comes next."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm import consent_box, consents, episodes, timeline
from crm.forms import LogForm
from crm.models import ActivityKind, ConsentEvent, User
from crm.requests import SignedInRequest
from crm.templatetags.formats import working_span
from crm.views import profile
from crm.views.contacts import timeline_part
from leads import (
    adding,
    ageing,
    clock,
    editing,
    explanations,
    feedback,
    history,
    lifecycle,
    neighbours,
    packet,
    qualification,
    references,
    rights,
    stagebar,
    steps,
)
from leads.assignment import because
from leads.lead_forms import DealForm, FindingForm, NextStepForm, seen
from leads.models import Lead
from leads.stages import Verb

STEPS = 100
# Moves that ask for nothing: one press makes them.
DIRECT = (Verb.ACCEPT, Verb.WITHDRAW, Verb.WAKE, Verb.QUALIFY_FOR_SALES, Verb.UNDO)


def reach(request: SignedInRequest, pk: int) -> Lead:
    """Return the lead when the reader may see it; otherwise it does not exist for them."""
    return get_object_or_404(Lead.objects.visible_to(request.user).with_people(), pk=pk)


@login_required
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    return show(request, reach(request, pk))


def show(request: SignedInRequest, lead: Lead, *, status: int = 200, **bound: Any) -> HttpResponse:
    """Render the page. `bound` are forms with errors: `log`, `next_step`, `another_step`, `findings` by topic."""
    entries = timeline.read(
        lead.contact, request.user, group=request.GET.get("kind", ""), before=request.GET.get("before", "")
    )
    if request.method == "GET" and (part := timeline_part(request)):
        return render(request, part, {"timeline": entries, "page_url": request.path, "origin": origin(request)})
    context: dict[str, Any] = {
        "lead": lead,
        "timeline": entries,
        "page_url": request.path,
        "origin": origin(request),
        "here": _here(request, lead),
        "direct_moves": DIRECT,
        "place": neighbours.find(lead, request.user, origin(request)),
        "may_edit": rights.may_edit(request.user, lead),
        "who_edits": rights.who_may_edit(lead),
        "reads_notes": rights.may_read_notes(request.user, lead),
        "log": bound.get("log") or LogForm(auto_id="log_%s", notes=rights.may_note(request.user, lead)),
    }
    events = list(lead.contact.consent_events.all())
    context |= (
        _score(lead)
        | _steps(request, lead, bound)
        | _stages(request, lead)
        | _checklist(lead, bound)
        | _person(request, lead, events)
    )
    context |= _handoff(request, lead, context, events)
    return render(request, "leads/lead.html", context, status=status)


def origin(request: SignedInRequest) -> str:
    """Return the list one came from, as the address carries it."""
    return (request.POST.get("from") or request.GET.get("from") or "").replace("\x00", "")[:500]


def _here(request: SignedInRequest, lead: Lead) -> str:
    query = f"?{urlencode({'from': origin(request)})}" if origin(request) else ""
    return f"{reverse('lead', args=[lead.pk])}{query}"


def back_to(request: SignedInRequest, lead: Lead, part: str = "") -> HttpResponse:
    """Go back to the lead's page, keeping the list one came from."""
    return redirect(f"{_here(request, lead)}{f'#{part}' if part else ''}")


def invalid(request: SignedInRequest) -> int:
    """Return the status of a page that shows errors: htmx puts a 422 in place, a browser shows a 400."""
    return 422 if request.htmx else 400


def _steps(request: SignedInRequest, lead: Lead, bound: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be done: the step the form is about (the address may name it), and the rest."""
    rows = list(lead.steps.soonest_first().select_related("person", "done_by")[:STEPS])
    waiting = [step for step in rows if step.done_at is None]
    asked = next((step for step in waiting if str(step.pk) == request.GET.get("step")), None)
    people = steps.people(lead, request.user)
    form = bound.get("next_step") or NextStepForm(
        step=asked or (waiting[0] if waiting else None), people=people, auto_id="next_%s"
    )
    return {
        "next_step": form,
        "next_step_open": bool(asked or form.errors),
        "next_step_late": bool(lead.next_step_on and lead.next_step_on < timezone.localdate() and lead.is_open),
        "steps": waiting,
        "steps_done": sorted((step for step in rows if step.done_at), key=attrgetter("done_at"), reverse=True)[:10],
        "another_step": bound.get("another_step") or NextStepForm(step=None, people=people, auto_id="another_%s"),
    }


def _score(lead: Lead) -> dict[str, Any]:
    standing = getattr(lead, "standing", None)
    explanation = explanations.explain([lead.pk]).get(lead.pk)
    score = explanation.score if explanation else (standing.score if standing else None)
    grade = explanation.grade if explanation else (standing.grade if standing else "")
    objects = score is None and bool(consents.profiling_objectors([lead.contact_id]))
    curve = [points for _day, points in explanation.curve] if explanation else []
    return {"explanation": explanation, "score": score, "grade": grade, "objects": objects, "curve": curve}


def _stages(request: SignedInRequest, lead: Lead) -> dict[str, Any]:
    changes = list(lead.changes.select_related("by", "reason", "reverses").order_by("seq"))
    options = lifecycle.options(lead, request.user)
    bar = stagebar.strokes(lead, changes, options)
    return {
        "bar": bar,
        "now": next((stroke for stroke in bar if stroke.state == "now"), None),
        "moves": stagebar.standing_moves(bar),
        "undo": stagebar.undo_of(options),
        "holder": stagebar.holder(lead, lead.open_handoff),
        "in_hand": stagebar.in_whose_hand(lead),
        "age": ageing.of(lead, timezone.now()),
        "last_change": changes[-1] if changes else None,
        "changes": [(change, history.words(change)) for change in reversed(changes)],
    }


def _checklist(lead: Lead, bound: dict[str, Any]) -> dict[str, Any]:
    rules = qualification.checklist()
    topics = qualification.dimensions(lead, rules)
    forms = bound.get("findings") or {}
    rows = [
        (
            topic,
            forms.get(topic.key)
            or FindingForm(
                prefix=topic.key, initial={"status": topic.status if topic.status != "unknown" else "stated"}
            ),
            topic.key in forms,
        )
        for topic in topics
    ]
    return {
        "rules": rules,
        "topics": rows,
        "confirmed": sum(topic.counts for topic in topics),
        "uses_checklist": lead.team is None or lead.team.uses_checklist,
    }


def _handoff(request: SignedInRequest, lead: Lead, told: dict[str, Any], events: list[ConsentEvent]) -> dict[str, Any]:
    """Return the newest packet as it was frozen, and what has changed since; `told` holds today's score and grade."""
    handoff = lead.last_handoff
    if handoff is None:
        return {"handoff": None}
    frozen = handoff.packet or {}
    touches = frozen.get("touches") or []
    kinds = {kind.key: kind for kind in ActivityKind.objects.filter(pk__in=[key for key, _at in touches])}
    now = timezone.now()
    return feedback.shown(handoff, request.user) | {
        "handoff": handoff,
        "packet": frozen,
        "assigned": because(frozen.get("assigned") or {}, handoff.team.name if handoff.team else ""),
        "lifted_by": packet.frozen_reasons(frozen)[:4],
        "touches": [(kinds.get(key, key), datetime.fromisoformat(at)) for key, at in touches[:3]],
        "assets": packet.assets(frozen),
        "consent_then": packet.consent(frozen),
        "opening": packet.opening(frozen),
        "since": packet.since(handoff, lead, score=told["score"], grade=told["grade"], events=events),
        "sla_used": working_span(clock.used(handoff, now)),
        "sla_promised": working_span(clock.allowed(handoff)),
        "sla_allowed": clock.allowed(handoff),
        "sla_left": clock.left(handoff, now),
    }


def _person(request: SignedInRequest, lead: Lead, events: list[ConsentEvent]) -> dict[str, Any]:
    contact = lead.contact
    values = {name: getattr(contact, name) for name in ("first_name", "last_name", "email", "phone", "country")}
    alike, _hidden = adding.lookalikes(values, contact=contact, user=request.user)
    return {
        "contact": contact,
        "referred": references.referred_by(contact, request.user),
        "referrer": lead.referrer if lead.referrer_id else None,
        "touches_of_lead": sorted(lead.touches.all(), key=lambda touch: touch.place),
        "consent": consent_box.table(events),
        "basis": consent_box.basis(list(contact.legal_bases.all())),
        "no_call": consent_box.why_no_call(contact, events),
        "no_mail": consent_box.why_no_mail(contact, events),
        "alike": alike,
        "episodes": [told for told in episodes.of([contact.pk], request.user) if told.number != lead.episode],
    }


# --- The facts of the lead ------------------------------------------------------------------------


def _replaced(lead: Lead, form: DealForm, wanted: dict[str, Any], by: User) -> bool:
    """Write `wanted` when the lead still has what the reader saw; return whether it had."""
    known = {name: seen(form, name) for name in form.fields}
    return editing.replace(lead, {name: wanted[name] for name in form.fields}, seen=known, by=by)


def _seen_anew(posted: QueryDict, lead: Lead, form: DealForm) -> QueryDict:
    """Return the posted data as if the reader had begun with what is stored now."""
    data = posted.copy()
    for name in form.fields:
        value = lead.source_id if name == "source" else getattr(lead, name)
        data[form[name].html_initial_name] = "" if value is None else str(value)
    return data


@login_required
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change source and amount; refused when somebody else changed them meanwhile."""
    lead = reach(request, pk)
    if not rights.may_edit(request.user, lead):
        return profile.not_yours(request, rights.who_may_edit(lead))
    if request.method != "POST":
        return render(
            request, "leads/lead_edit.html", {"lead": lead, "form": DealForm(lead=lead), "origin": origin(request)}
        )
    form = DealForm(request.POST, lead=lead)
    if not form.is_valid():
        return render(
            request, "leads/lead_edit.html", {"lead": lead, "form": form, "origin": origin(request)}, status=400
        )
    if not _replaced(lead, form, form.cleaned_data, request.user):
        lead = reach(request, pk)
        form = DealForm(_seen_anew(request.POST, lead, form), lead=lead)
        return render(
            request,
            "leads/lead_edit.html",
            {"lead": lead, "form": form, "stale": True, "origin": origin(request)},
            status=409,
        )
    messages.success(request, _("Saved."))
    return back_to(request, lead)
