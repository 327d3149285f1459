"""The two boards, a lane's next page, their filters, and what others have changed since."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.lists import actions
from crm.models import User
from crm.requests import SignedInRequest
from leads import boards
from leads.board_filters import ONLY, SCOPES, SORTS
from leads.board_news import news_since
from leads.boards import Board
from leads.forms import FilterForm
from leads.models import Source
from leads.stages import Lane


def _board(request: SignedInRequest, name: str) -> Board:
    board = boards.BOARDS.get(name)
    if board is None or not board.admits(request.user):
        raise Http404
    return board


@login_required
def marketing(request: SignedInRequest) -> HttpResponse:
    return _page(request, _board(request, "marketing"))


@login_required
def sales(request: SignedInRequest) -> HttpResponse:
    return _page(request, _board(request, "sales"))


def _page(request: SignedInRequest, board: Board) -> HttpResponse:
    filters = board.filters(request.GET, request.user)
    top = boards.heads(board, filters)
    columns = boards.columns(board, filters, top, shown=request.GET.get("column", ""))
    context = {
        "board": board, "filters": filters, "top": top, "columns": columns, "chips": filters.chips(top.names),
        "scopes": _scopes(filters.scope, top), "sorts": _sorts(filters), "cleared": filters.cleared().query(),
        "wider": filters.also(scope="all").query() if "all" in filters.scopes else "",
        "hidden": [pair for pair in filters.pairs() if pair[0] != "q"],
        "news_query": filters.query(), "actions": actions.of("leads", request.user),
    }  # fmt: skip
    return render(request, "leads/board/page.html", context)


def _scopes(current: str, top: boards.Heads) -> list[dict[str, Any]]:
    keys = [key for key, _number in top.scopes]
    after = keys[(keys.index(current) + 1) % len(keys)] if current in keys else ""
    return [
        {
            "key": key, "label": SCOPES[key], "count": boards.count_text(number), "current": key == current,
            "next": key == after != current,
        }
        for key, number in top.scopes
    ]  # fmt: skip


def _sorts(filters: Any) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": filters.also(sort=key).query(), "current": key == filters.sort}
        for key, label in SORTS.items()
    ]


@login_required
def column(request: SignedInRequest, board: str, lane: str) -> HttpResponse:
    """The next page of a lane: cards to append, or a page of its own."""
    found = _board(request, board)
    if lane not in found.lanes:
        raise Http404
    filters = found.filters(request.GET, request.user)
    page = boards.column_page(found, Lane(lane), filters, request.GET.get("after", ""))
    template = "leads/board/_more_cards.html" if request.htmx else "leads/board/column.html"
    back = f"{found.url}{filters.query(('column', lane))}"
    return render(request, template, {"board": found, "column": page, "filters": filters, "back": back})


@login_required
def filter_form(request: SignedInRequest, board: str) -> HttpResponse:
    """The choices a board can be narrowed by: a popover, or a page of its own."""
    found = _board(request, board)
    filters = found.filters(request.GET, request.user)
    people = User.objects.filter(is_active=True).exclude(pk=request.user.pk).values_list("pk", "name")
    form = FilterForm(
        initial={
            "owner": filters.owner, "source": filters.source, "grade": list(filters.grades), "only": filters.only,
        },
        owners=[(request.user.pk, _("me")), ("none", _("nobody")), *people],
        sources=[(source.key, str(source)) for source in Source.objects.filter(active=True)],
        only=[(only.key, only.label) for only in ONLY.values() if only.key not in {"to-hand-over", "back", "offered"}],
    )  # fmt: skip
    kept = [pair for pair in filters.pairs() if pair[0] in {"q", "sort", "scope"}]
    template = "leads/board/_filter_form.html" if request.htmx else "leads/board/filter_page.html"
    return render(request, template, {"board": found, "form": form, "kept": kept})


@login_required
@require_POST
def scope(request: SignedInRequest, board: str) -> HttpResponse:
    """Remember whose leads this person wants to see, on every device."""
    found = _board(request, board)
    filters = found.filters(request.POST, request.user)
    User.objects.filter(pk=request.user.pk).update(board_scope=filters.scope)
    return redirect(f"{found.url}{filters.query()}")


@login_required
def news(request: SignedInRequest, board: str) -> HttpResponse:
    """What others changed since the board was drawn; JSON, read by primary key."""
    found = _board(request, board)
    filters = found.filters(request.GET, request.user)
    return JsonResponse(news_since(found, filters, request.GET.get("since", ""), request.GET.get("shown", "")))
