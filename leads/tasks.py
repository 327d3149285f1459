"""Jobs of leads: each fetches and calls the domain."""

from __future__ import annotations

from celery import shared_task

from crm import jobs
from leads import digests, notifications, nurture, prize_draws, returning, sla, steps, submissions
from leads.models import ImportBatch


@shared_task
def wake_leads() -> int:
    """Wake the leads whose date has come."""
    return returning.wake_due()


@shared_task
def watch_the_clocks() -> int:
    """Remind before a handoff is due, write breaches down, tell sales leads, move on what nobody answers."""
    return sla.look()


@shared_task
def remind_of_steps() -> int:
    """Remind people of the next steps that are due."""
    return steps.remind()


@shared_task
def group_nurture() -> int:
    """Group who rests in nurture by topic and phase."""
    return nurture.group()


@jobs.job
def carry_on_with_imports(seconds: float) -> None:
    """Write, check or undo the imports that are under way."""
    if ImportBatch.objects.filter(state__in=ImportBatch.AT_WORK).exists():
        from leads.imports import batches  # only now: reading workbooks costs memory that most workers never need

        batches.carry_on(seconds)


@shared_task
def put_imports_to_rest() -> int:
    """Delete the lists of imports that can no longer be undone."""
    from leads.imports import batches

    return batches.put_to_rest()


@shared_task
def send_digests() -> int:
    """Send the daily mail to everybody whose morning has come."""
    return digests.send_due()


@shared_task
def forget_old_notifications() -> int:
    """Delete what people were told long ago."""
    return notifications.forget_old() + digests.forget_old()


@shared_task
def forget_unconfirmed() -> int:
    """Empty sign-ups nobody confirmed in time."""
    return submissions.forget_overdue()


@shared_task
def forget_prize_entries() -> int:
    """Delete entries of prize draws that are over."""
    return prize_draws.forget_over()
