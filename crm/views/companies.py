"""Companies: the list, one company's page, editing, and names offered while typing."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm import episodes, listing, timeline, visibility
from crm.contacts import Stale, update_company
from crm.forms import CompanyForm
from crm.lists.people import COMPANIES
from crm.models import Company, Contact
from crm.requests import SignedInRequest
from crm.views import lists, profile

SHOWN = 50


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """The list of companies: searched while typing, filtered, in the columns one has chosen."""
    return lists.show(request, COMPANIES)


@login_required
@require_safe
def names(request: SignedInRequest) -> HttpResponse:
    """Up to ten names for the field where a company is typed."""
    query = listing.asked(request.GET.get("company", ""))
    known = (
        Company.objects.visible_to(request.user).filter(listing.matches(query, "name_key"))
        if query
        else Company.objects.none()
    )
    return render(request, "crm/company_list/_names.html", {"names": known.values_list("name", flat=True)[:10]})


@login_required
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """One company: facts, people, open leads, changes."""
    company = get_object_or_404(Company.objects.visible_to(request.user), pk=pk)
    people = Contact.objects.visible_to(request.user).filter(company=company)
    shown = list(people.order_by("name_key", "pk")[: SHOWN + 1])
    told = episodes.of(people.values("pk"), request.user)
    changes = list(company.changes.select_related("by").order_by("-pk")[:10])
    context = {
        "company": company,
        "people": shown[:SHOWN],
        "has_more": len(shown) > SHOWN,
        "open_leads": [episode for episode in told if episode.is_open],
        "closed_leads": [episode for episode in told if not episode.is_open],
        "changes": [(change, timeline.change_line(Company, change, {})) for change in changes],
        "may_edit": visibility.may_edit_company(request.user, company),
    }
    return render(request, "crm/company.html", context)


@login_required
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change what is known of a company; nothing is written when somebody else was faster."""
    company = get_object_or_404(Company.objects.visible_to(request.user), pk=pk)
    if not visibility.may_edit_company(request.user, company):
        return profile.not_yours(
            request, _("Marketing, whoever owns a lead of this company, or a sales lead can change this.")
        )
    if request.method != "POST":
        form = CompanyForm(initial=CompanyForm.initial_of(company))
        return render(request, "crm/company_edit.html", {"company": company, "form": form})
    form = CompanyForm(profile.settled(request.POST, CompanyForm.initial_of(company)))
    if not form.is_valid():
        return render(request, "crm/company_edit.html", {"company": company, "form": form}, status=400)
    try:
        update_company(company, form.values(), by=request.user, source="form", version=form.cleaned_data["version"])
    except Stale as stale:
        current = Company.objects.get(pk=stale.current.pk)
        return profile.conflict(request, form, current, CompanyForm.initial_of(current))
    messages.success(request, _("Saved."))
    return redirect("company", pk=pk)
