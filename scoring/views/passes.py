"""The passes over all leads: what is under way, how fast, what is left; and the last ones."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm import backlog
from crm.requests import SignedInRequest
from scoring import delay
from scoring.models import BacktestRun, Look, PreviewRun, PublishRun
from scoring.views.progress import Progress, lasting

SHOWN = 20


@login_required
@require_safe
def page(request: SignedInRequest) -> HttpResponse:
    if request.htmx and "line" in request.GET:
        return _line(request)
    runs = list(PublishRun.objects.select_related("version", "asked_by")[:SHOWN])
    context = {
        "under_way": [(run, Progress.of(run.done, run.total, run.phase_since)) for run in runs if not run.has_ended],
        "tests": _looks(BacktestRun),
        "previews": _looks(PreviewRun),
        "ended": [
            (run, run.finished_at and lasting(run.finished_at - run.started_at)) for run in runs if run.has_ended
        ],
    }
    response = render(request, f"scoring/passes/{'_list' if request.htmx else 'page'}.html", context)
    response["Vary"] = "HX-Request"
    return response


def _line(request: SignedInRequest) -> HttpResponse:
    """Return how far the pass under way is, as the frame shows it; nothing once it has ended."""
    percent = delay.percent_of_pass().values_list("so_far", flat=True).first()
    if percent is None:
        return HttpResponse()
    return render(request, "_job.html", {"job": backlog.line(delay.PASS, percent)})


def _looks(model: type[Look]) -> list[tuple[Look, Progress]]:
    """Return the looks under way that move nothing."""
    runs = model._default_manager.filter(state=Look.State.RUNNING).select_related("version", "asked_by")
    return [(run, Progress.of(run.done, run.total, run.started_at)) for run in runs]
