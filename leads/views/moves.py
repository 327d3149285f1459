"""Moves: the menu, the dialog that asks, the move itself, and the one place where a refusal is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import formats, timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget, trigger_client_event

from crm.models import OutboxMessage
from crm.requests import SignedInRequest
from leads import boards, cards, lifecycle
from leads.board_filters import Filters
from leads.forms import MOVE_FORMS, MoveForm
from leads.lifecycle import Option, Refused
from leads.models import Lead, StageChange
from leads.stages import NOT_FOR_PEOPLE, Lane, Stage, Verb

ICONS = {
    Verb.QUALIFY_FOR_MARKETING: "flag", Verb.HAND_OFF: "arrow-right", Verb.WITHDRAW: "undo-2",
    Verb.REASSIGN: "users-round", Verb.ACCEPT: "check", Verb.SEND_BACK: "corner-up-left",
    Verb.QUALIFY_FOR_SALES: "list-checks", Verb.WIN: "trophy", Verb.LOSE: "x", Verb.NURTURE: "moon", Verb.WAKE: "sun",
    Verb.DISQUALIFY: "ban", Verb.UNDO: "rotate-ccw",
}  # fmt: skip
LAST = {Verb.DISQUALIFY, Verb.UNDO}


# --- Looking --------------------------------------------------------------------------------------


def find(request: SignedInRequest, pk: int) -> Lead:
    """Return the lead, if this person may see it."""
    found = Lead.objects.visible_to(request.user).select_related("contact__company", "owner", "team", "standing")
    return get_object_or_404(found, pk=pk)


@login_required
def menu(request: SignedInRequest, pk: int) -> HttpResponse:
    """All moves of a lead, the closed ones with their reason: a menu, or a page of its own."""
    lead = find(request, pk)
    options = [_entry(option) for option in lifecycle.options(lead, request.user)]
    options.sort(key=lambda entry: entry["option"].verb in LAST)
    template = "leads/moves/_menu.html" if request.htmx else "leads/moves/page.html"
    return render(request, template, {"lead": lead, "entries": options, "next": safe_next(request, lead)})


def _entry(option: Option) -> dict[str, Any]:
    return {
        "option": option,
        "icon": ICONS.get(Verb(option.verb), "arrow-right"),
        "asks": option.verb in MOVE_FORMS,
        "last": option.verb in LAST,
    }


def safe_next(request: SignedInRequest, lead: Lead) -> str:
    """Return where to go after the move: the page asked for, if it is ours, else the lead."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("lead", args=[lead.pk])


# --- Moving ---------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def move(request: SignedInRequest, pk: int, verb: str) -> HttpResponse:
    """GET asks for what the move needs; POST makes it."""
    if verb not in Verb.values or verb in NOT_FOR_PEOPLE:
        raise Http404
    return _attempt(request, find(request, pk), verb)


@login_required
@require_POST
def drop(request: SignedInRequest, board: str, lane: str) -> HttpResponse:
    """A card was dropped on a lane, or sent there by a key: the lane says which verb that is."""
    if board not in boards.BOARDS or lane not in boards.BOARDS[board].lanes:
        raise Http404
    lead_id = request.POST.get("lead", "")
    lead = find(request, int(lead_id) if lead_id.isascii() and lead_id.isdigit() and len(lead_id) < 18 else 0)
    return _attempt(request, lead, boards.verb_into(lane, lead.standing.lane), dropped=True)


def _attempt(request: SignedInRequest, lead: Lead, verb: str, *, dropped: bool = False) -> HttpResponse:
    came_from = Lane(lead.standing.lane)
    form_class = MOVE_FORMS.get(verb)
    try:
        _check(request, lead, verb)
        if request.method == "GET" or (form_class and dropped):
            return _ask(request, lead, verb, form_class(lead=lead, by=request.user) if form_class else None)
        form = form_class(request.POST, lead=lead, by=request.user) if form_class else None
        if form is not None and not form.is_valid():
            return _ask(request, lead, verb, form)
        change = lifecycle.advance(
            lead, verb, by=request.user, version=_version(request), **(form.details() if form else {})
        )
    except Refused as refused:
        return _refusal(request, refused, came_from)
    return _moved(request, lead, change, came_from)


