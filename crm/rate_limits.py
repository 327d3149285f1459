"""Counting what one address does in a minute, where a stranger might try too often."""

from __future__ import annotations

from django.core.cache import caches
from django.http import HttpRequest

from crm.signin import client_address

SECONDS = 60


def times_this_minute(what: str, request: HttpRequest) -> int:
    """Count this request as one more `what` of its address, and return the how-manieth of the minute it is."""
    limits, key = caches["limits"], f"{what}:{client_address(request)}"
    limits.add(key, 0, SECONDS)
    try:
        return int(limits.incr(key))
    except ValueError:  # the minute ended in between
        return 1
