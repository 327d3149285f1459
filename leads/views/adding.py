"""Adding a lead by hand, with a hint when the person may be known already."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm import listing
from crm.models import Contact
from crm.requests import SignedInRequest
from leads import adding
from leads.capture import AlreadyOpen
from leads.lead_forms import AddLeadForm
from leads.models import Lead, Source


@login_required
def add(request: SignedInRequest) -> HttpResponse:
    """The form; on sending, a lead, or the question whether the person is known already."""
    if request.method != "POST":
        form = AddLeadForm(initial=_known(request), user=request.user)
        return render(request, "leads/add.html", {"form": form})
    form = AddLeadForm(request.POST, user=request.user)
    if not form.is_valid():
        return render(request, "leads/add.html", {"form": form}, status=400)
    if before := adding.added_before(form.cleaned_data["token"]):
        return redirect("lead", pk=before.pk)
    if "existing" in request.POST:
        return _for_somebody_known(request, form)
    alike, hidden = adding.lookalikes(form.person(), user=request.user)
    if (alike or hidden) and "anyway" not in request.POST:
        return render(
            request, "leads/add.html", {"form": form, "alike": alike, "hidden": hidden, "asks": True}, status=409
        )
    return _add(request, form)


def _known(request: SignedInRequest) -> dict[str, Any]:
    """Return what the address already says: a company by name, or a person we know."""
    known: dict[str, Any] = {"company": request.GET["company"][:200]} if "company" in request.GET else {}
    if referrer := listing.row_id(request.GET.get("referrer", "")):
        known |= {"referrer": referrer, "source": Source.objects.filter(key="referral", active=True).first()}
    pk = listing.row_id(request.GET.get("contact", ""))
    contact = Contact.objects.visible_to(request.user).with_company().filter(pk=pk).first() if pk else None
    if contact:
        known |= {name: getattr(contact, name) for name in AddLeadForm.CONTACT}
        known["company"] = contact.company.name if contact.company else ""
    return known


def _add(request: SignedInRequest, form: AddLeadForm) -> HttpResponse:
    given = form.cleaned_data
    try:
        lead = adding.add(
            form.person(), by=request.user, token=given["token"], company=given["company"], basis=given["basis"],
            source=given["source"], source_detail=given["source_detail"], referrer=given.get("referrer"),
        )  # fmt: skip
    except ValidationError as error:
        form.add_error(None, error)
        return render(request, "leads/add.html", {"form": form}, status=400)
    messages.success(request, _("Lead added."))
    return redirect("lead", pk=lead.pk)


def _for_somebody_known(request: SignedInRequest, form: AddLeadForm) -> HttpResponse:
    contact = get_object_or_404(Contact.objects.visible_to(request.user), pk=listing.row_id(request.POST["existing"]))
    given = form.cleaned_data
    try:
        lead = adding.add_for(
            contact, by=request.user, source=given["source"], source_detail=given["source_detail"],
            referrer=given.get("referrer"),
        )  # fmt: skip
    except AlreadyOpen as known:
        return _already_open(request, form, known.lead)
    messages.success(request, _("Lead added for somebody you know."))
    return redirect("lead", pk=lead.pk)


def _already_open(request: SignedInRequest, form: AddLeadForm, lead: Lead) -> HttpResponse:
    visible = Lead.objects.visible_to(request.user).filter(pk=lead.pk).exists()
    context: dict[str, Any] = {"form": form, "open_lead": lead if visible else None, "is_open": True}
    return render(request, "leads/add.html", context, status=409)


@login_required
@require_safe
def lookalikes(request: SignedInRequest) -> HttpResponse:
    """Who among the known may be the person being typed; asked while typing."""
    values = {name: request.GET.get(name, "").replace("\x00", "")[:254] for name in AddLeadForm.CONTACT}
    alike, hidden = adding.lookalikes(values, user=request.user)
    return render(request, "leads/adding/_lookalikes.html", {"alike": alike, "hidden": hidden})