def _version(request: SignedInRequest) -> int | None:
    """Return the version the person saw; the undo link of a toast carries it in its address."""
    seen = request.POST.get("version") or request.GET.get("version") or ""
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else None


def _check(request: SignedInRequest, lead: Lead, verb: str) -> None:
    """Refuse before asking, so that nobody fills a form in vain."""
    seen = _version(request)
    if seen is not None and seen != lead.version:
        lifecycle.advance(lead, verb, by=request.user, version=seen)
    option = next((option for option in lifecycle.options(lead, request.user) if option.verb == verb), None)
    if option is None:
        text = _("“%(verb)s” is not possible for a lead in “%(stage)s”.")
        words = {"verb": Verb(verb).label, "stage": Stage(lead.stage).label}
        raise Refused([text % words], lead=lead, verb=verb)
    if not option.open:
        raise Refused(option.reasons, lead=lead, verb=verb)


# --- Answering ------------------------------------------------------------------------------------


def _ask(request: SignedInRequest, lead: Lead, verb: str, form: MoveForm | None) -> HttpResponse:
    """Ask in place: the dialog, or the same form on a page of its own."""
    context = {
        "lead": lead, "verb": verb, "form": form, "label": Verb(verb).label,
        "stage": boards.SHORT[Lane(lead.standing.lane)],
        "next": safe_next(request, lead), "action": reverse("lead_move", args=[lead.pk, verb]),
    }  # fmt: skip
    status = 422 if form is not None and form.errors else 200
    if not request.htmx:
        return render(request, "leads/moves/ask.html", context, status=status)
    answer = render(request, "leads/moves/_dialog.html", context, status=status)
    return reswap(retarget(answer, "#dialog"), "innerHTML")


def _moved(request: SignedInRequest, lead: Lead, change: StageChange, came_from: Lane) -> HttpResponse:
    lead = find_again(lead)
    sentence = _sentence(lead, change)
    undo = ""
    if change.verb != Verb.UNDO:
        undo = f"{reverse('lead_move', args=[lead.pk, Verb.UNDO])}?version={change.seq}"
    board = _board_behind(request)
    if board is None:
        messages.success(request, sentence, extra_tags=undo)
        return HttpResponse(headers={"HX-Refresh": "true"}) if request.htmx else redirect(safe_next(request, lead))
    return _on_board(request, lead, board, came_from, sentence=sentence, undo=undo, held=_held(lead, change))


def _refusal(request: SignedInRequest, refused: Refused, came_from: Lane) -> HttpResponse:
    """The one answer to a refusal: 409, nothing written, and the reason where the person looks."""
    lead = find_again(refused.lead)
    board = _board_behind(request)
    if board is not None:
        return _on_board(request, lead, board, came_from, refused=refused)
    context = {"lead": lead, "refused": refused, "label": Verb(refused.verb).label, "next": safe_next(request, lead)}
    if not request.htmx:
        return render(request, "leads/moves/refused.html", context, status=409)
    answer = render(request, "leads/moves/_refused.html", context, status=409)
    return reswap(retarget(answer, "#dialog"), "innerHTML")


def find_again(lead: Lead) -> Lead:
    return Lead.objects.select_related("contact__company", "owner", "team", "standing").get(pk=lead.pk)


def _board_behind(request: SignedInRequest) -> tuple[boards.Board, Filters] | None:
    """Return the board and the filters the person looks at, from the address htmx reports."""
    if not request.htmx or not request.htmx.current_url_abs_path:
        return None
    address = urlsplit(request.htmx.current_url_abs_path)
    try:
        name = resolve(address.path).url_name or ""
    except Resolver404:
        return None
    board = boards.BOARDS.get(name.removesuffix("_board")) if name.endswith("_board") else None
    if board is None or not board.admits(request.user):
        return None
    return board, board.filters(QueryDict(address.query), request.user)


