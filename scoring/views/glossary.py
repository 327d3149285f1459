"""What the words mean, written from what is in force."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.requests import SignedInRequest
from scoring import glossary


@login_required
@require_safe
def terms(request: SignedInRequest) -> HttpResponse:
    return render(request, "scoring/glossary.html", {"terms": glossary.terms()})
