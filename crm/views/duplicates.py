"""Pairs that may be one person: the list, the search through all contacts, and “not the same person”."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import duplicates, keyset, roles
from crm.merging import alike
from crm.models import Contact, PossibleDuplicate
from crm.requests import SignedInRequest
from crm.views import profile

ORDER = ("-strength", "-id")


def _not_theirs(request: SignedInRequest) -> HttpResponse:
    return profile.not_yours(request, _("Marketing, a sales lead or an admin merges contacts."))


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """The pairs nobody has decided on, those first for which most speaks; how far the search is."""
    if not roles.may_merge(request.user):
        return _not_theirs(request)
    page = keyset.page(duplicates.open_pairs(request.user), request.GET.get("after", ""), order=ORDER)
    context = {
        "page": page,
        "pairs": [(pair, alike.words(pair.reasons)) for pair in page.rows],
        "search": duplicates.latest(),
        "is_first": not request.GET.get("after"),
    }
    part = "crm/duplicates/_search.html" if request.htmx and request.htmx.target == "search" else ""
    return render(request, part or "crm/duplicates/index.html", context)


@login_required
@require_POST
def search(request: SignedInRequest) -> HttpResponse:
    """Begin a search through all contacts."""
    if not roles.may_merge(request.user):
        return _not_theirs(request)
    duplicates.search(by=request.user)
    return redirect("duplicates")


@login_required
@require_POST
def dismiss(request: SignedInRequest, pk: int, other: int) -> HttpResponse:
    """Remember that the two are different people."""
    people = Contact.objects.visible_to(request.user)
    one, two = get_object_or_404(people, pk=pk), get_object_or_404(people.exclude(pk=pk), pk=other)
    if not roles.may_merge(request.user):
        return _not_theirs(request)
    duplicates.dismiss(one, two, by=request.user)
    messages.success(request, _("Remembered: %(one)s and %(two)s are different people.") % {"one": one, "two": two})
    return redirect("duplicates") if "from_list" in request.POST else redirect("contact_compare", pk=pk, other=other)


@login_required
@require_POST
def reconsider(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a pair up again of which somebody said that they are different people."""
    seen = Contact.objects.visible_to(request.user)
    pair = get_object_or_404(PossibleDuplicate.objects.filter(low__in=seen, high__in=seen), pk=pk)
    if not roles.may_merge(request.user):
        return _not_theirs(request)
    duplicates.take_up_again(pair)
    return redirect("contact_compare", pk=pair.low_id, other=pair.high_id)
