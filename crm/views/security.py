"""What browsers and robots ask or tell: reports about our content policy, and what may be crawled (nothing)."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from crm.rate_limits import times_this_minute

log = logging.getLogger("baton.csp")
LARGEST = 16 * 1024
PER_MINUTE = 20


@csrf_exempt
@require_POST
def csp_reports(request: HttpRequest) -> HttpResponse:
    """Note which rule was broken on which page; the answer is the same whatever was sent."""
    try:
        body = request.read(LARGEST + 1)
    except OSError:
        body = b""
    if 0 < len(body) <= LARGEST and _may_speak(request):
        for report in _reports(body)[:5]:
            log.warning(
                "policy broken: %s on %s", _word(report, "violated-directive", "effectiveDirective"), _page(report)
            )
    return HttpResponse(status=204)


def _may_speak(request: HttpRequest) -> bool:
    """Count the reports of one address; more than twenty a minute are dropped unread."""
    return times_this_minute("csp", request) <= PER_MINUTE


def _reports(body: bytes) -> list[dict[str, Any]]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return []
    several = told if isinstance(told, list) else [told]
    found = [one.get("csp-report") or one.get("body") for one in several if isinstance(one, dict)]
    return [one for one in found if isinstance(one, dict)]


def _word(report: dict[str, Any], *names: str) -> str:
    """Return the first of `names` as one harmless word for the log (I20)."""
    text = next((str(report[name]) for name in names if name in report), "?")
    return "".join(c for c in text if c.isalnum() or c in "-_ ")[:60]


def _page(report: dict[str, Any]) -> str:
    """Return the path of the page, without query: it may hold names."""
    address = str(report.get("document-uri") or report.get("documentURL") or "")
    try:
        path = urlsplit(address).path
    except ValueError:
        return "?"
    return "".join(c for c in path if c.isprintable() and c != " ")[:120] or "?"


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


def closed(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Stand before the pages of the sign-in package that this product does not offer."""
    raise Http404
