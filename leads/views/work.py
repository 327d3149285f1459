"""The list of what to work on next, with the reason for the order."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.requests import SignedInRequest
from leads import today
from leads.board_filters import SCOPES
from leads.boards import SALES


@login_required
@require_safe
def page(request: SignedInRequest) -> HttpResponse:
    """Show the first leads in the order of `work_next`: mine, my team's or all, as on the sales board."""
    filters = SALES.filters(request.GET, request.user)
    scopes = [(scope, SCOPES[scope], scope == filters.scope) for scope in filters.scopes]
    return render(request, "leads/work.html", {"part": today.work_list(request.user, filters.scope), "scopes": scopes})
