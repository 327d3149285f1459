"""A form sent several times at once: a double click, a retry, two tabs."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from crm import activities
from crm.models import Activity, Company, Contact
from leads import adding
from leads.models import Lead, Source
from tests.cast import Cast, accepted

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(act: Callable[[], Any], times: int = 8) -> list[Any]:
    """Return what `act` answered in as many threads, each with a connection of its own."""
    start, answers = threading.Barrier(times), []

    def run() -> None:
        try:
            start.wait()
            answers.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == times
    return answers


def test_a_lead_added_eight_times_at_once_is_one(cast: Cast) -> None:
    token, source = uuid.uuid4().hex, Source.objects.get(key="by_hand")
    person = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@navy.example"}
    leads = at_once(lambda: adding.add(person, by=cast.sam, token=token, company="Navy Ltd", source=source).pk)
    assert set(leads) == {Lead.objects.get().pk}
    assert (Contact.objects.count(), Company.objects.count()) == (1, 1)


def test_a_call_logged_eight_times_at_once_is_one(cast: Cast) -> None:
    contact, token = accepted(cast).contact, uuid.uuid4().hex
    at_once(lambda: activities.record(contact, "call_out", by=cast.sam, message_id=token))
    assert Activity.objects.filter(contact=contact).count() == 1
