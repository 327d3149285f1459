"""What others have changed since a board was drawn, and which cards show an old score.

Asked every few seconds, so it reads by primary key only.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Subquery
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from crm.models import Workspace
from leads import cards
from leads.board_filters import Filters
from leads.boards import Board, lane_label
from leads.models import Lead, StageChange, Standing

MOST = 300
MOST_SHOWN = 150
OVERLAP = 50  # PostgreSQL hands out ids before it commits, so a little is read twice; the page knows what it has


def news_since(board: Board, filters: Filters, since: str, shown: str = "") -> dict[str, Any]:
    """Return what a board that was drawn at the mark `since` does not know.

    {"since": mark, "changes": [{lead, version, lane, words}], "fresh": [lead ids now on this board],
    "scores": [{lead, scored, html}]}. Without a mark nothing is new. `shown` holds the cards on the page as
    "lead_score_grade", joined by dots; told are those that show something else by now.
    """
    change_id, lead_id = _read(since)
    last_change = Subquery(StageChange.objects.order_by("-pk").values("pk")[:1])
    last_lead = Subquery(Lead.objects.order_by("-pk").values("pk")[:1])
    newest = Workspace.objects.values_list(last_change, last_lead).get(pk=1)
    now = tuple(pk or 0 for pk in newest)
    quiet = {"since": f"{now[0]}.{now[1]}", "changes": [], "fresh": [], "scores": _scores(board, filters, shown)}
    if change_id is None or now == (change_id, lead_id):
        return quiet
    moved = _changes(filters, change_id)
    opened = Lead.objects.visible_to(filters.user).filter(pk__gt=lead_id).order_by("-pk").values_list("pk", flat=True)
    concerned = {change.lead_id for change in moved} | set(opened[:MOST])
    lanes = _lanes(board, filters, concerned)
    return quiet | {
        "changes": [
            {
                "lead": change.lead_id, "version": change.seq, "lane": lanes.get(change.lead_id, ""),
                "words": _words(change, board),
            }
            for change in moved
        ],
        "fresh": sorted(pk for pk in concerned if pk in lanes),
    }  # fmt: skip


def _read(since: str) -> tuple[int | None, int | None]:
    change_id, _sep, lead_id = since.partition(".")
    try:
        return int(change_id), int(lead_id)
    except ValueError:
        return None, None


def _scores(board: Board, filters: Filters, shown: str) -> list[dict[str, Any]]:
    """Return the new score, with its reasons, of every card shown with another one."""
    told = dict(part.split("_", 1) for part in shown.split(".")[:MOST_SHOWN] if "_" in part)
    ids = [int(lead) for lead in told if lead.isascii() and lead.isdigit() and len(lead) < 18]
    if not ids:
        return []
    visible = Lead.objects.visible_to(filters.user).filter(pk__in=ids)
    standings = Standing.objects.filter(lead__in=visible).select_related("lead")
    changed = [one for one in standings if cards.scored(one) != told[str(one.pk)]]
    return [
        {
            "lead": card.lead.pk, "scored": card.scored,
            "html": render_to_string("leads/board/_scored.html", {"card": card}),
        }
        for card in cards.rescored(changed, board.name, filters)
    ]  # fmt: skip


def _changes(filters: Filters, change_id: int) -> list[StageChange]:
    """Return the newest change of each lead this person may see, among the last few hundred."""
    rows = StageChange.objects.filter(pk__gt=change_id - OVERLAP).select_related("by", "lead__standing").order_by("-pk")
    newest: dict[int, StageChange] = {}
    for change in rows[:MOST]:
        newest.setdefault(change.lead_id, change)
    seen = set(Lead.objects.visible_to(filters.user).filter(pk__in=list(newest)).values_list("pk", flat=True))
    return [change for pk, change in newest.items() if pk in seen]


def _lanes(board: Board, filters: Filters, leads: set[int]) -> dict[int, str]:
    """Return the lane of those leads that this board shows under these filters."""
    if not leads:
        return {}
    here = filters.narrow(Standing.objects.filter(lane__in=board.lanes, pk__in=leads))
    return dict(here.values_list("pk", "lane"))


def _words(change: StageChange, board: Board) -> str:
    who = change.by.name if change.by else "Baton"
    lane = lane_label(change.lead.standing.lane, board)
    return _("Moved to %(lane)s by %(name)s") % {"lane": lane, "name": who}
