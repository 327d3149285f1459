"""Reports: figures with the rows behind them. Each has its own module; leads/reports/registry.py names them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from crm.requests import SignedInRequest
from leads.reports import registry
from leads.reports.registry import View


def _view(request: SignedInRequest, key: str, name: str) -> View:
    found = registry.find(key, request.user)
    view = found.view(name) if found else None
    if view is None:
        raise Http404
    return view


@login_required
@require_safe
def report(request: SignedInRequest, name: str) -> HttpResponse:
    """One report by name; 404 for a name there is none of."""
    return _view(request, name, "page")(request)


@login_required
@require_safe
def rows(request: SignedInRequest, name: str, step: str) -> HttpResponse:
    """The rows behind one number of a report."""
    return _view(request, name, "rows")(request, step)
