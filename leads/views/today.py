"""The first page: what waits for me today."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from crm import roles
from crm.requests import SignedInRequest
from leads import today
from leads.models.import_batch import ended_for


@login_required
def page(request: SignedInRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "greeting": _greeting(request),
        "now": timezone.localtime(),
        "date": _date(),
        "imports": ended_for(request.user),
    }
    if today.is_empty():
        return render(request, "leads/today_empty.html", context | {"steps": _steps(request)})
    return render(request, "leads/today.html", context | {"today": today.today(request.user)})


def _date() -> str:
    """Return today as it is said: "Thursday 19 November, 14:02"."""
    return formats.date_format(timezone.localtime(), _("l j F, H:i"))


def _greeting(request: SignedInRequest) -> str:
    hour, name = timezone.localtime().hour, request.user.name.split()[0] if request.user.name else ""
    if hour < 11:
        return _("Good morning, %(name)s") % {"name": name}
    return (_("Good afternoon, %(name)s") if hour < 18 else _("Good evening, %(name)s")) % {"name": name}


def _steps(request: SignedInRequest) -> list[dict[str, str]]:
    """Return the three ways to begin that exist here and that this person may go."""
    steps = [
        (
            "forms", "edit", _("Put a form on your site"),
            _("Whoever fills it in becomes a lead, with proof of consent."),
        ),
        (
            "imports", "import", _("Import a list"),
            _("A table of contacts, checked row by row before anything is written."),
        ),
        (
            "scorecards", "read", _("Look at the criteria"),
            _("They say who is an MQL. Start with ours and change the numbers."),
        ),
        ("add_lead", "read", _("Add a first lead by hand"), _("A name and one way to reach the person are enough.")),
    ]  # fmt: skip
    may = {"import": roles.may_import(request.user), "edit": roles.is_marketing(request.user), "read": True}
    found = [{"url": _address(name), "title": title, "text": text} for name, needs, title, text in steps if may[needs]]
    return [step for step in found if step["url"]][:3]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
