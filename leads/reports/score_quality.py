"""What became of MQLs by the score they had when they became MQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from leads.models import Lead
from leads.models.lead import LeadQuerySet
from leads.reports.funnel import DEPTH
from leads.stages import OPEN

WIDTH = 20  # points


@dataclass
class Band:
    """MQLs whose score then was from `low` up to, but without, `low` + WIDTH; `low` None: no score was known."""

    low: int | None
    mql: int = 0
    sal: int = 0
    sql: int = 0
    won: int = 0
    open: int = 0

    @property
    def key(self) -> str:
        return "none" if self.low is None else str(self.low)


def band_of(score: int | None) -> int | None:
    """Return where the band of a score begins."""
    return None if score is None else score // WIDTH * WIDTH


def mqls(leads: LeadQuerySet) -> LeadQuerySet:
    return leads.filter(milestones__mql__isnull=False)


def bands(leads: LeadQuerySet) -> list[Band]:
    """Return the bands there are, the lowest first, unknown scores last; `open` may still become SQL. One query."""
    found: dict[int | None, Band] = {}
    rows = mqls(leads).order_by().values_list("milestones__score", "depth", "stage")
    for score, depth, stage, number in rows.annotate(n=Count("pk")):
        low = band_of(score)
        band = found.setdefault(low, Band(low))
        band.mql += number
        for step in ("sal", "sql", "won"):
            if depth >= DEPTH[step]:
                setattr(band, step, getattr(band, step) + number)
        if stage in OPEN and depth < DEPTH["sql"]:
            band.open += number
    return sorted(found.values(), key=lambda band: (band.low is None, band.low or 0))


def together(found: Iterable[Band]) -> Band:
    """Return all bands as one."""
    whole = Band(None)
    for band in found:
        for name in ("mql", "sal", "sql", "won", "open"):
            setattr(whole, name, getattr(whole, name) + getattr(band, name))
    return whole


def in_band(leads: LeadQuerySet, group: str) -> QuerySet[Lead]:
    """Return the MQLs of one band: "60", "-20" or "none"; ValueError for what is no band."""
    if group == "none":
        return mqls(leads).filter(milestones__score=None)
    low = int(group)
    return mqls(leads).filter(milestones__score__gte=low, milestones__score__lt=low + WIDTH)


def at_step(leads: QuerySet[Lead], step: str) -> QuerySet[Lead]:
    """Return the MQLs that came to `step`, or that are open and no SQL yet; KeyError for another step."""
    if step == "open":
        return leads.filter(stage__in=OPEN, milestones__depth__lt=DEPTH["sql"])
    return leads if step == "mql" else leads.filter(milestones__depth__gte=DEPTH[step])
