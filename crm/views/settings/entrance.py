"""The way in: admins only, and a change asks who is there when that was not asked lately."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm import roles, settings_catalogue
from crm.signin import proved_recently

View = Callable[..., HttpResponse]


def for_admins(view: View) -> View:
    """Let admins in; a POST needs a password, code or passkey given within the last fifteen minutes (ASVS 7.5.1)."""
    proving = reauthentication_required(view)

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not roles.is_admin(request.user):  # type: ignore[arg-type]
            raise PermissionDenied(_("Only an admin can change settings."))
        if request.method == "POST" and not proved_recently(request):
            return proving(request, *args, **kwargs)
        return view(request, *args, **kwargs)

    return guarded


def show(request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    """Render a page of the settings with its side navigation."""
    places = settings_catalogue.places()
    here = max((p.url for p in places if request.path.startswith(p.url)), key=len, default="")
    return render(request, template, {"places": places, "here": here} | (context or {}), status=status)


@for_admins
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All pages of the settings, or what a search finds in them."""
    question = request.GET.get("q", "").strip()
    found = settings_catalogue.find(question) if question else []
    labels = {place.name: place.label for place in settings_catalogue.PLACES}
    rows = [(setting, labels.get(setting.place, _("Preferences"))) for setting in found]
    return show(request, "settings/overview.html", {"q": question, "found": rows})
