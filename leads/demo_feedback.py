"""What the demo world's sales people said of the leads they answered: of two in three, as people do."""

from __future__ import annotations

from datetime import timedelta

from crm import demo
from crm.demo import World
from leads import feedback
from leads.models import Feedback, Handoff

V = Feedback.Verdict
SAID = {
    Handoff.Outcome.ACCEPTED: (V.GOOD, V.GOOD, V.NEUTRAL, V.GOOD, V.BAD),
    Handoff.Outcome.SENT_BACK: (V.BAD, V.NEUTRAL, V.BAD),
    Handoff.Outcome.DISQUALIFIED: (V.BAD,),
}  # fmt: skip


@demo.chapter
def say_how_good_they_were(world: World) -> None:
    """Write a verdict an hour after the answer, where somebody answered and that hour is over."""
    answered = Handoff.objects.filter(lead__is_demo=True, outcome__in=feedback.ANSWERED, closed_by__isnull=False)
    answered = answered.filter(closed_at__lt=world.now - timedelta(hours=1), feedback=None).order_by("offered_at", "pk")
    rows = []
    for place, handoff in enumerate(answered.only("outcome", "closed_at", "closed_by")):
        if place % 3 and handoff.closed_at and handoff.closed_by_id:
            choices = SAID[Handoff.Outcome(handoff.outcome)]
            at = handoff.closed_at + timedelta(hours=1)
            verdict = choices[place % len(choices)]
            rows.append(Feedback(handoff=handoff, by_id=handoff.closed_by_id, verdict=verdict, given_at=at))
    Feedback.objects.bulk_create(rows, batch_size=500)
