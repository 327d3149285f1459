"""Conversion by score: of MQLs that had so many points, how many became SQL, and how sure that is."""

from __future__ import annotations

from functools import partial

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import charts
from crm.intervals import FEWEST, Share
from crm.models import User
from crm.requests import SignedInRequest
from crm.templatetags.formats import count
from leads.reports import score_quality, sheet
from leads.reports.period import Scope
from leads.reports.score_quality import WIDTH, Band
from leads.reports.sheet import Column, Row, Sheet, Table
from leads.views import report_rows, report_sheet

STEPS = {
    "mql": gettext_lazy("MQL"), "open": gettext_lazy("Open, no SQL yet"), "sal": gettext_lazy("Accepted (SAL)"),
    "sql": gettext_lazy("Qualified (SQL)"), "won": gettext_lazy("Won"),
}  # fmt: skip


def page(request: SignedInRequest) -> HttpResponse:
    """What became of MQLs, by the score they had then."""
    return report_sheet.page(request, "score-quality", partial(made, request.user), {"title": _("Conversion by score")})


def made(user: User, scope: Scope) -> Sheet:
    """Return the report for the leads of `scope` that `user` may read."""
    bands = score_quality.bands(scope.cohort(user))
    whole = score_quality.together(bands)
    columns = [
        Column(label, (step, *(f"{step}_{name}" for name in sheet.SHARE)) if step in {"sal", "sql", "won"} else (step,))
        for step, label in STEPS.items()
    ]
    rows = [Row(band.key, _name(band), _cells(band, scope, group=band.key)) for band in bands]
    table = Table(
        "bands", _("By the score at the moment of becoming MQL"), _("Score then"), columns, rows,
        Row("", _("Together"), _cells(whole, scope)),
        _(
            "The score is the one of the move to MQL, whatever became of it since; imported leads have none. Shares are"
            " of the MQLs; in brackets Wilson’s interval at 95 percent. Open ones may still become SQL."
        ),
    )  # fmt: skip
    figures = [_figure(bands, whole)] if any(band.low is not None for band in bands) else []
    return Sheet(whole.mql, figures, [table])


def _name(band: Band) -> str:
    return _("No score") if band.low is None else f"{count(band.low)}–{count(band.low + WIDTH - 1)}"


def _cells(band: Band, scope: Scope, **group: str) -> list[sheet.Cell]:
    at = partial(sheet.link, "score-quality", query=scope.query, **group)
    return [
        sheet.number_of(getattr(band, step), band.mql, at(step=step)) if step in {"sal", "sql", "won"}
        else sheet.number(getattr(band, step), at(step=step))
        for step in STEPS
    ]  # fmt: skip


def _figure(bands: list[Band], whole: Band) -> charts.Bars:
    known = [band for band in bands if band.low is not None and band.mql >= sheet.FEWEST]
    bars = [
        charts.Bar(
            label=_name(band), value=100 * band.sql / band.mql, text=sheet.percentage(band.sql / band.mql),
            note=_("of %(number)s") % {"number": count(band.mql)}, strong=band.mql >= FEWEST,
        )
        for band in known
    ]  # fmt: skip
    return charts.Bars(
        title=_("Became SQL, share of the MQLs of a score"), summary=sentence(known or [whole]), bars=bars,
        measure=_("Became SQL"), note=_("pale: fewer than %(number)s cases") % {"number": FEWEST},
    )  # fmt: skip


def sentence(bands: list[Band]) -> str:
    """Return what the band with the most MQLs came to: "60–79 became SQL in 23 % (of 140; 17–31 %)"."""
    most = max(bands, key=lambda band: band.mql)
    share = Share(most.sql, most.mql)
    said = _(
        "%(band)s points became SQL in %(share)s (of %(number)s; the true share lies between %(low)s and %(high)s)."
    )
    return said % {
        "band": _name(most), "share": sheet.percentage(share.value or 0), "number": count(most.mql),
        "low": sheet.percentage(share.low), "high": sheet.percentage(share.high),
    }  # fmt: skip


def rows(request: SignedInRequest, step: str) -> HttpResponse:
    """The MQLs behind one figure."""
    _form, scope, _compare = report_sheet.asked(request)
    leads = score_quality.mqls(scope.cohort(request.user))
    group = request.GET.get("group", "")
    try:
        found = score_quality.at_step(score_quality.in_band(leads, group[:6]) if group else leads, step)
    except (KeyError, ValueError) as error:
        raise Http404 from error
    return report_rows.listed(request, found, title=str(STEPS[step]), scope=scope, key="score-quality")  # type: ignore[arg-type]
