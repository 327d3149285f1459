"""What strangers see around a form."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.models import Workspace
from crm.settings_forms.public_pages import PublicPagesForm
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def public_pages(request: HttpRequest) -> HttpResponse:
    form = PublicPagesForm(request.POST or None, instance=Workspace.objects.get_or_create(pk=1)[0])
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved."))
        return redirect("settings_public")
    return show(request, "settings/public.html", {"form": form}, status=422 if form.is_bound else 200)
