"""How one person likes to work, and where they are signed in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from crm import sessions, staff
from crm.models import User
from crm.settings_forms.preferences import PreferencesForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone, colours, density, keys, first page; and the person's sessions."""
    form = PreferencesForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if form.is_valid():
        if form.changed_data:
            form.instance.save(update_fields=form.changed_data)
        translation.activate(form.instance.language)
        messages.success(request, _("Saved."))
        return redirect("preferences")
    context = {
        "form": form, "sessions": sessions.living(request.user)[:50],  # type: ignore[arg-type]
        "this_session": request.session.session_key,
    }  # fmt: skip
    return render(request, "settings/preferences.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the choice of the switch in the account menu: light, dark or system."""
    chosen = request.POST.get("theme", "")
    chosen = "" if chosen == "system" else chosen
    if chosen not in User.Theme.values:
        return HttpResponse(status=400)
    User.objects.filter(pk=request.user.pk).update(theme=chosen)
    return HttpResponse(status=204)


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else (E8)."""
    user: User = request.user  # type: ignore[assignment]
    ended = staff.end_sessions(user, by=user, but=request.session.session_key)
    told = ngettext("Signed out in %(count)d other place.", "Signed out in %(count)d other places.", ended)
    messages.success(request, told % {"count": ended})
    return redirect("preferences")


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Sign out one other browser; `place` counts from the list's top, so that no session key leaves the server."""
    place = request.POST.get("place", "")
    rows = list(sessions.living(request.user)[:50])  # type: ignore[arg-type]
    row = rows[int(place)] if place.isdecimal() and int(place) < len(rows) else None
    is_meant = row is not None and row.began_at.isoformat() == request.POST.get("began")
    if row is not None and is_meant and row.session_key != request.session.session_key:
        row.delete()
        messages.success(request, _("Signed out there."))
    return redirect("preferences")
