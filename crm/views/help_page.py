"""Help, at the same place on every page, also for those who cannot get in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.models import Role, User


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """What to do when something is unclear; colleagues also see whom to ask."""
    if not request.user.is_authenticated:
        return render(request, "help/gate.html")
    return render(request, "help/page.html", {"admins": User.objects.filter(role=Role.ADMIN, is_active=True)[:5]})
