"""What the whole workspace shares."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.models import Workspace
from crm.settings_forms.workspace import WorkspaceForm
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def workspace(request: HttpRequest) -> HttpResponse:
    row = Workspace.objects.get_or_create(pk=1)[0]
    form = WorkspaceForm(request.POST or None, instance=row)
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved."))
        return redirect("settings_workspace")
    return show(
        request, "settings/workspace.html", {"form": form, "workspace": row}, status=422 if form.is_bound else 200
    )
