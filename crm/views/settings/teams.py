"""Teams: who shares a queue, and when its clock runs."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, ProtectedError, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import audit, keyset
from crm.models import Team
from crm.settings_forms.team import TeamForm
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    rows = Team.objects.annotate(people=Count("members", filter=Q(members__is_active=True)))
    page = keyset.page(rows, request.GET.get("after", ""), order=("name", "id"))
    return show(request, "settings/teams.html", {"page": page})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new team, or one to change."""
    row = get_object_or_404(Team, pk=pk) if pk else None
    form = TeamForm(request.POST or None, instance=row)
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved. Clocks that run already keep their due time."))
        return redirect("settings_teams")
    return show(request, "settings/team.html", {"form": form, "team": row}, status=422 if form.is_bound else 200)


@for_admins
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a team that nobody and nothing belongs to."""
    row = get_object_or_404(Team, pk=pk)
    try:
        with transaction.atomic():
            audit.record(request.user, "team.removed", f"team:{pk}", name=row.name)  # type: ignore[arg-type]
            row.delete()
    except ProtectedError:
        messages.error(request, _("People, leads or handoffs belong to this team, so it stays."))
        return redirect("settings_team", pk)
    return redirect("settings_teams")
