"""The kinds of activities: the shipped ones to look at, own ones to add and rename."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import keyset
from crm.models import ActivityKind
from crm.settings_forms.workspace import ActivityKindForm
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_safe
def kinds(request: HttpRequest) -> HttpResponse:
    page = keyset.page(ActivityKind.objects.all(), request.GET.get("after", ""), order=("shipped", "group", "key"))
    return show(request, "settings/kinds.html", {"page": page})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def kind(request: HttpRequest, key: str | None = None) -> HttpResponse:
    """A kind of one's own; its key is made from the first name and stays."""
    row = get_object_or_404(ActivityKind, key=key, shipped=False) if key else None
    form = ActivityKindForm(request.POST or None, instance=row)
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved."))
        return redirect("settings_kinds")
    return show(request, "settings/kind.html", {"form": form, "kind": row}, status=422 if form.is_bound else 200)
