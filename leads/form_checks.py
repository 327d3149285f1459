"""What must hold for forms and what was sent by them; `manage.py doctor` asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.consent_texts import sha256
from crm.doctor import check
from crm.models import Activity, ConsentText, Workspace
from crm.workdays import local_date
from leads import prize_draws
from leads.arrivals import FEED
from leads.models import OPEN_STATES, PrizeEntry, Submission

State = Submission.State
OVER = (State.DISCARDED, State.EXPIRED, State.BLOCKED, State.DONE)


@check("submissions", gettext_lazy("Every submission is where it says it is, and keeps no more than it needs"))
def _submissions(full: bool) -> Iterator[str]:
    happened = Activity.objects.filter(feed=FEED, message_id=OuterRef("key"))
    taken = Submission.objects.filter(state__in=[State.DONE, State.TAKEN], contact__isnull=False)
    untold = taken.exclude(form__is_demo=True).annotate(told=Exists(happened)).filter(told=False)
    for pk in untold.values_list("pk", flat=True)[:20]:
        yield _("Submission %(id)d is taken over, but no activity tells of it.") % {"id": pk}
    full_ones = Submission.objects.filter(state__in=OVER).filter(~Q(values={}) | Q(ip__isnull=False))
    for pk in full_ones.values_list("pk", flat=True)[:20]:
        yield _("Submission %(id)d is over and still holds what was typed.") % {"id": pk}
    days = Workspace.objects.values_list("unconfirmed_days", flat=True).first() or 14
    late = Submission.objects.filter(state__in=OPEN_STATES, submitted_at__lt=timezone.now() - timedelta(days=days + 1))
    for pk in late.values_list("pk", flat=True)[:20]:
        yield _("Sign-up %(id)d should have vanished a day ago.") % {"id": pk}


@check("prize_entries", gettext_lazy("Every prize draw entry keeps its words, and none is kept after its last day"))
def _prize_entries(full: bool) -> Iterator[str]:
    rows = PrizeEntry.objects.order_by("-id").values_list("pk", "text", "sha256")
    for pk, text, print_ in rows if full else rows[:2000]:
        if sha256(text) != print_:
            yield _("Prize draw entry %(id)d no longer matches its words.") % {"id": pk}
    yesterday = local_date(timezone.now()) - timedelta(days=1)
    for pk in prize_draws.over(yesterday).order_by("pk").values_list("pk", flat=True)[:20]:
        yield _("Prize draw entry %(id)d should have been deleted a day ago.") % {"id": pk}


@check("consent_texts", gettext_lazy("Every consent text is what its fingerprint says"))
def _consent_texts(full: bool) -> Iterator[str]:
    for pk, body, print_ in ConsentText.objects.values_list("pk", "body", "sha256"):
        if sha256(body) != print_:
            yield _("Consent text %(id)d no longer matches its fingerprint.") % {"id": pk}
