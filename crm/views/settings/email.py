"""Which mail providers may tell what became of mails, and whether opened ones count."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.mail_events.providers import PROVIDERS
from crm.models import Workspace
from crm.settings_forms.email import EmailForm
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def email(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None, instance=Workspace.objects.get_or_create(pk=1)[0])
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved."))
        return redirect("settings_email")
    providers = sorted(PROVIDERS.values(), key=lambda one: (not one.is_open, one.label))
    context = {"form": form, "providers": providers}
    return show(request, "settings/email.html", context, status=422 if form.is_bound else 200)
