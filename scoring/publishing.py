"""Putting a version in force, and the pass that brings every score there: publish, night, repair.

A pass is a row (PublishRun) with a phase and a cursor. Each step is short, leaves the row behind it and can be done
twice; so a pass survives its process, runs beside the drains and is carried on by whoever comes next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from crm.models import Contact, User
from crm.wake import wake
from scoring import failures, matching, passes, pointer, promotion, questions, signing
from scoring.compiler import compiled
from scoring.decay import weights
from scoring.models import (
    Criterion,
    FitPredicate,
    Matcher,
    PublishRun,
    ScorecardVersion,
)
from scoring.storing import is_postgres

Phase = PublishRun.Phase
State = ScorecardVersion.State
MOVES_AT_ONCE = 100
ADVISORY_LOCK = 0x62_61_74_6F_6E  # "baton"
_only_one = threading.Lock()


class NotReady(Exception):
    """The version cannot be published as it stands; nothing was written."""


def prepare(version: ScorecardVersion) -> None:
    """Give each criterion its slot, its weights and the question it asks, before the version is frozen.

    Runs while no drain does, so that every later drain knows the new questions.
    """
    with transaction.atomic():
        pointer.hold()
        slots, criteria = _slots(version), list(version.criteria.all())
        matching.ask(criteria)
        for criterion in criteria:
            criterion.slot = slots[criterion.key]
            if criterion.is_of_activities:
                criterion.weights = weights(criterion.half_life, criterion.window)
        Criterion.objects.bulk_update(criteria, ["slot", "weights", "matcher", "predicate"])
        pointer.renew_catalogue()


def _slots(version: ScorecardVersion) -> dict[str, int]:
    """Return {key: slot}: a key keeps the slot it ever had, a new one gets a place nobody had."""
    taken = Criterion.objects.filter(version__scorecard=version.scorecard, slot__isnull=False)
    rows = taken.order_by("version__number").values_list("key", "slot")
    slots = {key: slot for key, slot in rows if slot is not None}
    free = max(slots.values(), default=-1) + 1
    for key in version.criteria.values_list("key", flat=True):
        if key not in slots:
            slots[key], free = free, free + 1
    return slots


def publish(version: ScorecardVersion, *, by: User | None, reason: str = "") -> PublishRun:
    """Begin to put an approved version in force; `carry_on` does the work. Raises NotReady."""
    with transaction.atomic():
        version = ScorecardVersion.objects.select_for_update().get(pk=version.pk)
        if version.state != State.APPROVED:
            raise NotReady(f"version {version.number} is {version.state}")
        if not signing.are_complete(signing.valid(version)):
            raise NotReady(f"version {version.number} lacks a signature")
        if PublishRun.objects.filter(phase=Phase.FILL).exists():
            raise NotReady("another version is just being published")
        prepare(version)
        active = pointer.read()
        wake("pending")
        return PublishRun.objects.create(
            cause=PublishRun.Cause.PUBLISH, phase=Phase.FILL, version=version, day=active.day if active else 0,
            total=Contact.objects.count(), asked_by=by, reason=reason,
        )  # fmt: skip


def rescore(*, rebuild: bool = False, by: User | None = None) -> PublishRun | None:
    """Begin a pass over all leads by the version in force; with `rebuild` signals are counted anew first."""
    if not rebuild:
        return pointer.turn(cause=PublishRun.Cause.REPAIR, asked_by=by)
    active = pointer.read()
    if active is None:
        return None
    return PublishRun.objects.create(
        cause=PublishRun.Cause.REPAIR, phase=Phase.FILL, version_id=active.version_id, day=active.day, rebuild=True,
        total=Contact.objects.count(), asked_by=by,
    )  # fmt: skip


def start_full(run: PublishRun) -> None:
    """Have a pass count everything anew before it scores."""
    PublishRun.objects.filter(pk=run.pk).update(phase=Phase.FILL, rebuild=True, total=Contact.objects.count())


def end(run: PublishRun) -> None:
    """End a pass that has nothing to do; the questions of an empty installation are answered."""
    Matcher.objects.update(filled=True)
    FitPredicate.objects.update(filled=True)
    PublishRun.objects.filter(pk=run.pk).update(phase=Phase.DONE, finished_at=timezone.now())


def under_way() -> PublishRun | None:
    """Return the pass that is to be carried on: the oldest that has not ended."""
    return PublishRun.objects.exclude(phase__in=PublishRun.ENDED).order_by("id").select_related("version").first()


def carry_on(*, seconds: float) -> bool:
    """Work on the passes under way for at most about `seconds`; True when none is left."""
    with _alone() as alone:
        return alone and _carry_on(time.monotonic() + seconds)


@contextmanager
def _alone() -> Iterator[bool]:
    """Say whether this process may work on the passes. Two at once would do no harm, only the work twice."""
    if not is_postgres():
        mine = _only_one.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                _only_one.release()
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


def _carry_on(deadline: float) -> bool:
    while time.monotonic() < deadline:
        run = under_way()
        if run is None:
            return True
        try:
            _step(run)
        except OperationalError as error:
            if "deadlock" not in str(error).lower() and "locked" not in str(error).lower():
                raise
            time.sleep(0.05)
    return under_way() is None


def _step(run: PublishRun) -> None:
    """Do the next step; where one person makes it fail, set them aside and let the step be done again."""
    try:
        STEPS[run.phase](run)
    except OperationalError:
        raise
    except Exception:
        if run.phase != Phase.FILL or not _fill_one_by_one(run):
            raise


def _saved(run: PublishRun, **values: object) -> None:
    """Write progress, unless the pass was overtaken or somebody else came further meanwhile."""
    PublishRun.objects.filter(pk=run.pk, phase=run.phase, cursor=run.cursor).update(**values)


def _ended(run: PublishRun) -> None:
    _saved(run, phase=Phase.DONE, finished_at=timezone.now(), done=F("total"))


# --- Filling: new questions about the past --------------------------------------------------------


def _fill(run: PublishRun) -> None:
    new = _questions(run)
    contacts = _next_contacts(run.cursor) if new.matchers or new.predicates or run.rebuild else []
    if not contacts:
        _flip(run, new)
        return
    with transaction.atomic():
        questions.answer(contacts, new, run.day, anew=run.rebuild)
        _saved(run, cursor=contacts[-1], done=F("done") + len(contacts))


def _fill_one_by_one(run: PublishRun) -> int:
    """Ask the new questions person by person; set aside who cannot be asked, and return how many."""
    new, failed = _questions(run), 0
    contacts = _next_contacts(run.cursor)
    for contact in contacts:
        try:
            with transaction.atomic():
                questions.answer([contact], new, run.day, anew=run.rebuild)
        except OperationalError:
            raise
        except Exception as error:
            failures.note(contact, error)
            failed += 1
            if failed == len(contacts) > 1:  # nobody could be asked: it is not them
                raise
    if failed:
        _saved(run, cursor=contacts[-1], done=F("done") + len(contacts))
    return failed


def _questions(run: PublishRun) -> matching.Catalogue:
    matchers, predicates = Matcher.objects.order_by("pk"), FitPredicate.objects.order_by("bit")
    if run.rebuild:
        return matching.catalogue_of(matchers, predicates)
    return matching.catalogue_of(matchers.filter(filled=False), predicates.filter(filled=False))


def _next_contacts(after: int) -> list[int]:
    at_once = 5000 if is_postgres() else 400
    sound = Contact.objects.filter(pk__gt=after, failed_score=None)
    return list(sound.order_by("pk").values_list("pk", flat=True)[:at_once])


def _flip(run: PublishRun, filled: matching.Catalogue) -> None:
    """Everything is answered: put the version in force and point at it, in a transaction of its own."""
    with transaction.atomic():
        if not PublishRun.objects.select_for_update().filter(pk=run.pk, phase=Phase.FILL).exists():
            return
        asked = [pk for rows in filled.matchers.values() for pk, _where in rows]
        Matcher.objects.filter(pk__in=asked).update(filled=True)
        FitPredicate.objects.filter(bit__in=[predicate.bit for predicate in filled.predicates]).update(filled=True)
        version = ScorecardVersion.objects.select_for_update().get(pk=run.version_id)
        if version.state == State.APPROVED:
            if not signing.are_complete(signing.valid(version)):  # voided behind our back
                PublishRun.objects.filter(pk=run.pk).update(phase=Phase.FAILED, finished_at=timezone.now())
                return
            put_in_force(version, by=run.asked_by)
        pointer.turn(version if version.state == State.PUBLISHED else None, cause=run.cause, run=run)


def put_in_force(version: ScorecardVersion, *, by: User | None) -> None:
    """Retire the version in force and publish `version`; the database refuses one without both signatures."""
    now = timezone.now()
    others = ScorecardVersion.objects.filter(scorecard=version.scorecard, state=State.PUBLISHED)
    others.update(state=State.RETIRED, retired_at=now)
    version.state, version.published_at, version.published_by = State.PUBLISHED, now, by
    version.save(update_fields=["state", "published_at", "published_by"])


# --- Scoring --------------------------------------------------------------------------------------


def _score(run: PublishRun) -> None:
    step = passes.step(run)
    if step is None:
        _saved(run, phase=Phase.SUPERSEDED, finished_at=timezone.now())
    else:
        onward = {"phase": Phase.MOVE, "cursor": 0} if step.was_last else {"cursor": step.last}
        _saved(run, done=F("done") + step.read, changed=F("changed") + step.changed, **onward)


# --- Moving ---------------------------------------------------------------------------------------


def _move(run: PublishRun) -> None:
    """Promote and demote by state, a hundred leads at a time: what a killed pass left behind is found again."""
    current = pointer.read()
    if current is None or current.version_id != run.version_id:
        return
    version = compiled(current.version_id, current.catalogue)
    rising = promotion.at_the_bar(run.cursor, MOVES_AT_ONCE)
    falling = promotion.below_the_leave_bar(version, run.cursor, MOVES_AT_ONCE)
    if not rising and not falling:
        _ended(run)
        return
    last = min((ids[-1] for ids in (rising, falling) if len(ids) == MOVES_AT_ONCE), default=None)
    rising, falling = _up_to(rising, last), _up_to(falling, last)
    with transaction.atomic():
        promotion.lock([*rising, *falling], version, version.skip_review)
        moved = promotion.move(rising, falling)
        _saved(
            run, cursor=max([*rising, *falling]), promoted=F("promoted") + moved.promoted,
            demoted=F("demoted") + moved.demoted,
        )  # fmt: skip


def _up_to(ids: Iterable[int], last: int | None) -> list[int]:
    return [pk for pk in ids if last is None or pk <= last]


STEPS: dict[str, Callable[[PublishRun], None]] = {Phase.FILL: _fill, Phase.SCORE: _score, Phase.MOVE: _move}
