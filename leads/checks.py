"""What must hold for leads; `manage.py doctor` asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activities import slices
from crm.doctor import LATE, check
from leads import steps, touches
from leads.lifecycle import lane_for
from leads.models import (
    Handoff,
    ImportBatch,
    Lead,
    Notification,
    Rota,
    Seat,
    SlaEvent,
    StageChange,
    Standing,
    Step,
    Touch,
)
from leads.reports.conservation import by_month
from leads.stages import CLOSED, OPEN, SALES_OWNED, Lane, Stage, Verb

PLAIN_LANES = {
    Stage.LEAD: Lane.NEW,
    Stage.SALES_ACCEPTED: Lane.ACCEPTED,
    Stage.SALES_QUALIFIED: Lane.QUALIFIED,
    Stage.WON: Lane.WON,
    Stage.LOST: Lane.LOST,
    Stage.DISQUALIFIED: Lane.GONE,
}


@check("log", gettext_lazy("The log of every lead replays to its stage"))
def _log(full: bool) -> Iterator[str]:
    newest = StageChange.objects.filter(lead=OuterRef("pk")).order_by("-seq")
    leads = Lead.objects.annotate(
        rows=Count("changes"), last=Max("changes__seq"), said=Subquery(newest.values("to_stage")[:1])
    ).values_list("pk", "stage", "version", "rows", "last", "said")
    for pk, stage, version, rows, last, said in leads.iterator(chunk_size=5000):
        if (said or Stage.LEAD) != stage:
            yield _("Lead %(id)d stands in %(stage)s, its log ends in %(said)s.") % {
                "id": pk,
                "stage": stage,
                "said": said,
            }
        if (last or 0) != version or rows != version:
            yield _("Lead %(id)d has version %(version)d and %(rows)d log rows.") % {
                "id": pk,
                "version": version,
                "rows": rows,
            }
    yield from _broken_chains()


def _broken_chains() -> Iterator[str]:
    before = StageChange.objects.filter(lead=OuterRef("lead"), seq=OuterRef("seq") - 1)
    chained = StageChange.objects.annotate(came=Subquery(before.values("to_stage")[:1]))
    broken = chained.filter(Q(seq=1) & ~Q(from_stage=Stage.LEAD) | Q(seq__gt=1) & ~Q(came=F("from_stage")))
    for lead, seq in broken.values_list("lead_id", "seq")[:20]:
        yield _("Log row %(seq)d of lead %(id)d does not begin where the row before ended.") % {"seq": seq, "id": lead}


@check("standing", gettext_lazy("Every lead has a standing, and it equals its derivation"))
def _standing(full: bool) -> Iterator[str]:
    for pk in Lead.objects.filter(standing=None).values_list("pk", flat=True)[:20]:
        yield _("Lead %(id)d has no standing.") % {"id": pk}
    rows = Standing.objects.values_list(
        "pk", "lane", "lead__stage", "owner_id", "lead__owner_id", "team_id", "lead__team_id"
    )
    for pk, lane, stage, owner, lead_owner, team, lead_team in rows.iterator(chunk_size=5000):
        if (owner, team) != (lead_owner, lead_team):
            yield _("The standing of lead %(id)d shows another owner or team.") % {"id": pk}
        if stage in PLAIN_LANES and lane != PLAIN_LANES[stage]:
            yield _("Lead %(id)d stands in a lane that is not its own.") % {"id": pk}
    for lead in _lane_needs_derivation(full):
        if lead.standing.lane != lane_for(lead):
            yield _("Lead %(id)d stands in a lane that is not its own.") % {"id": lead.pk}


def _lane_needs_derivation(full: bool) -> Iterator[Lead]:
    leads = Lead.objects.filter(stage__in=[Stage.MARKETING_QUALIFIED, Stage.NURTURE]).select_related("standing")
    rows = leads.exclude(standing=None).order_by("-pk")
    yield from (rows if full else rows[:500]).iterator(chunk_size=2000)


@check("owners", gettext_lazy("Every open lead has an owner or a queue"))
def _owners(full: bool) -> Iterator[str]:
    for pk in Lead.objects.filter(stage__in=OPEN, owner=None, team=None).values_list("pk", flat=True)[:20]:
        yield _("Lead %(id)d has neither owner nor queue.") % {"id": pk}
    native = Lead.objects.filter(stage__in=SALES_OWNED, owner=None).exclude(changes__actor="import")
    for pk in native.values_list("pk", flat=True)[:20]:
        yield _("Lead %(id)d is in sales without an owner.") % {"id": pk}


@check("episodes", gettext_lazy("A contact has at most one open lead, and episodes count on without a gap"))
def _episodes(full: bool) -> Iterator[str]:
    grouped = Lead.objects.values("contact").annotate(
        n=Count("pk"), last=Max("episode"), open=Count("pk", filter=Q(stage__in=OPEN))
    )
    for row in grouped.filter(Q(open__gt=1) | ~Q(n=F("last"))).order_by()[:20]:
        yield _("Contact %(id)d has %(open)d open leads and %(n)d episodes.") % {
            "id": row["contact"], "open": row["open"], "n": row["n"],
        }  # fmt: skip


@check("handoffs", gettext_lazy("A handoff is open only for an MQL, and says who took it when it was accepted"))
def _handoffs(full: bool) -> Iterator[str]:
    astray = Handoff.objects.open().exclude(lead__stage=Stage.MARKETING_QUALIFIED)
    for pk in astray.values_list("pk", flat=True)[:20]:
        yield _("Handoff %(id)d is open, but its lead is no MQL.") % {"id": pk}
    for pk in Handoff.objects.filter(closed_at=None).exclude(outcome="").values_list("pk", flat=True)[:20]:
        yield _("Handoff %(id)d is open and has an outcome.") % {"id": pk}


@check("rota", gettext_lazy("No place in the row of assignment lies ahead of the turns that were taken"))
def _rota(full: bool) -> Iterator[str]:
    taken = Rota.objects.aggregate(last=Max("turn"))["last"] or 0
    for pk in Seat.objects.filter(turn__gt=taken).values_list("pk", flat=True)[:20]:
        yield _("Person %(id)d holds a turn that nobody has taken yet.") % {"id": pk}


@check("clocks", gettext_lazy("Every handoff that is overdue has its breach written down, once, and no other has"))
def _clocks(full: bool) -> Iterator[str]:
    breaches = SlaEvent.objects.filter(kind=SlaEvent.Kind.BREACH)
    written = breaches.filter(handoff=OuterRef("pk"), due_at=OuterRef("due_at"))
    overdue = Handoff.objects.overdue(timezone.now() - LATE)
    for pk in overdue.filter(~Exists(written)).values_list("pk", flat=True)[:20]:
        yield _("Handoff %(id)d is overdue, and no breach is written down.") % {"id": pk}
    in_time = breaches.filter(handoff__closed_at__lt=F("due_at"))
    for pk in in_time.values_list("handoff_id", flat=True)[:20]:
        yield _("Handoff %(id)d was closed in time, and a breach is written down.") % {"id": pk}
    twice = SlaEvent.objects.values("handoff", "kind", "due_at").annotate(n=Count("pk")).filter(n__gt=1).order_by()
    for row in twice[:20]:
        yield _("Handoff %(id)d has %(n)d events of one kind for one due time.") % {"id": row["handoff"], "n": row["n"]}


@check("automatic", gettext_lazy("The system hands a lead over for its grade at most once per round"))
def _automatic(full: bool) -> Iterator[str]:
    offers = StageChange.objects.filter(verb=Verb.HAND_OFF, actor="system", details__cause="skip_review")
    grouped = offers.values("lead", "round").annotate(n=Count("pk")).filter(n__gt=1).order_by()
    for row in grouped[:20]:
        yield _("Lead %(id)d was handed over %(n)d times by the system in round %(round)d.") % {
            "id": row["lead"], "n": row["n"], "round": row["round"],
        }  # fmt: skip


@check("rounds", gettext_lazy("A lead becomes MQL at most once per round"))
def _rounds(full: bool) -> Iterator[str]:
    promoted: Counter[tuple[int, int]] = Counter(
        StageChange.objects.filter(verb="qualify_for_marketing", reversed_by=None, actor="system").values_list(
            "lead_id", "round"
        )
    )
    for (lead, number), times in promoted.items():
        if times > 1:
            yield _("Lead %(id)d became MQL %(times)d times in round %(round)d.") % {
                "id": lead, "times": times, "round": number,
            }  # fmt: skip


@check("conservation", gettext_lazy("Entered = open + won + lost + disqualified, for every cohort"))
def _conservation(full: bool) -> Iterator[str]:
    for cohort in by_month():
        if not cohort.adds_up:
            yield _("Cohort %(month)s does not add up.") % {"month": cohort.label}
    total = sum(cohort.entered for cohort in by_month())
    if total != Lead.objects.count():
        yield _("The cohorts hold %(total)d leads of %(all)d.") % {"total": total, "all": Lead.objects.count()}


@check("closed", gettext_lazy("A closed lead says when"))
def _closed(full: bool) -> Iterator[str]:
    undated = Lead.objects.filter(stage__in=CLOSED, closed_on=None, imported=False)
    for pk in undated.values_list("pk", flat=True)[:20]:
        yield _("Lead %(id)d is closed without a date.") % {"id": pk}


@check("imports", gettext_lazy("Every row of an import is accounted for, once"))
def _imports(full: bool) -> Iterator[str]:
    outcomes = F("created") + F("updated") + F("unchanged") + F("skipped") + F("failed")
    batches = ImportBatch.objects.order_by("-id")
    for pk in batches.exclude(rows=outcomes).values_list("pk", flat=True)[:20]:
        yield _("The outcomes of import %(id)d do not add up to its rows.") % {"id": pk}
    kept = batches.annotate(kept=Count("lines")).order_by("-id")
    for pk, rows, lines in (kept if full else kept[:50]).values_list("pk", "rows", "kept"):
        if rows != lines:
            yield _("Import %(id)d counts %(rows)d rows and keeps %(lines)d.") % {
                "id": pk, "rows": rows, "lines": lines,
            }  # fmt: skip


@check("touches", gettext_lazy("First and last touch of every open lead equal their derivation"))
def _touches(full: bool) -> Iterator[str]:
    rows = Lead.objects.open().order_by("-pk").values_list("contact_id", "pk", "counts_from")
    for part in slices(rows.iterator(chunk_size=5000) if full else rows[:500]):
        kept = Touch.objects.filter(lead_id__in=[pk for _contact, pk, _day in part])
        known = {
            (lead, place): activity for lead, place, activity in kept.values_list("lead_id", "place", "activity_id")
        }
        right = touches.derived(part)
        for lead, place in sorted(known.keys() | right.keys()):
            if known.get((lead, place)) != right.get((lead, place)):
                yield _("The %(place)s touch of lead %(id)d is not what its activities say.") % {
                    "place": place,
                    "id": lead,
                }


@check("notifications", gettext_lazy("People are told of moves of that lead, and of none that was undone"))
def _notifications(full: bool) -> Iterator[str]:
    rows = Notification.objects.order_by("-pk").values_list("pk", "lead_id", "event")
    for part in slices(rows.iterator(chunk_size=5000) if full else rows[:500]):
        undone = StageChange.objects.filter(lead__in=[lead for _pk, lead, _event in part], reversed_by__isnull=False)
        gone = {f"lead:{lead}:{seq}" for lead, seq in undone.values_list("lead_id", "seq")}
        for pk, lead, event in part:
            if not event.startswith(f"lead:{lead}:") or event in gone:
                yield _("Notification %(id)d is about no move of lead %(lead)d that stands.") % {
                    "id": pk, "lead": lead,
                }  # fmt: skip


@check("steps", gettext_lazy("The next step of a lead is its earliest open step"))
def _steps(full: bool) -> Iterator[str]:
    planned = Q(next_step_on__isnull=False) | ~Q(next_step="") | Exists(Step.objects.open().filter(lead=OuterRef("pk")))
    rows = Lead.objects.filter(planned).order_by("-pk").values_list("pk", "next_step", "next_step_on")
    for part in slices(rows.iterator(chunk_size=5000) if full else rows[:500]):
        soonest = steps.earliest(pk for pk, _what, _day in part)
        for pk, what, day in part:
            step = soonest.get(pk)
            if (step.what, step.due_on) != (what, day) if step else True:
                yield _("Lead %(id)d shows another next step than its earliest one.") % {"id": pk}
