"""`Idempotency-Key`: the same POST sent again has one effect and gets the stored answer (R5, T14).

The answer is stored in the transaction of the effect: after a crash either both are there or neither.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from crm.api import problems
from crm.api.problems import Problem
from crm.models import KeptReply

LEASE = timedelta(seconds=60)
KEPT = timedelta(hours=24)
SHAPE = re.compile(r"[\x21-\x7e]{1,200}")
ANSWERED = (APIException, Http404, PermissionDenied, ValidationError)


def once(request: Any, body: bytes, act: Callable[[], Response]) -> Response:
    """Run `act` unless this key has been answered before; Problem 409 while it runs elsewhere, 422 for another body."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return act()
    if not SHAPE.fullmatch(key):
        raise Problem(400, _("An Idempotency-Key is 1 to 200 visible ASCII characters."), code="invalid")
    told = f"{request.method} {request.get_full_path()}\n".encode() + body
    row, is_ours = _claim(request.auth.pk, key, hashlib.sha256(told).hexdigest())
    if not is_ours:
        return _replayed(row)
    try:
        with transaction.atomic():
            response = _answered(act)
            if response.status_code != 409:
                _keep(row, response)
    except BaseException:
        _let_go(row)
        raise
    if response.status_code == 409:  # nothing was written, and the next attempt may find it otherwise
        _let_go(row)
    return response


def _let_go(row: KeptReply) -> None:
    KeptReply.objects.filter(pk=row.pk, status=None, lease_until=row.lease_until).delete()


def _answered(act: Callable[[], Response]) -> Response:
    try:
        with transaction.atomic():
            return act()
    except ANSWERED as error:
        response = problems.answer(error, {})
        if response is None:
            raise
        return response


def _claim(token: int, key: str, digest: str) -> tuple[KeptReply, bool]:
    """Return the row of this key, and whether the request is ours to run: new, its runner dead, or a day old."""
    now = timezone.now()
    try:
        with transaction.atomic():
            row = KeptReply.objects.create(
                token_id=token, key=key, digest=digest, lease_until=now + LEASE, created_at=now
            )
            return row, True
    except IntegrityError:
        pass
    row = KeptReply.objects.filter(token=token, key=key).first()
    if row is None:
        raise _in_flight(1)
    if row.created_at <= now - KEPT:
        return _take(row, now, digest)
    if row.digest != digest:
        raise Problem(422, _("This Idempotency-Key was sent with another request. Use a new one."))
    if row.status is not None:
        return row, False
    if row.lease_until > now:
        raise _in_flight(int((row.lease_until - now).total_seconds()) + 1)
    return _take(row, now, digest)


def _take(row: KeptReply, now: datetime, digest: str) -> tuple[KeptReply, bool]:
    same = KeptReply.objects.filter(pk=row.pk, lease_until=row.lease_until, status=row.status)
    if not same.update(lease_until=now + LEASE, created_at=now, digest=digest, status=None, body=""):
        raise _in_flight(1)
    row.lease_until, row.status = now + LEASE, None
    return row, True


def _in_flight(wait: int) -> Problem:
    return Problem(409, _("The same request is still running."), code="in_flight", wait=wait)


def _keep(row: KeptReply, response: Response) -> None:
    body = json.dumps({"data": response.data, "type": response.content_type or ""}, cls=JSONEncoder)
    kept = KeptReply.objects.filter(pk=row.pk, status=None, lease_until=row.lease_until)
    if not kept.update(status=response.status_code, body=body):
        raise _in_flight(1)  # we took longer than the lease, and somebody else runs it: undo ours


def _replayed(row: KeptReply) -> Response:
    assert row.status is not None
    told = json.loads(row.body)
    return Response(
        told["data"], status=row.status, content_type=told["type"] or None, headers={"Idempotency-Replayed": "true"}
    )


def forget() -> int:
    """Delete answers older than a day and return how many."""
    return KeptReply.objects.filter(created_at__lte=timezone.now() - KEPT).delete()[0]
