"""Jobs of crm: each fetches and calls the domain."""

from __future__ import annotations

from celery import shared_task

from crm import absences, audit, jobs, outbox, research, sessions
from crm.api import idempotency
from crm.lists import jobs as list_jobs
from crm.tracking import receipts
from crm.webhooks import keeping, sending


@shared_task
def deliver_outbox() -> int:
    """Send what is due to leave the house."""
    return outbox.deliver()


@shared_task
def deliver_webhooks() -> int:
    """Tell others what has happened here."""
    return sending.deliver()


@shared_task
def seal_audit_log() -> None:
    """Add a link to the audit log's chain."""
    audit.seal()


@shared_task
def forget_what_expired() -> None:
    """Delete sessions, counted attempts, kept answers, receipts, told webhooks and absences that are over."""
    sessions.forget_expired()
    idempotency.forget()
    receipts.forget_old()
    keeping.forget_old()
    absences.forget_old()


@shared_task
def end_research_surges() -> int:
    """Look again at people who may no longer research what they did."""
    return research.end_old()


@shared_task
def put_list_jobs_to_rest() -> int:
    """Delete exported files that expired, and old jobs on rows."""
    return list_jobs.put_to_rest()


@shared_task
def run_jobs() -> None:
    """Carry on with long jobs: back-tests and whatever else registers."""
    jobs.run(45)
