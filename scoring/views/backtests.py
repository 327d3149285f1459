"""The back-test of a version: asking for it, watching it, reading it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from crm import charts
from crm.requests import SignedInRequest
from crm.templatetags.formats import count, percent
from leads.models import Lead
from scoring import backtest
from scoring.intervals import FEWEST
from scoring.models import BacktestRun, ScorecardVersion
from scoring.views.progress import Progress
from scoring.views.trying import version_for


@dataclass(frozen=True)
class Line:
    """One measure of both versions: a share with its interval, or a count; `better` is draft, live or ''."""

    label: str | Promise
    definition: str | Promise
    live: Any
    draft: Any
    better: str = ""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    version = version_for(request, pk)
    if request.method == "POST":
        backtest.ask(version, by=request.user)
        return redirect("scorecard_backtest", pk)
    context = about(version)
    response = render(request, f"scoring/backtest/{'_part' if request.htmx else 'page'}.html", context)
    response["Vary"] = "HX-Request"
    if request.htmx and not context["running"] and request.GET.get("watching"):
        response["HX-Refresh"] = "true"
    return response


def about(version: ScorecardVersion) -> dict[str, Any]:
    """Return what page and margin show of the back-test of `version` as it stands now."""
    running, run = backtest.under_way(version), backtest.latest(version)
    context: dict[str, Any] = {"version": version, "running": running, "run": run, "fewest": FEWEST}
    if running:
        context["progress"] = Progress.of(running.done, running.total, running.started_at)
    if run is None:
        older = BacktestRun.objects.filter(version=version).exclude(state=BacktestRun.State.RUNNING)
        return context | {"older": older.first()}
    result = run.result
    return context | {
        "result": result, "lines": lines(result), "bands": bands(result), "figure": by_band(result),
        "first": _moment(result["first"]), "last": _moment(result["last"]), "criteria": criteria(version, result),
        "few": any(result["draft"][label]["few"] for label in backtest.LABELS),
        "missed": _leads(result["draft"]["missed"]), "wrong": _leads(result["draft"]["wrong"]),
    }  # fmt: skip


def _moment(told: str | None) -> datetime | None:
    return parse_datetime(told) if told else None


def _leads(ids: list[int]) -> list[Lead]:
    known = Lead.objects.with_people().in_bulk(ids)
    return [known[pk] for pk in ids if pk in known]


# label of the outcome, key of the share, what it is called, its definition
SHARES = (
    ("accepted", "precision", gettext_lazy("Accepted of the MQLs"),
     gettext_lazy("Of those at the bar whom sales answered, the share sales accepted.")),
    ("accepted", "recall", gettext_lazy("Accepted leads that were seen"),
     gettext_lazy("Of the leads that sales accepted, the share at the bar.")),
    ("won", "precision", gettext_lazy("Won of the MQLs"),
     gettext_lazy("Of those at the bar whose end is known, the share that was won.")),
    ("won", "recall", gettext_lazy("Won leads that were seen"),
     gettext_lazy("Of the leads that were won, the share at the bar.")),
)  # fmt: skip


def lines(result: dict[str, Any]) -> list[Line]:
    """Return the measures of both versions, the better one marked."""
    draft, live = result["draft"], result["live"]
    at_bar = _("Decided leads that reach the bar of the version.")
    best = _("How many times better than the share among all decided leads.")
    found = [
        Line(_("At the MQL bar"), at_bar, live["at_bar"], draft["at_bar"]),
        *(_line(name, meant, live[label][key], draft[label][key]) for label, key, name, meant in SHARES),
        _count(_("Lift: accepted"), best, live["accepted"]["lift"], draft["accepted"]["lift"]),
        _count(_("Lift: won"), best, live["won"]["lift"], draft["won"]["lift"]),
    ]  # fmt: skip
    missed = _("Won leads below the bar.")
    wrong = _("At the bar, and sales or marketing said no.")
    unseen = _count(_("Won, but not seen"), missed, live["won"]["missed"], draft["won"]["missed"], less=True)
    turned = _("MQL, then turned down")
    return [*found, unseen, _count(turned, wrong, live["accepted"]["false"], draft["accepted"]["false"], less=True)]


def _count(label: str, definition: str, live: Any, draft: Any, *, less: bool = False) -> Line:
    if live is None or draft is None:
        return Line(label, definition, live, draft)
    return Line(label, definition, live, draft, _better(-live, -draft) if less else _better(live, draft))


def _line(label: str | Promise, definition: str | Promise, live: dict[str, Any], draft: dict[str, Any]) -> Line:
    apart = live["value"] is not None and draft["value"] is not None
    return Line(label, definition, live, draft, _better(live["value"], draft["value"]) if apart else "")


def _better(live: float, draft: float) -> str:
    return "draft" if draft > live else "live" if live > draft else ""


def bands(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the score bands with the shares of both versions; bands without a lead are left out."""
    pairs = zip(result["draft"]["bands"], result["live"]["bands"], strict=True)
    return [
        {"label": band_name(draft), "draft": draft, "live": live}
        for draft, live in pairs
        if draft["leads"] or live["leads"]
    ]


def band_name(band: dict[str, Any]) -> str:
    """Return "40 to 59" or "160 and more"."""
    if band["to"] is None:
        return _("%(points)d and more") % {"points": band["from"]}
    return _("%(low)d to %(high)d") % {"low": band["from"], "high": band["to"]}


def by_band(result: dict[str, Any]) -> charts.Bars:
    """Return acceptance by score band under the version."""
    rows = [band for band in result["draft"]["bands"] if band["accepted"]["cases"]]
    bars = [
        charts.Bar(
            label=band_name(band), value=band["accepted"]["value"] * 100, text=percent(band["accepted"]["value"]),
            note=_("of %(n)s") % {"n": count(band["accepted"]["cases"])}, strong=band["accepted"]["cases"] >= FEWEST,
        )
        for band in rows
    ]  # fmt: skip
    best = max(rows, key=lambda band: band["accepted"]["value"], default=None)
    base = result["draft"]["accepted"]["base"]["value"]
    summary = _("Nobody has answered yet.")
    if best is not None:
        summary = _("Sales accepted %(share)s of those with %(band)s points, and %(base)s of all.") % {
            "share": percent(best["accepted"]["value"]), "band": band_name(best), "base": percent(base or 0),
        }  # fmt: skip
    reference = (base * 100, _("all: %(share)s") % {"share": percent(base)}) if base is not None else None
    return charts.Bars(
        title=_("Accepted by sales, by score"), summary=summary, measure=_("Accepted"), bars=bars, reference=reference,
        note=_("pale: fewer than %(n)d cases") % {"n": FEWEST},
    )  # fmt: skip


def criteria(version: ScorecardVersion, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what became of the leads each criterion booked points for, the most decisive first."""
    told = result["draft"]["criteria"]
    rows = [{"criterion": c, **told[c.key]} for c in version.criteria.all() if c.key in told]
    return sorted(rows, key=lambda row: (-row["lifted"]["leads"], -row["fired"]["leads"]))
