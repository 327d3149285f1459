"""What must hold for scores; `manage.py doctor` asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consents
from crm.doctor import check
from leads.models import Lead, Standing
from scoring import matching, pointer, questions, rebuilding, reference
from scoring.facts import newest_leads
from scoring.models import (
    ActiveScoring,
    ContactSignals,
    Criterion,
    FailedScore,
    FitPredicate,
    Matcher,
    PendingActivity,
    PendingContact,
    PublishRun,
    Score,
    ScorecardVersion,
    ScoreHistory,
)
from scoring.packing import Torn, pack, points_of, unpack, unpack_bits

SAMPLE = 500
AT_ONCE = 500


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield list(ids[start : start + AT_ONCE])


def _settled(contacts: Sequence[int]) -> set[int]:
    """Return those of `contacts` for whom nothing waits: the others may differ for a moment."""
    waiting = set(PendingActivity.objects.filter(contact_id__in=contacts).values_list("contact_id", flat=True))
    waiting |= set(PendingContact.objects.filter(contact_id__in=contacts).values_list("contact_id", flat=True))
    waiting |= set(FailedScore.objects.filter(pk__in=contacts).values_list("pk", flat=True))  # has its own check
    return set(contacts) - waiting


def _sample(full: bool) -> list[int]:
    """Return contacts with a lead: all, or the newest and as many spread over the rest."""
    ids = list(Lead.objects.order_by("-contact_id").values_list("contact_id", flat=True).distinct())
    return ids if full else ids[:SAMPLE] + ids[SAMPLE :: max(1, len(ids) // SAMPLE)]


@check("pointer", gettext_lazy("Everything is scored by a published version"))
def _pointer(full: bool) -> Iterator[str]:
    active = ActiveScoring.objects.select_related("version").first()
    if active is None:
        yield _("No scorecard is in force.")
        return
    if active.version.state != ScorecardVersion.State.PUBLISHED:
        yield _("Scores follow version %(number)d, which is not published.") % {"number": active.version.number}
    if any(c.slot is None or (c.matcher_id is None) == (c.predicate_id is None) for c in active.version.criteria.all()):
        yield _("A criterion of the version in force has no place or no question.")
    for run in PublishRun.objects.filter(phase=PublishRun.Phase.FAILED):
        yield _("Pass %(id)d over all leads failed.") % {"id": run.pk}


@check("frozen", gettext_lazy("Published scorecards are as they were when they were signed"))
def _frozen(full: bool) -> Iterator[str]:
    for version in ScorecardVersion.objects.filter(state__in=ScorecardVersion.FROZEN):
        sides = set(version.signatures.filter(voided_at=None).values_list("side", flat=True))
        if sides != {"marketing", "sales"}:
            yield _("Version %(number)d lacks a signature.") % {"number": version.number}
        for criterion in version.criteria.select_related("matcher", "predicate"):
            if not _asks_its_question(criterion):
                yield _("Criterion %(key)s of version %(number)d asks something else than when it was published.") % {
                    "key": criterion.key,
                    "number": version.number,
                }


def _asks_its_question(criterion: Criterion) -> bool:
    matcher, predicate = criterion.matcher, criterion.predicate
    if criterion.is_of_activities:
        return matcher is not None and (matcher.kind, matcher.where) == (
            criterion.activity_kind_id, matching.normal(criterion.where),
        )  # fmt: skip
    return predicate is not None and (predicate.fact, predicate.operator, predicate.value) == (
        criterion.fact, criterion.operator, criterion.value,
    )  # fmt: skip


@check("signals", gettext_lazy("Signals equal what the activities and profiles say"))
def _signals(full: bool) -> Iterator[str]:
    active = pointer.read()
    if active is None or PublishRun.objects.filter(phase=PublishRun.Phase.FILL).exists():
        return
    matchers, predicates = Matcher.objects.filter(filled=True), FitPredicate.objects.filter(filled=True)
    catalogue = matching.catalogue_of(matchers, predicates)
    asked, bits = {m.pk for m in matchers}, {p.bit for p in predicates}
    for sampled in _chunks(_sample(full)):
        contacts = sorted(_settled(sampled))
        counted = rebuilding.counts_of(contacts, catalogue, active.day)
        true = questions.bits_of(contacts, list(predicates))
        leads = newest_leads(contacts)
        objectors = consents.profiling_objectors(contacts)
        rows = ContactSignals.objects.in_bulk(contacts)
        for contact, row in rows.items():
            try:
                kept = unpack(bytes(row.data))
            except Torn:
                yield _("The signals of contact %(id)d are torn: part of them is missing.") % {"id": contact}
                continue
            kept = type(kept)({key: n for key, n in kept.items() if key[0] in asked})
            if pack(kept, active.day) != pack(counted.get(contact, type(kept)()), active.day):
                yield _("The signals of contact %(id)d differ from its activities.") % {"id": contact}
            if unpack_bits(bytes(row.fit_bits)) & bits != true[contact]:
                yield _("The fit of contact %(id)d differs from its profile.") % {"id": contact}
            lead = leads.get(contact)
            if (row.lead_id, row.objected) != (lead["id"] if lead else None, contact in objectors):
                yield _("The signals of contact %(id)d point to another lead or overlook an objection.") % {
                    "id": contact
                }
        for contact in set(contacts) - rows.keys():
            yield _("Contact %(id)d has a lead and no signals.") % {"id": contact}


@check("scores", gettext_lazy("Stored scores equal a fresh reckoning from the activities"))
def _scores(full: bool) -> Iterator[str]:
    active = pointer.read()
    if active is None or PublishRun.objects.exclude(phase__in=PublishRun.ENDED).exists():
        return
    version = reference.whole(active.version_id)
    for contacts in _chunks(_sample(full)):
        settled = _settled(contacts) - consents.profiling_objectors(contacts)
        newest = {row["id"] for row in newest_leads(settled).values()}
        leads = list(Lead.objects.filter(pk__in=newest))
        scores = Score.objects.in_bulk([lead.pk for lead in leads])
        for pk, told in reference.of_leads(leads, version, active.day).items():
            if not _equals(scores.get(pk), told):
                yield _("The score of lead %(id)d is not what its activities say.") % {"id": pk}


def _equals(score: Score | None, told: reference.Reckoning) -> bool:
    if score is None:
        return False
    try:
        stored = {slot: points for slot, points in enumerate(points_of(bytes(score.points))) if points}
    except Torn:
        return False
    verdict = told.verdict
    return stored == told.points_by_slot() and (score.fit, score.engagement, score.grade, score.at_bar) == (
        verdict.fit, verdict.engagement, verdict.grade, verdict.at_bar,
    )  # fmt: skip


@check("failed_scores", gettext_lazy("Nobody was given up whose score could not be worked out"))
def _failed_scores(full: bool) -> Iterator[str]:
    for row in FailedScore.objects.filter(next_try_at=None, left_out=False)[:20]:
        yield _("Contact %(id)d could not be scored in %(tries)d tries: %(reason)s") % {
            "id": row.pk, "tries": row.tries, "reason": row.reason,
        }  # fmt: skip


@check("shown", gettext_lazy("The boards show the stored scores"))
def _shown(full: bool) -> Iterator[str]:
    scored = Standing.objects.filter(lead__scored__isnull=False)
    wrong = scored.exclude(score=F("lead__scored__total"), grade=F("lead__scored__grade"), rank=F("score"))
    unscored = Standing.objects.filter(lead__scored=None).exclude(score=None, rank=-1, grade="")
    for pk in [*wrong.values_list("pk", flat=True)[:20], *unscored.values_list("pk", flat=True)[:20]]:
        yield _("The board shows another score of lead %(id)d than the stored one.") % {"id": pk}


@check("history", gettext_lazy("What is told of a score is told of a lead there is"))
def _history(full: bool) -> Iterator[str]:
    orphans = ScoreHistory.objects.filter(~Exists(Lead.objects.filter(pk=OuterRef("lead_id"))))
    for lead in orphans.order_by("lead_id").values_list("lead_id", flat=True).distinct()[:20]:
        yield _("The history tells of lead %(id)d, which is gone.") % {"id": lead}
