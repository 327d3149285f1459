"""The request of somebody who has signed in, for the type checker's sake."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from crm.models import User


class SignedInRequest(HttpRequest):
    """An HttpRequest behind `login_required`: its user is one of ours, and htmx has been asked."""

    user: User
    htmx: HtmxDetails