def _on_board(
    request: SignedInRequest, lead: Lead, behind: tuple[boards.Board, Filters], came_from: Lane, *,
    refused: Refused | None = None, sentence: str = "", undo: str = "", held: str = "",
) -> HttpResponse:  # fmt: skip
    """Answer with the card, the heads of the lanes it concerns, and the toast: nothing else is drawn again."""
    board, filters = behind
    lane = Lane(lead.standing.lane)
    words: dict[str, Any] = {"note": " ".join(refused.reasons), "note_tone": "late"} if refused else {}
    position = boards.place(lead, filters) if lane in board.lanes else 0
    if not refused and not position:
        words = {"moved": sentence, "note": _left_words(lane, board)}
    card = cards.one(lead, board.name, filters, **words)
    concerned = [one for one in dict.fromkeys((came_from, lane)) if one in board.lanes]
    top = boards.heads(board, filters, concerned) if concerned else None
    spoken = sentence
    if position and top and not refused:
        spoken = _("%(sentence)s, place %(place)s of %(count)s") % {
            "sentence": sentence, "place": boards.count_text(position), "count": top.by_lane[lane].count,
        }  # fmt: skip
    context = {
        "card": card, "heads": top.by_lane.values() if top else [], "board": board, "sentence": sentence, "undo": undo,
        "held": held, "currency": top.currency if top else "EUR",
    }  # fmt: skip
    answer = render(request, "leads/board/_moved.html", context, status=409 if refused else 200)
    answer = trigger_client_event(answer, "announce", {"value": " ".join(refused.reasons) if refused else spoken})
    answer = trigger_client_event(answer, "close-dialog", {})
    settled = {"lead": lead.pk, "lane": lane if position else "", "refused": bool(refused)}
    return reswap(trigger_client_event(answer, "card-settled", settled, after="settle"), "none")


def _left_words(lane: Lane, board: boards.Board) -> str:
    if lane in board.lanes:
        return _("Outside this filter. Stays here until you reload.")
    return _("No longer on this board. Stays here until you reload.")


# --- Words ----------------------------------------------------------------------------------------

SENTENCES: dict[str, Callable[[], str]] = {
    Verb.HAND_OFF: lambda: _("%(name)s offered to %(taker)s"),
    Verb.WITHDRAW: lambda: _("Offer of %(name)s withdrawn"),
    Verb.REASSIGN: lambda: _("%(name)s re-assigned to %(taker)s"),
    Verb.UNDO: lambda: _("Undone: %(name)s is back in %(lane)s"),
}


def _sentence(lead: Lead, change: StageChange) -> str:
    """Say in one sentence what happened: "Ada Brömmel moved to Qualified (SQL)"."""
    taker = lead.owner.name if lead.owner else _("Team %(name)s") % {"name": lead.team} if lead.team else ""
    words = {"name": lead.contact.name, "taker": taker, "lane": Lane(lead.standing.lane).label, "day": ""}
    if change.verb in SENTENCES:
        return SENTENCES[change.verb]() % words
    if lead.wake_on and lead.stage == Stage.NURTURE:
        words["day"] = formats.date_format(lead.wake_on, "SHORT_DATE_FORMAT")
        return _("%(name)s moved to %(lane)s until %(day)s") % words
    return _("%(name)s moved to %(lane)s") % words


def _held(lead: Lead, change: StageChange) -> str:
    """Say until when nothing leaves the house because of this move; '' when nothing would."""
    waiting = OutboxMessage.objects.filter(
        subject=f"lead:{lead.pk}:{change.seq}", state=OutboxMessage.State.PENDING, next_try_at__gt=timezone.now()
    )
    until = waiting.values_list("next_try_at", flat=True).first()
    if until is None:
        return ""
    return _("Nothing is sent before %(time)s.") % {"time": formats.time_format(timezone.localtime(until), "H:i:s")}
