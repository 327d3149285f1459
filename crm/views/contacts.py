"""Contacts: the list, one person's page, editing, proof of consent, and two people side by side."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm import consent_box, episodes, roles, timeline, visibility
from crm.company_names import company_named
from crm.contacts import Stale, update_contact
from crm.forms import ContactForm
from crm.lists.people import CONTACTS
from crm.merging import alike
from crm.models import Contact, PossibleDuplicate
from crm.requests import SignedInRequest
from crm.views import lists, profile


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """The list of people: searched while typing, filtered, in the columns one has chosen."""
    return lists.show(request, CONTACTS)


@login_required
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """One person: profile, leads, timeline, consent, keys, changes."""
    contact = get_object_or_404(Contact.objects.visible_to(request.user).with_company(), pk=pk)
    entries = timeline.read(
        contact, request.user, group=request.GET.get("kind", ""), before=request.GET.get("before", "")
    )
    if part := timeline_part(request):
        return render(request, part, {"timeline": entries, "page_url": request.path})
    events = list(contact.consent_events.all())
    told = episodes.of([contact.pk], request.user)
    context = {
        "contact": contact,
        "timeline": entries,
        "page_url": request.path,
        "episodes": told,
        "has_open_lead": any(episode.is_open for episode in told),
        "consent": consent_box.table(events),
        "basis": consent_box.basis(list(contact.legal_bases.all())),
        "no_call": consent_box.why_no_call(contact, events),
        "no_mail": consent_box.why_no_mail(contact, events),
        "keys": contact.keys.exclude(system="baton form"),
        "may_edit": visibility.may_edit_contact(request.user, contact),
        "who_edits": visibility.who_edits(contact),
        "merges": list(contact.merges.standing().select_related("by")),
        "may_merge": roles.may_merge(request.user),
    }
    return render(request, "crm/contact.html", context)


def timeline_part(request: SignedInRequest) -> str:
    """Return the template of the part of a timeline that htmx asks for; '' for the whole page."""
    if not request.htmx:
        return ""
    return {"timeline": "crm/timeline/_timeline.html", "timeline-more": "crm/timeline/_days.html"}.get(
        request.htmx.target or "", ""
    )


@login_required
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change a person's profile; nothing is written when somebody else was faster."""
    contact = get_object_or_404(Contact.objects.visible_to(request.user).with_company(), pk=pk)
    if not visibility.may_edit_contact(request.user, contact):
        return profile.not_yours(request, visibility.who_edits(contact))
    if request.method != "POST":
        form = ContactForm(initial=ContactForm.initial_of(contact))
        return render(request, "crm/contact_edit.html", {"contact": contact, "form": form})
    form = ContactForm(profile.settled(request.POST, ContactForm.initial_of(contact)))
    if not form.is_valid():
        return render(request, "crm/contact_edit.html", {"contact": contact, "form": form}, status=400)
    try:
        with transaction.atomic():
            update_contact(
                contact, _values(form, contact, request), by=request.user, source="form",
                version=form.cleaned_data["version"],
            )  # fmt: skip
    except Stale as stale:
        current = Contact.objects.with_company().get(pk=stale.current.pk)
        return profile.conflict(request, form, current, ContactForm.initial_of(current))
    messages.success(request, _("Saved."))
    return redirect("contact", pk=pk)


def _values(form: ContactForm, contact: Contact, request: SignedInRequest) -> dict[str, Any]:
    company = company_named(form.cleaned_data["company"], by=request.user, keep=contact.company)
    return form.values() | {"company_id": company.pk if company else None}


@login_required
@require_safe
def consent_proof(request: SignedInRequest, pk: int) -> HttpResponse:
    """Everything this person ever allowed or forbade, with its evidence, to be printed."""
    contact = get_object_or_404(Contact.objects.visible_to(request.user), pk=pk)
    context = {
        "contact": contact,
        "events": contact.consent_events.select_related("by").order_by(F("at").desc(), F("pk").desc()),
        "bases": contact.legal_bases.order_by("-since", "-pk"),
    }
    return render(request, "crm/consent_proof.html", context)


@login_required
@require_safe
def compare(request: SignedInRequest, pk: int, other: int) -> HttpResponse:
    """Two people who may be one, field by field."""
    people = Contact.objects.visible_to(request.user).with_company()
    left, right = get_object_or_404(people, pk=pk), get_object_or_404(people.exclude(pk=pk), pk=other)
    rows = [
        (ContactForm.base_fields[name].label, one, two, bool(one) and one == two)
        for name in ("first_name", "last_name", "company", *ContactForm.names[2:])
        for one, two in [(ContactForm.initial_of(left)[name], ContactForm.initial_of(right)[name])]
        if one or two
    ]
    pair = PossibleDuplicate.objects.select_related("dismissed_by").filter(
        low=min(pk, other), high=max(pk, other), dismissed_at__isnull=False
    )
    context = {
        "left": left,
        "right": right,
        "rows": rows,
        "may_merge": roles.may_merge(request.user),
        "dismissed": pair.first(),
        "reasons": alike.words(alike.reasons(left, right)),
    }
    return render(request, "crm/contact_compare.html", context)
