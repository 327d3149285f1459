"""The versions of a scorecard: reading one, comparing two, and the verbs of its life as plain forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.requests import SignedInRequest
from scoring import backtest, contents, desk, doubts, previews, reading, signing, versions
from scoring.forms import PublishForm, ReasonForm, SignForm
from scoring.models import Scorecard, ScorecardVersion, Signature
from scoring.views.editing import for_drafters
from scoring.views.trying import sentences

State = ScorecardVersion.State


def _version(pk: int) -> ScorecardVersion:
    return get_object_or_404(ScorecardVersion.objects.select_related("scorecard", "based_on"), pk=pk)


@login_required
@require_safe
def scorecards(request: SignedInRequest) -> HttpResponse:
    """The version in force."""
    live = desk.in_force()
    return _page(request, live) if live else render(request, "scoring/scorecards.html", {"card": None})


@login_required
@require_safe
def version(request: SignedInRequest, pk: int) -> HttpResponse:
    """Any version, as it is signed."""
    return _page(request, _version(pk))


def _page(request: SignedInRequest, version: ScorecardVersion, status: int = 200, **forms: Any) -> HttpResponse:
    live = desk.in_force()
    is_open = version.state in versions.OPEN
    other = version.based_on if version.state == State.PUBLISHED else live
    kept = previews.kept(version) if is_open else None
    context = {
        "kept": kept, "kept_sentences": kept and sentences(kept.told),
        "kept_running": previews.under_way(version) if is_open else None,
        "card": reading.of(version), "version": version, "live": live, "is_open": is_open,
        "open_version": versions.open_one(), "digest": contents.digest(version),
        "versions": _all(version.scorecard), "sides": _sides(request, version),
        "may_draft": signing.may_draft(request.user), "is_alone": signing.is_alone(),
        "blocks": doubts.blocking(version) if is_open else [],
        "backtest": backtest.latest(version) if is_open else None,
        "differences": desk.differences(other, version) if other and other.pk != version.pk else [],
        "compared_with": other if other and other.pk != version.pk else None,
        "history": versions.history(version), "run": version.runs.first(),
        "publish_form": PublishForm(initial={"seen": contents.digest(version)}), "reason_form": ReasonForm(),
    }  # fmt: skip
    return render(request, "scoring/scorecards.html", context | forms, status=status)


def _all(card: Scorecard) -> list[ScorecardVersion]:
    return list(card.versions.order_by("-number").prefetch_related("signatures__by"))


def _sides(request: SignedInRequest, version: ScorecardVersion) -> list[dict[str, Any]]:
    """Return both keys: whether it is turned, by whom, who could, and whether the reader may now."""
    standing = {signature.side: signature for signature in signing.valid(version)}
    mine = {signature.side for signature in standing.values() if signature.by_id == request.user.pk}
    alone = signing.is_alone()
    asked = next((one.at for one in versions.history(version) if one.action == "scorecard.sent_to_review"), None)
    return [
        {
            "key": side, "label": Signature.Side(side).label, "signature": standing.get(side),
            "since": asked if version.state == State.IN_REVIEW else None,
            "holders": [] if alone else signing.holders(side),
            "may": version.state == State.IN_REVIEW and side not in standing and not mine
            and signing.may_sign(request.user, side) and not (alone and side == Signature.Side.SALES),
        }
        for side in Signature.Side.values
    ]  # fmt: skip


@login_required
@require_safe
def compare(request: SignedInRequest, pk: int, other: int) -> HttpResponse:
    """What one version says otherwise than another."""
    before, after = _version(other), _version(pk)
    context = {"before": before, "after": after, "differences": desk.differences(before, after)}
    return render(request, "scoring/compare.html", context)


# --- Verbs ----------------------------------------------------------------------------------------------


def _verb(request: SignedInRequest, version: ScorecardVersion, verb: Callable[[], Any], done: str) -> HttpResponse:
    """Run a verb; a refusal is said on the page of the version (409), nothing was written."""
    try:
        result = verb()
    except versions.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    except versions.Refused as error:
        fresh = _version(version.pk)
        return _page(request, fresh, status=409, refusal=str(error))
    messages.success(request, done)
    return redirect("scorecard_version", getattr(result, "pk", version.pk))


@for_drafters
@require_POST
def start(request: SignedInRequest, pk: int) -> HttpResponse:
    """Begin a draft that says what this version says."""
    source = _version(pk)
    try:
        draft = versions.start_draft(source, by=request.user)
    except versions.Refused as error:
        return _page(request, source, status=409, refusal=str(error))
    return redirect("scorecard_edit", draft.pk)


@for_drafters
@require_POST
def roll_back(request: SignedInRequest, pk: int) -> HttpResponse:
    source = _version(pk)
    reason = request.POST.get("reason", "")
    return _verb(
        request, source, lambda: versions.roll_back(source, by=request.user, reason=reason[:300]),
        _("Sent to review as it was then. It goes live with both signatures."),
    )  # fmt: skip


@for_drafters
@require_POST
def review(request: SignedInRequest, pk: int) -> HttpResponse:
    row, seen = _version(pk), request.POST.get("seen", "")
    return _verb(
        request, row, lambda: versions.send_to_review(row, by=request.user, seen=seen),
        _("Sent to review. Marketing and sales sign now."),
    )  # fmt: skip


@for_drafters
@require_POST
def take_back(request: SignedInRequest, pk: int) -> HttpResponse:
    row, reason = _version(pk), request.POST.get("reason", "")
    return _verb(
        request, row, lambda: versions.take_back(row, by=request.user, reason=reason[:300]),
        _("It is a draft again. Signatures given so far are void."),
    )  # fmt: skip


@for_drafters
@require_POST
def discard(request: SignedInRequest, pk: int) -> HttpResponse:
    row, reason = _version(pk), request.POST.get("reason", "")

    def give_up() -> None:
        versions.discard(row, by=request.user, reason=reason[:300])

    answer = _verb(request, row, give_up, _("Discarded. What is in force stays as it is."))
    return redirect("scorecards") if answer.status_code == 302 else answer


@login_required
@require_POST
def sign(request: SignedInRequest, pk: int) -> HttpResponse:
    row, form = _version(pk), SignForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, refusal=_("Choose a side."))
    said = form.cleaned_data
    return _verb(
        request, row,
        lambda: versions.sign(row, said["side"], by=request.user, seen=said["seen"], note=said["note"]),
        _("Signed."),
    )  # fmt: skip


@for_drafters
@require_POST
def publish(request: SignedInRequest, pk: int) -> HttpResponse:
    row, form = _version(pk), PublishForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, publish_form=form)
    said = form.cleaned_data

    def go_live() -> None:
        versions.publish(
            row, by=request.user, seen=said["seen"], reason=said["reason"],
            without_backtest=said["without_backtest"],
        )  # fmt: skip

    return _verb(
        request, row, go_live, _("Going live. Scores follow within moments; the boards show them as they come.")
    )
