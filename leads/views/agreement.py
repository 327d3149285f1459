"""The settings page of the agreement between marketing and sales."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.views.settings.entrance import for_admins, show
from leads import agreements
from leads.agreement_forms import AgreementForm


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What marketing promises each sales team, from this week on."""
    form = AgreementForm(request.POST or None)
    if form.is_valid():
        if agreements.keep(form.wanted(), by=request.user):
            messages.success(request, _("Saved. It holds from this week on; weeks before keep what was promised."))
        return redirect("settings_agreement")
    return show(request, "settings/agreement.html", {"form": form}, status=422 if form.is_bound else 200)
