"""Who is away when: one's own days, and for sales leads and admins those of their people."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm import absences, keyset
from crm.requests import SignedInRequest
from crm.settings_forms.absences import AbsenceForm
from crm.workdays import local_date


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: SignedInRequest) -> HttpResponse:
    """What is to come and what is under way; a POST enters one more."""
    form = AbsenceForm(request.POST or None, user=request.user)
    if form.is_valid():
        given = form.cleaned_data
        halves = {name: given[name] for name in ("from_noon", "until_noon")}
        try:
            with transaction.atomic():
                absences.add(given["person"], given["first_day"], given["last_day"], by=request.user, **halves)
        except IntegrityError:  # sent twice at once
            messages.info(request, _("This absence is entered already."))
        else:
            messages.success(request, _("Saved. Clocks that run already keep their due time."))
        return redirect("absences")
    rows = absences.editable_by(request.user).filter(last_day__gte=local_date()).select_related("user")
    page = keyset.page(rows, request.GET.get("after", ""), order=("first_day", "id"))
    context = {"form": form, "page": page, "others": "person" in form.fields}
    return render(request, "settings/absences.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take an absence back; one that is not theirs to change does not exist for them."""
    absences.remove(get_object_or_404(absences.editable_by(request.user), pk=pk), by=request.user)
    messages.success(request, _("The absence is taken back."))
    return redirect("absences")
