"""The button behind the link in the mail: what waited takes effect, dated when it was sent, and is proved."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from crm import consents
from crm.models import ConsentEvent, ConsentText, LegalBasis
from leads import opt_in, submissions
from leads.models import OPEN_STATES, Submission

State = Submission.State


def confirm(submission: Submission, ids: Sequence[int], *, ip: str) -> int:
    """Confirm those of `ids` that wait under the address of the link's submission; return how many did."""
    done = 0
    with transaction.atomic():
        submissions.in_turn(submission.address)
        rows = Submission.objects.filter(pk__in=ids, address=submission.address, state__in=OPEN_STATES)
        for row in rows.select_related("form__campaign", "form__source", "contact").order_by("pk"):
            done += _confirm_one(row, submission, ip)
    return done


def _confirm_one(row: Submission, link: Submission, ip: str) -> bool:
    now = timezone.now()
    if not Submission.objects.filter(pk=row.pk, state=row.state).update(state=State.DONE, confirmed_at=now):
        return False
    row.confirmed_at = now
    consents.lift_suppression(row.values["email"], cause=f"submission:{row.pk}")
    if row.state == State.PENDING:
        submissions.take_over(row)
    assert row.contact is not None
    opt_in.note(row, row.contact, ConsentEvent.Kind.CONFIRMED, at=now, link=link, confirmed_ip=ip)
    for text in ConsentText.objects.filter(pk__in=row.text_ids):
        LegalBasis.objects.create(
            contact=row.contact, purpose=text.purpose, basis=LegalBasis.Basis.CONSENT, since=timezone.localdate(now),
            source="form", note=row.form.name[:300],
        )  # fmt: skip
    row.values, row.ip, row.user_agent, row.state = {}, None, "", State.DONE
    row.save(update_fields=["values", "ip", "user_agent", "state", "confirmed_at"])
    return True
