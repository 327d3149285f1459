"""Segment's own Python SDK, unmodified, against a running server: compressed, repeated, and answered as it expects."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from segment.analytics.client import Client as Segment

from crm.models import Activity, Contact, TrackingReceipt
from crm.tracking import throttle
from scoring.drain import drain
from tests.cast import assemble
from tests.crm.tracking import a_key


@pytest.mark.parametrize("zipped", [False, True])
def test_segments_python_sdk_sends_everything_once(live_server: LiveServer, zipped: bool) -> None:
    throttle.forget()
    assemble()
    key, _row = a_key()
    failed: list[Any] = []
    segment = Segment(
        write_key=key, host=live_server.url, gzip=zipped, on_error=lambda *told: failed.append(told), upload_size=40
    )
    for number in range(20):
        user, device = f"user-{number}", f"device-{number}"
        segment.page(anonymous_id=device, properties={"path": "/pricing"}, message_id=f"page-{number}")
        segment.track(user, "White Paper Downloaded", message_id=f"track-{number}")
        segment.identify(user, {"email": f"p{number}@acme.example"}, anonymous_id=device, message_id=f"who-{number}")
    for number in random.Random(17).sample(range(20), 6):
        segment.track(f"user-{number}", "White Paper Downloaded", message_id=f"track-{number}")
    segment.flush()
    segment.shutdown()
    assert failed == []
    assert Activity.objects.count() == 60
    assert (Contact.objects.count(), Activity.objects.filter(contact=None).count()) == (20, 0)
    assert sum(TrackingReceipt.objects.values_list("duplicates", flat=True)) == 6
    drain()
    scores = set(Contact.objects.values_list("leads__standing__score", flat=True))
    assert len(scores) == 1 and min(scores) > 0
