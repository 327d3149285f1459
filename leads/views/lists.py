"""The list of leads."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from crm.requests import SignedInRequest
from crm.views import lists
from leads.lists import LEADS


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """All leads one may see: searched while typing, filtered, in the columns one has chosen."""
    return lists.show(request, LEADS)
