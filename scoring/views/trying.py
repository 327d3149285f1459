"""If this went live now: a draft tried on every lead, and on twenty real ones while it is being edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from crm import charts
from crm.requests import SignedInRequest
from crm.templatetags.formats import count
from leads.models import Lead
from scoring import flow, pointer, previews, signing, simulation
from scoring.models import ScorecardVersion
from scoring.movers import Shift
from scoring.simulation import Preview
from scoring.views.progress import Progress

KEPT = 60  # seconds
IN_THE_MARGIN = 8


@dataclass(frozen=True)
class Row:
    """A lead as the table of changes shows it."""

    lead: Lead
    shift: Shift


def version_for(request: SignedInRequest, pk: int) -> ScorecardVersion:
    """Return the version; PermissionDenied for those who only read scorecards."""
    if not signing.may_draft(request.user):
        raise PermissionDenied(_("Sales reps read scorecards; marketers, sales leads and admins change them."))
    return get_object_or_404(ScorecardVersion.objects.select_related("scorecard"), pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: SignedInRequest, pk: int) -> HttpResponse:
    """What a publish would change: worked out at once, or by a worker where a question is new to everybody."""
    version = version_for(request, pk)
    if request.method == "POST":
        previews.ask(version, by=request.user)
        return redirect("scorecard_preview", pk)
    context = about(version)
    if not request.htmx:
        context["twenty"] = rows_of(simulation.around_the_bar(pk))
    response = render(request, f"scoring/preview/{'_part' if request.htmx else 'page'}.html", context)
    response["Vary"] = "HX-Request"
    if request.htmx and not context["running"] and request.GET.get("watching"):
        response["HX-Refresh"] = "true"
    return response


def about(version: ScorecardVersion) -> dict[str, Any]:
    """Return what page and margin show of the preview of `version`: of now, or the newest that is kept."""
    context: dict[str, Any] = {"version": version, "is_quick": previews.is_quick(version), "live": pointer.read()}
    running = None if context["is_quick"] else previews.under_way(version)
    context["running"] = running
    if running:
        context["progress"] = Progress.of(running.done, running.total, running.started_at)
    if context["is_quick"]:
        told, at = looked_up(version)
        return context | {"told": told, "at": at} | shown(version, told)
    kept = previews.kept(version)
    if kept is None:
        return context | {"told": None, "ended_badly": previews.ended_badly(version)}
    return context | {"told": kept.told, "at": kept.run.finished_at, "kept": kept} | shown(version, kept.told)


def shown(version: ScorecardVersion, told: Preview) -> dict[str, Any]:
    """Return a preview in sentences, figures and rows."""
    rows = rows_of(told.names)
    return {
        "sentences": sentences(told), "figure": distribution(version, told), "rows": rows,
        "effects": sorted(told.effects, key=lambda e: (-e.is_changed, -e.decides, -e.fires)),
        "few": rows[:IN_THE_MARGIN], "hidden": told.rises + told.falls - len(told.names), "weeks": flow.WEEKS,
        "observed": flow.OBSERVED_WEEKS,
    }  # fmt: skip


@login_required
@require_safe
def twenty(request: SignedInRequest, pk: int) -> HttpResponse:
    """Twenty real leads around the bar, old and new score, changed ones on top."""
    version = version_for(request, pk)
    context = {"version": version, "twenty": rows_of(simulation.around_the_bar(pk))}
    return render(request, f"scoring/preview/{'_twenty' if request.htmx else 'twenty'}.html", context)


def looked_up(version: ScorecardVersion) -> tuple[Preview, datetime]:
    """Return the preview of what `version` says now and when it was made: kept for a minute."""
    current = pointer.read()
    key = f"scoring:preview:{previews.digest(version)}:{current}".replace(" ", "")
    known: tuple[Preview, datetime] | None = cache.get(key)
    if known is None:
        known = simulation.preview(version.pk), timezone.now()
        cache.set(key, known, KEPT)
    return known


def rows_of(shifts: list[Shift]) -> list[Row]:
    """Return the leads of `shifts` in their order; one that is gone meanwhile is left out."""
    leads = Lead.objects.with_people().in_bulk([shift.lead_id for shift in shifts])
    return [Row(leads[shift.lead_id], shift) for shift in shifts if shift.lead_id in leads]


def sentences(told: Preview) -> list[str]:
    """Return what publishing would do, in sentences."""

    def said(words: str, n: int) -> str:
        return words % {"n": count(n)}

    found = [
        said(ngettext("%(n)s lead becomes an MQL.", "%(n)s leads become MQLs.", told.rises), told.rises),
        said(ngettext("%(n)s lead stops being an MQL.", "%(n)s leads stop being MQLs.", told.falls), told.falls),
    ]
    if told.offered_stay:
        found.append(
            said(
                ngettext(
                    "%(n)s below the leave bar stays, because it was already offered to sales.",
                    "%(n)s below the leave bar stay, because they were already offered to sales.",
                    told.offered_stay,
                ),
                told.offered_stay,
            )
        )
    if told.made_by_people:
        found.append(
            said(
                ngettext(
                    "%(n)s below the leave bar stays, because a person or a file made it an MQL.",
                    "%(n)s below the leave bar stay, because a person or a file made them MQLs.",
                    told.made_by_people,
                ),
                told.made_by_people,
            )
        )
    if told.refused:
        found.append(
            said(
                ngettext(
                    "%(n)s at the bar does not become an MQL: not reachable, or objected to offers.",
                    "%(n)s at the bar do not become MQLs: not reachable, or objected to offers.",
                    told.refused,
                ),
                told.refused,
            )
        )
    if told.torn:
        found.append(
            said(
                ngettext(
                    "%(n)s is left out: what is stored about what they did cannot be read. The night sets that right.",
                    "%(n)s are left out: what is stored about what they did cannot be read. The night sets that right.",
                    told.torn,
                ),
                told.torn,
            )
        )
    return found


def distribution(version: ScorecardVersion, told: Preview) -> charts.Histogram:
    """Return the scores after (filled) and before (line), in classes of ten points."""
    size = simulation.CLASS
    classes = [(f"{n * size}", value) for n, value in enumerate(told.after)]
    bar = version.bar_total // size
    above = sum(told.after[bar:]), sum(told.before[bar:])
    summary = _("%(after)s leads would score %(bar)s points or more; now %(before)s do.") % {
        "after": count(above[0]), "before": count(above[1]), "bar": count(bar * size),
    }  # fmt: skip
    return charts.Histogram(
        title=_("Scores"), summary=summary, note=_("filled: this version; line: now"), classes=classes,
        outline=told.before, outline_measure=_("Now"), measure=_("This version"), bar_at=bar,
        bar_label=_("bar %(points)d") % {"points": version.bar_total},
    )  # fmt: skip
