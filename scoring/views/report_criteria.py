"""Criteria that make bad MQLs: each with what sales rejected of those it lifted, and the leads behind each number."""

from __future__ import annotations

import csv
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from crm import charts, keyset
from crm.requests import SignedInRequest
from crm.spreadsheet_cells import safe
from crm.templatetags.formats import count, percent
from leads.models import Lead
from scoring import health, lifts, signing
from scoring.charges import ALPHA
from scoring.intervals import FEWEST
from scoring.lifts import Answer
from scoring.models import Criterion

CHARTED = 12
#: step → which of the leads a criterion lifted; None is all of them
STEPS: dict[str, bool | None] = {"lifted": None, "rejected": True, "accepted": False}


def page(request: SignedInRequest) -> HttpResponse:
    """The criteria in force by the evidence against them, the strongest first."""
    version = health.in_force()
    run = health.reckoned()
    answer = lifts.answer(run)
    if request.GET.get("format") == "csv":
        return _as_csv(answer)
    context = {
        "version": version, "answer": answer, "fewest": FEWEST, "alpha": ALPHA, "run": run,
        "may_draft": signing.may_draft(request.user), "figure": answer and _figure(answer),
    }  # fmt: skip
    return render(request, "scoring/charges/page.html", context)


def _figure(answer: Answer) -> charts.Bars | None:
    """Return the rejected share of each criterion's MQLs beside that of all, None where there is nothing to compare."""
    lines = [line for line in answer.lines if line.charge.lifted.cases >= FEWEST]
    base = answer.decided.value
    if len(lines) < 2 or base is None:
        return None
    lines = sorted(lines, key=lambda line: -(line.charge.lifted.value or 0))[:CHARTED]
    bars = [
        charts.Bar(
            label=str(line.criterion), value=100 * (line.charge.lifted.value or 0),
            text=percent(line.charge.lifted.value),
            note=_("%(cases)s MQLs") % {"cases": count(line.charge.lifted.cases)}, strong=line.charge.is_accused,
        )
        for line in lines
    ]  # fmt: skip
    words = {
        "worst": lines[0].criterion, "most": percent(lines[0].charge.lifted.value), "base": percent(base),
    }  # fmt: skip
    return charts.Bars(
        title=_("Rejected of the MQLs a criterion lifted, percent"),
        summary=_("%(worst)s: %(most)s rejected; of all MQLs %(base)s.") % words,
        note=_("full colour: in alarm"), bars=bars, measure=_("Rejected"),
        reference=(100 * base, _("all MQLs %(share)s") % {"share": percent(base)}),
    )  # fmt: skip


def _as_csv(answer: Answer | None) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="bad-criteria.csv"'
    writer = csv.writer(response)
    writer.writerow(
        ["criterion", "name", "lifted", "decisive", "decided", "rejected", "others", "others_rejected", "difference",
         "lowest", "highest", "z", "p", "alarm"]
    )  # fmt: skip
    for line in answer.lines if answer else []:
        one = line.charge
        apart: tuple[Any, ...] = one.difference or ("", "", "")
        cells = [
            line.criterion.key, str(line.criterion), line.lifts, line.decides, one.lifted.cases, one.lifted.hits,
            one.others.cases, one.others.hits, *apart, one.z, "" if one.p is None else one.p, int(one.is_accused),
        ]  # fmt: skip
        writer.writerow([safe(cell) for cell in cells])
    return response


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The leads behind one number, fifty a page; ?criterion=<key> says of which criterion."""
    run = health.reckoned()
    if run is None or step not in STEPS:
        raise Http404
    criterion = Criterion.objects.filter(version=run.version_id, key=request.GET.get("criterion", "")).first()
    if criterion is None:
        raise Http404
    found = lifts.behind(run, criterion.pk, STEPS[step], Lead.objects.visible_to(request.user))
    page = keyset.page(
        found.select_related("lead__contact__company", "lead__source", "lead__owner", "reason"),
        request.GET.get("after", ""), order=("-lead_id",),
    )  # fmt: skip
    titles = {
        "lifted": _("MQLs lifted by “%(criterion)s”"), "rejected": _("Rejected MQLs lifted by “%(criterion)s”"),
        "accepted": _("Accepted MQLs lifted by “%(criterion)s”"),
    }  # fmt: skip
    context = {
        "page": page, "total": found.count(), "title": titles[step] % {"criterion": criterion}, "run": run,
        "keep": f"criterion={criterion.key}",
    }  # fmt: skip
    return render(request, "scoring/charges/rows.html", context)
