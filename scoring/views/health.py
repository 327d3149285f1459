"""Criteria health: what each criterion in force does, with the definitions beside the numbers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.requests import SignedInRequest
from scoring import backtest, health, signing
from scoring.intervals import FEWEST
from scoring.views.progress import Progress
from scoring.views.trying import looked_up


@login_required
@require_safe
def page(request: SignedInRequest) -> HttpResponse:
    """Each criterion with what it does; while nobody is scored, none of them is said to do nothing."""
    version = health.in_force()
    if version is None:
        return render(request, "scoring/health/page.html", {})
    preview, at = looked_up(version)
    rows, run = health.of(version, preview.effects)
    running = backtest.under_way(version)
    context = {
        "version": version, "rows": rows, "run": run, "running": running, "at": at, "fewest": FEWEST,
        "never": [row for row in rows if row.never], "leads": preview.leads,
        "may_draft": signing.may_draft(request.user),
        "progress": running and Progress.of(running.done, running.total, running.started_at),
    }  # fmt: skip
    return render(request, "scoring/health/page.html", context)
