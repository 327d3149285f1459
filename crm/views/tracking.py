"""The door for sites and apps: Segment's HTTP API, so that its SDKs and RudderStack's work unchanged."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from crm.models import WriteKey
from crm.rate_limits import times_this_minute
from crm.signin import client_address
from crm.tracking import intake, keys, refusals, throttle, wire

WRONG_KEYS_PER_MINUTE = 60
VISITOR_PER_SECOND, VISITOR_BURST = 20, 500
View = Callable[..., HttpResponse]


def for_other_sites(view: View) -> View:
    """Let pages of the sites a write key names read the answer, and answer what their browsers ask before."""

    @csrf_exempt
    @wraps(view)
    def open_door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
        elif request.method == "POST":
            response = view(request, *args, **kwargs)
        else:
            response = _no(405, _("Send it by POST."))
            response.headers["Allow"] = "POST, OPTIONS"
        origin = request.headers.get("Origin", "")
        if origin and origin in keys.known_sites():
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = "authorization, content-type"
            response.headers["Access-Control-Max-Age"] = "600"
        response.headers["Vary"] = "Origin"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    return open_door


@for_other_sites
def receive(request: HttpRequest, type: str) -> HttpResponse:
    """Take one message, or with the type 'batch' many. 400 is for what can never succeed: an SDK gives it up."""
    if exposed := request.GET.get("writeKey") or request.GET.get("write_key"):
        keys.mark_exposed(exposed)
        return _stranger(request)
    try:
        told = wire.body(request)
    except wire.Unreadable as error:
        return _no(error.status, str(error.why))
    key = keys.find(wire.write_key(request, told))
    if key is None:
        return _stranger(request)
    origin = request.headers.get("Origin", "")
    if origin and origin not in key.sites:
        return _no(403, _("This site is not one of those the write key is for."))
    bodies = told.get("batch") if type == "batch" else [told | {"type": type}]
    if not isinstance(bodies, list):
        return _no(400, _("A batch is a list."))
    if seconds := _wait(key, request, len(bodies)):
        return _later(429, _("Too many messages at once."), seconds)
    return _taken(request, key, bodies, told, one=type != "batch")


def _taken(request: HttpRequest, key: WriteKey, bodies: list[Any], told: dict[str, Any], *, one: bool) -> HttpResponse:
    signal = bool(request.headers.get("Origin")) and request.headers.get("Sec-GPC") == "1"
    sender = request.headers.get("User-Agent", "").partition(" ")[0]
    try:
        receipt = intake.take(key, bodies, sent_at=told.get("sentAt"), sender=sender, privacy_signal=signal)
    except OperationalError:
        return _later(503, _("Busy. Send it again."), 2)
    if one and receipt.refused and not signal:
        line = receipt.messages[0]
        return _no(400, refusals.sentence(line["reason"], line.get("detail", "")))
    return JsonResponse({"success": True})


def _wait(key: WriteKey, request: HttpRequest, count: int) -> int:
    """Return in how many seconds so many messages are welcome, 0 for now; a browser may send less than a server."""
    limit = settings.TRACKING_PER_SECOND
    waits = throttle.wait(key.pk, count, per_second=limit, burst=limit * 4)
    if not waits and request.headers.get("Origin"):
        visitor = (key.pk, client_address(request))
        waits = throttle.wait(visitor, count, per_second=VISITOR_PER_SECOND, burst=VISITOR_BURST)
    return waits


def _stranger(request: HttpRequest) -> HttpResponse:
    """Answer who shows no key that is good, always in the same words; guessing is slowed."""
    if times_this_minute("write_key", request) > WRONG_KEYS_PER_MINUTE:
        return _later(429, _("Too many tries."), 60)
    return _no(401, _("No valid write key."))


def _no(status: int, why: str) -> HttpResponse:
    return JsonResponse({"success": False, "message": why}, status=status)


def _later(status: int, why: str, seconds: int) -> HttpResponse:
    response = _no(status, why)
    response.headers["Retry-After"] = str(seconds)
    return response


@require_safe
def script(request: HttpRequest) -> HttpResponse | FileResponse:
    """Serve the tracking script to other sites; it does nothing before consent."""
    path = finders.find("t.js")
    if not isinstance(path, str):
        raise Http404
    response = FileResponse(open(path, "rb"), content_type="text/javascript; charset=utf-8")  # noqa: SIM115, PTH123
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
