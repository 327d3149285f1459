"""Who calls: a token acts as its user, narrowed by its scopes (I30, I52)."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.throttling import BaseThrottle

from crm import api_tokens, audit
from crm.api.problems import NotAllowed, Problem
from crm.models import ApiToken, User
from crm.rate_limits import times_this_minute
from crm.signin import client_address, from_this_machine

log = logging.getLogger("baton.api")
GUESSES_PER_MINUTE = 30
BURST = 300


class Bearer(BaseAuthentication):
    """`Authorization: Bearer <token>`. Whatever is wrong with it, the answer is the same 401."""

    def authenticate(self, request: Any) -> tuple[User, ApiToken]:
        expose(request._request)
        parts = request.META.get("HTTP_AUTHORIZATION", "").split(" ")
        token = api_tokens.known(parts[1]) if len(parts) == 2 and parts[0].lower() == "bearer" else None
        stranger = token is not None and token.user.is_demo and not from_this_machine(request._request)
        if token is None or stranger or not api_tokens.is_valid(token):
            note_guess(request._request, presented=len(parts) > 1)
            raise NotAllowed(401)
        return token.user, token

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


def expose(request: HttpRequest) -> None:
    """Refuse a request whose address holds a token, and flag the token: logs and histories keep addresses."""
    address = request.get_full_path()
    if "baton_" not in address:
        return
    for shape in api_tokens.SHAPE.finditer(address):
        token = api_tokens.known(shape[0])
        if token:
            api_tokens.flag_exposed(token)
    raise NotAllowed(401)


def note_guess(request: HttpRequest, *, presented: bool) -> None:
    """Count wrong tokens per address; beyond thirty a minute they are answered with 429, valid ones never."""
    if not presented:
        return
    if times_this_minute("token", request) <= GUESSES_PER_MINUTE:
        return
    if caches["limits"].add(f"burst:token:{client_address(request)}", 1, BURST):
        audit.record(None, "token.guessed", "api")
        log.warning("too many wrong tokens from one address")
    raise Problem(429, _("Too many wrong tokens from this address. Wait a minute."), wait=60)


class HasScope(BasePermission):
    """The view names the scope of each method; a method it does not have is answered with 405 further on."""

    def has_permission(self, request: Any, view: Any) -> bool:
        scope = getattr(view, "scopes", {}).get(request.method)
        if scope is not None and (request.auth is None or scope not in request.auth.scopes):
            raise NotAllowed(403, f'Bearer error="insufficient_scope", scope="{scope}"')
        return True


class PerToken(BaseThrottle):
    """So many requests a minute for each token, counted in its own row."""

    def allow_request(self, request: Any, view: Any) -> bool:
        if request.auth is None:
            return True
        if api_tokens.count_use(request.auth) > settings.API_REQUESTS_PER_MINUTE:
            wait = 60 - int(time.time()) % 60
            raise Problem(429, _("Too many requests with this token in this minute."), wait=wait)
        return True
