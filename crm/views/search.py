"""Search as a page of its own, and as the list inside the palette."""

from __future__ import annotations

import time

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm import search as searching


@login_required
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Answer ?q= with groups of hits: options for the palette (htmx), links for the page."""
    question = request.GET.get("q", "")
    begun = time.perf_counter()
    in_palette = request.headers.get("HX-Request") == "true"
    groups = searching.find(
        request.user,  # type: ignore[arg-type]
        question,
        limit=searching.FEW if in_palette else searching.MANY,
    )
    context = {
        "q": question.strip(), "groups": groups, "total": searching.total(groups),
        "milliseconds": round((time.perf_counter() - begun) * 1000),
    }  # fmt: skip
    return render(request, "search/_options.html" if in_palette else "search/page.html", context)
