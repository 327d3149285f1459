"""The life of a scorecard version: draft → in review → approved → published → retired.

Every path goes through these verbs: forms, commands, the API. Each locks the version, asks who and whether, changes
the state where the old one still holds, and logs who, when and why. The database keeps the keys for raw SQL too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import audit
from crm.models import AuditEntry, User, Workspace
from scoring import backtest, contents, doubts, previews, publishing, signing
from scoring.models import PublishRun, Scorecard, ScorecardVersion, Signature

State = ScorecardVersion.State
OPEN = (State.DRAFT, State.IN_REVIEW, State.APPROVED)


class Refused(Exception):
    """The verb is not possible now, and why in one sentence; nothing was written."""


class Forbidden(Refused):
    """The person may not do this at all."""


class Stale(Refused):
    """What was seen is not what is there now; nothing was written."""


def subject(version: ScorecardVersion) -> str:
    """Return how the audit log names the version."""
    return f"scorecard_version:{version.pk}"


def log(version: ScorecardVersion, by: User | None, verb: str, **payload: Any) -> None:
    """Note who did what to the version, and why."""
    audit.record(by, f"scorecard.{verb}", subject(version), number=version.number, **payload)


def history(version: ScorecardVersion) -> list[AuditEntry]:
    """Return what was done to the version, newest first."""
    return list(AuditEntry.objects.filter(object=subject(version)).select_related("actor").order_by("-pk"))


# --- Drafting ---------------------------------------------------------------------------------------


def open_one() -> ScorecardVersion | None:
    """Return the version that is being worked on, None when there is none."""
    return ScorecardVersion.objects.filter(state__in=OPEN).order_by("-number").first()


def start_draft(source: ScorecardVersion, *, by: User, note: str = "") -> ScorecardVersion:
    """Return a new draft that says what `source` says, the one in force or any earlier one."""
    _must_draft(by)
    with transaction.atomic():
        card = Scorecard.objects.select_for_update().get(pk=source.scorecard_id)
        source = card.versions.get(pk=source.pk)
        standing = card.versions.filter(state__in=OPEN).first()
        if standing:
            raise Refused(_("Version %(number)d is being worked on. Finish or discard it first.") % _n(standing))
        if source.state not in ScorecardVersion.FROZEN:
            raise Refused(_("A draft starts from a version that was in force."))
        number = (card.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        bars = contents.of_bars(source)
        draft = ScorecardVersion.objects.create(
            scorecard=card, number=number, based_on=source, note=note.strip(), created_by=by, **bars
        )
        contents.copy(source, draft)
        log(draft, by, "drafted", based_on=source.number)
    return draft


def roll_back(to: ScorecardVersion, *, by: User, reason: str) -> ScorecardVersion:
    """Return a version in review that says exactly what `to` said; both signatures put it in force."""
    to = ScorecardVersion.objects.select_related("scorecard").get(pk=to.pk)
    if to.state != State.RETIRED or to.published_at is None:
        raise Refused(_("One goes back to a version that was in force before."))
    reason = _reason(reason, _("Say why the workspace goes back to an earlier version."))
    with transaction.atomic():
        note = _("Back to version %(number)d: %(reason)s") % {"number": to.number, "reason": reason}
        draft = start_draft(to, by=by, note=note)
        return send_to_review(draft, by=by, seen=contents.digest(draft))


def edit(
    version: ScorecardVersion, change: Callable[[ScorecardVersion], dict[str, Any] | None], *, by: User
) -> ScorecardVersion:
    """Let `change` write to an open version. In review, it becomes a draft again and loses its signatures.

    `change` gets the locked version and returns what to log (None: nothing was changed); it may raise Stale.
    """
    _must_draft(by)
    with transaction.atomic():
        locked = _locked(version, *OPEN)
        _not_while_publishing(locked)
        if locked.state != State.DRAFT:
            _void(locked, by)
            _step(locked, State.DRAFT)
        told = change(locked)
        if told is not None:
            log(locked, by, "edited", **told)
    return locked


def discard(version: ScorecardVersion, *, by: User, reason: str = "") -> None:
    """Give a draft up. Its row stays, retired without ever having been in force."""
    _must_draft(by)
    with transaction.atomic():
        locked = _locked(version, *OPEN)
        _not_while_publishing(locked)
        _void(locked, by)
        if locked.state != State.DRAFT:
            _step(locked, State.DRAFT)
        _step(locked, State.RETIRED, retired_at=timezone.now())
        log(locked, by, "discarded", reason=reason.strip())


# --- Review and signatures --------------------------------------------------------------------------


def send_to_review(version: ScorecardVersion, *, by: User, seen: str) -> ScorecardVersion:
    """Ask both sides for their signature; a worker notes for them what the version would change."""
    _must_draft(by)
    with transaction.atomic():
        locked = _locked(version, State.DRAFT)
        _must_be_seen(locked, seen)
        _step(locked, State.IN_REVIEW)
        previews.ask(locked, by=by)
        log(locked, by, "sent_to_review", digest=seen, note=locked.note)
    return locked


def take_back(version: ScorecardVersion, *, by: User, reason: str = "") -> ScorecardVersion:
    """Make it a draft again; signatures given so far are void."""
    _must_draft(by)
    with transaction.atomic():
        locked = _locked(version, State.IN_REVIEW, State.APPROVED)
        _not_while_publishing(locked)
        _void(locked, by)
        _step(locked, State.DRAFT)
        log(locked, by, "taken_back", reason=reason.strip())
    return locked


def sign(version: ScorecardVersion, side: str, *, by: User, seen: str, note: str = "") -> ScorecardVersion:
    """Turn one key. `seen` is the digest of what the signer read; the second key approves the version.

    The only active person signs for both sides at once, marked as such.
    """
    if side not in Signature.Side.values or not signing.may_sign(by, side):
        raise Forbidden(_("You do not hold the key of this side."))
    with transaction.atomic():
        locked = _locked(version, State.IN_REVIEW)
        _must_be_seen(locked, seen)
        if doubts.blocking(locked):
            raise Refused(_("Something in this version keeps it from going live. It is marked in the editor."))
        if signing.is_alone():
            _sign_alone(locked, by, seen, note)
        else:
            _sign_for(locked, side, by, seen, note)
        if signing.are_complete(signing.valid(locked)):
            _step(locked, State.APPROVED)
    return locked


def _sign_for(version: ScorecardVersion, side: str, by: User, seen: str, note: str) -> None:
    standing = signing.valid(version)
    if any(signature.side == side for signature in standing):
        raise Refused(_("This side has signed already."))
    if any(signature.by_id == by.pk for signature in standing):
        raise Refused(_("You have signed for the other side. Two different people turn the two keys."))
    Signature.objects.create(version=version, side=side, by=by, digest=seen, note=note.strip())
    log(version, by, "signed", side=side, digest=seen, note=note.strip())
    _set_single_key(False, by)


def _sign_alone(version: ScorecardVersion, by: User, seen: str, note: str) -> None:
    for side in Signature.Side.values:
        Signature.objects.create(
            version=version, side=side, kind=Signature.Kind.SINGLE_KEY, by=by, digest=seen, note=note.strip()
        )
    log(version, by, "signed_alone", digest=seen, note=note.strip())
    _set_single_key(True, by)


def _set_single_key(alone: bool, by: User) -> None:
    """Write down, and log, that one person turns both keys here, or no longer does."""
    workspace, _new = Workspace.objects.get_or_create(pk=1)
    if workspace.single_key != alone:
        Workspace.objects.filter(pk=1).update(single_key=alone)
        audit.record(by, "workspace.single_key", "workspace:1", single_key=[not alone, alone])


def _void(version: ScorecardVersion, by: User) -> None:
    voided = version.signatures.filter(voided_at=None)
    sides = list(voided.values_list("side", flat=True))
    if sides:
        voided.update(voided_at=timezone.now())
        log(version, by, "signatures_voided", sides=sides)


# --- Publishing ---------------------------------------------------------------------------------------


def publish(version: ScorecardVersion, *, by: User, seen: str, reason: str, without_backtest: str = "") -> PublishRun:
    """Put an approved version in force, and say why; `without_backtest` says why nobody looked at history first."""
    _must_draft(by)
    reason = _reason(reason, _("Say why this version goes live."))
    with transaction.atomic():
        locked = _locked(version, State.APPROVED)
        _must_be_seen(locked, seen)
        signatures = signing.valid(locked)
        if not signing.are_complete(signatures) or any(one.digest != seen for one in signatures):
            raise Refused(_("A scorecard goes live with the signatures of marketing and sales."))
        if any(one.kind == Signature.Kind.SINGLE_KEY for one in signatures) and not signing.is_alone():
            raise Refused(_("You are no longer alone here: take it back and let two people sign."))
        if doubts.blocking(locked):
            raise Refused(_("Something in this version keeps it from going live. It is marked in the editor."))
        looked_at, tried = backtest.latest(locked), previews.kept(locked)
        if looked_at is None:
            without_backtest = _reason(without_backtest, _("Say why this version goes live without a back-test."))
        try:
            run = publishing.publish(locked, by=by, reason=reason[:300])
        except publishing.NotReady as error:
            raise Refused(_("Another version is just being published.")) from error
        log(
            locked, by, "published", reason=reason, without_backtest=without_backtest if looked_at is None else "",
            backtest=looked_at.pk if looked_at else None,
            preview=tried.run.pk if tried and tried.is_current else None, run=run.pk, leads=run.total,
        )  # fmt: skip
    return run


# --- What the verbs share -------------------------------------------------------------------------------


def _n(version: ScorecardVersion) -> dict[str, int]:
    return {"number": version.number}


def _must_draft(by: User) -> None:
    if not signing.may_draft(by):
        raise Forbidden(_("Sales reps read scorecards; marketers, sales leads and admins change them."))


def _reason(text: str, wanted: str) -> str:
    if not text.strip():
        raise Refused(wanted)
    return text.strip()


def _locked(version: ScorecardVersion, *states: str) -> ScorecardVersion:
    """Return the version as it is now, locked; Refused when it is in another state."""
    locked = ScorecardVersion.objects.select_for_update(of=("self",)).select_related("scorecard").get(pk=version.pk)
    if locked.state not in states:
        told = {"number": locked.number, "state": locked.get_state_display()}
        raise Refused(_("Version %(number)d is not open for that: it is “%(state)s”.") % told)
    return locked


def _step(version: ScorecardVersion, to: str, **values: Any) -> None:
    """Change the state where the old one still holds."""
    here = ScorecardVersion.objects.filter(pk=version.pk, state=version.state)
    if not here.update(state=to, **values):
        raise Stale(_("Somebody else was faster. Nothing was changed."))
    version.state = to


def _must_be_seen(version: ScorecardVersion, seen: str) -> None:
    if contents.digest(version) != seen:
        raise Stale(_("The version has changed since you read it. Read it again before you decide."))


def _not_while_publishing(version: ScorecardVersion) -> None:
    if PublishRun.objects.filter(version=version, phase=PublishRun.Phase.FILL).exists():
        raise Refused(_("This version is just being published."))
