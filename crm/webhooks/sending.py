"""Sending what waits for webhooks. One worker at a time does it, with up to 32 receivers at once, so that a slow one
holds up neither the others nor the rest of the work. At least once: who answered too late is told again, same id.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from crm import outbox
from crm.models import Disclosure, Heartbeat, OutboxMessage, WebhookAttempt, WebhookEndpoint
from crm.webhooks import composing, queueing
from crm.webhooks.posting import Answer, Outcome, post

AT_ONCE, AT_ONCE_PER_ENDPOINT = 32, 4
TURN, TURN_LASTS = "webhooks", timedelta(seconds=60)
REST = timedelta(seconds=60)
PATIENCE = timedelta(days=3)
State = OutboxMessage.State
Flights = dict["Future[Answer]", OutboxMessage]


def deliver(seconds: float = 40) -> int:
    """Send what is due for up to `seconds`, and wait for what is under way; return how many messages were tried."""
    if not outbox.due(timezone.now()).filter(channel=outbox.WEBHOOK).exists():
        return 0
    with _turn() as is_ours:
        return _deliver(seconds) if is_ours else 0


def _deliver(seconds: float) -> int:
    tried, until, flights = 0, time.monotonic() + seconds, Flights()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < until:
                for message in _claimed(flights):
                    if (asked := _composed(message)) is not None:
                        flights[pool.submit(post, asked)] = message
                    tried += 1
            if not flights:
                return tried
            done, _waiting = wait(flights, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                settle(flights.pop(future), future.result())
            Heartbeat.objects.filter(name=TURN).update(at=timezone.now() + TURN_LASTS)


@contextmanager
def _turn() -> Iterator[bool]:
    """Take the turn that one process at a time has; who dies with it loses it after a minute."""
    now = timezone.now()
    free = Heartbeat.objects.filter(name=TURN, at__lte=now).update(at=now + TURN_LASTS)
    if not free:
        try:
            with transaction.atomic():
                Heartbeat.objects.create(name=TURN, at=now + TURN_LASTS)
        except IntegrityError:
            yield False
            return
    try:
        yield True
    finally:
        Heartbeat.objects.filter(name=TURN).update(at=timezone.now())


def _claimed(flights: Flights) -> list[OutboxMessage]:
    """Lease due messages, a few per endpoint, so that a receiver with a thousand does not go before one with one."""
    now = timezone.now()
    _own_up(flights, now)
    room = AT_ONCE - len(flights)
    busy = Counter(message.endpoint_id for message in flights.values())
    waiting = outbox.due(now).filter(channel=outbox.WEBHOOK).order_by().values_list("endpoint_id", flat=True).distinct()
    claimed: list[OutboxMessage] = []
    for endpoint in waiting:
        share = min(AT_ONCE_PER_ENDPOINT - busy[endpoint], room - len(claimed))
        if share > 0:
            claimed += outbox.claim(share, now, Q(channel=outbox.WEBHOOK, endpoint=endpoint))
    full = OutboxMessage.objects.select_related("endpoint", "contact__company")
    return list(full.filter(pk__in=[message.pk for message in claimed]))


def _own_up(flights: Flights, now: datetime) -> None:
    """Write down the tries that a worker did not live to see the end of: the receiver may know of them already."""
    ours = [message.pk for message in flights.values()]
    stale = outbox.due(now).filter(channel=outbox.WEBHOOK).exclude(lease_until=None).exclude(pk__in=ours)
    for pk, until in stale.order_by().values_list("pk", "lease_until")[:1000]:
        assert until is not None
        with transaction.atomic():
            died = OutboxMessage.objects.filter(pk=pk, lease_until=until)
            if died.update(lease_until=None, attempts=F("attempts") + 1):
                WebhookAttempt.objects.create(
                    message_id=pk, at=until - outbox.LEASE, outcome=Outcome.INTERRUPTED, milliseconds=0
                )


def _composed(message: OutboxMessage) -> composing.Request | None:
    """Return what to send; None when it is not to be sent, and the row says why."""
    try:
        return composing.request(message)
    except composing.NotToBeSent as no:
        state = State.FAILED if str(no) == "secret_lost" else State.CANCELLED
        OutboxMessage.objects.filter(pk=message.pk).update(state=state, lease_until=None, dead_reason=str(no))
        return None


def settle(message: OutboxMessage, answer: Answer) -> None:
    """Write down what came of one try, and what follows from it for the message and its endpoint."""
    now = timezone.now()
    endpoint = composing.endpoint_of(message)
    with transaction.atomic():
        WebhookAttempt.objects.create(
            message=message, at=now, outcome=answer.outcome, status=answer.status, milliseconds=answer.milliseconds,
            answer=answer.text,
        )  # fmt: skip
        if answer.outcome == Outcome.TAKEN:
            _taken(message, now)
        else:
            reason = f"{answer.outcome} {answer.status}" if answer.status else str(answer.outcome)
            outbox.retry_or_bury(message, reason, wait=timedelta(seconds=answer.wait or 0))
            _failed(endpoint, answer, now)


def _taken(message: OutboxMessage, now: datetime) -> None:
    OutboxMessage.objects.filter(pk=message.pk).update(
        state=State.SENT, sent_at=now, lease_until=None, attempts=message.attempts + 1, dead_reason=""
    )
    endpoint = composing.endpoint_of(message)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).exclude(failing_since=None).update(failing_since=None)
    if message.contact_id is None:
        return
    told = Disclosure.objects.filter(contact=message.contact_id, endpoint=endpoint).order_by("pk")[:1]
    if not Disclosure.objects.filter(pk__in=list(told.values_list("pk", flat=True))).update(
        last_at=now, count=F("count") + 1
    ):
        Disclosure.objects.create(contact_id=message.contact_id, endpoint=endpoint, first_at=now, last_at=now)


def _failed(endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    same = WebhookEndpoint.objects.filter(pk=endpoint.pk, active=True)
    if answer.outcome == Outcome.GONE:
        retire(endpoint, "gone", now)
        return
    same.filter(failing_since=None).update(failing_since=now)
    if same.filter(failing_since__lt=now - PATIENCE).exists():
        retire(endpoint, "silent", now)
    elif answer.outcome in {Outcome.TIMEOUT, Outcome.NO_CONNECTION}:
        # What waits for a receiver that does not even answer would only fill the line.
        waiting = outbox.due(now).filter(endpoint=endpoint)
        waiting.update(next_try_at=now + REST)


def retire(endpoint: WebhookEndpoint, why: str, now: datetime) -> None:
    """Tell an endpoint nothing any more; what waits for it is called off."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(active=False, retired_at=now, retired_because=why)
    queueing.call_off(endpoint, f"retired_{why}")
