"""What happens around every request: language, limits of a session, first steps, and the way back after signing in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from crm import sessions
from crm.models import User
from crm.roomy_stack import with_room
from crm.signin import is_own_address
from crm.views import errors
from crm.workdays import workspace_zone

Handler = Callable[[HttpRequest], HttpResponse]
PROBES = ("/healthz", "/readyz")  # they must answer when the database does not
OPEN_WHEN_EMPTY = ("/setup/", "/static/", *PROBES, "/robots.txt", "/csp-reports/")
BROWSER_RIGHTS = ", ".join(
    f"{right}=()"
    for right in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "midi", "payment",
        "usb",
    )
)  # fmt: skip


def roomy_stack(get_response: Handler) -> Handler:
    """Give everything around and in a page room for its frames in one piece."""
    return with_room(get_response)


def browser_rights(get_response: Handler) -> Handler:
    """Ask the browser for nothing it guards, and keep other sites from embedding what we answer."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", BROWSER_RIGHTS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware


def locale(get_response: Handler) -> Handler:
    """Speak the browser's language until we know the person's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        translation.activate(translation.get_language_from_request(request))
        response = get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response

    return middleware


def known_person(get_response: Handler) -> Handler:
    """Let the session's row say who is signed in, instead of asking once more."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: sessions.person_of(request))  # type: ignore[assignment]
        return get_response(request)

    return middleware


def session_limits(get_response: Handler) -> Handler:
    """End a session after thirty days, renew its twelve hours while it is used, and clear the browser at its end."""

    def middleware(request: HttpRequest) -> HttpResponse:
        was_signed_in = request.user.is_authenticated
        if was_signed_in and sessions.has_ended(request.session):
            logout(request)
        elif was_signed_in:
            sessions.note_presence(request.session)
        response = get_response(request)
        if was_signed_in and not request.user.is_authenticated:
            response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response

    return middleware


def personal_preferences(get_response: Handler) -> Handler:
    """Speak the signed-in person's language and show their time; to strangers the workspace's time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if request.path in PROBES:
            return get_response(request)
        if user.is_authenticated:
            translation.activate(user.language)
        timezone.activate(user.zone if user.is_authenticated and user.time_zone else workspace_zone())
        try:
            response = get_response(request)
        finally:
            timezone.deactivate()
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page or user.is_authenticated or request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def way_back(get_response: Handler) -> Handler:
    """Whose session ended while they wrote comes back to the page they wrote on, not to the address of its button."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != 302 or not _leads_to_sign_in(response.url):  # type: ignore[attr-defined]
            return response
        if request.headers.get("HX-Request"):
            there = _page(request, request.headers.get("HX-Current-URL", ""))
            answer = HttpResponse(status=401)
            answer.headers["HX-Redirect"] = redirect_to_login(there or "/", settings.LOGIN_URL).url
            return answer
        if request.method == "POST":
            there = _page(request, request.headers.get("Referer", ""))
            return redirect_to_login(there or "/", settings.LOGIN_URL)
        return response

    return middleware


def _leads_to_sign_in(url: str) -> bool:
    """Whether a redirect sends a stranger to sign in first (`next` says where from)."""
    parts = urlsplit(url)
    return parts.path == resolve_url(settings.LOGIN_URL) and "next" in parse_qs(parts.query)


def _page(request: HttpRequest, address: str) -> str:
    """Return path and query of `address` when it is one of ours, else ''."""
    if not address or not is_own_address(request, address):
        return ""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def wrong_method(get_response: Handler) -> Handler:
    """Show whoever opens an address that only takes forms what it is, in place of an empty page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "GET" and isinstance(response, HttpResponseNotAllowed):
            return errors.wrong_method(request, response)
        return response

    return middleware


def first_steps(get_response: Handler) -> Handler:
    """Lead an empty installation to its set-up page."""
    ready = False

    def middleware(request: HttpRequest) -> HttpResponse:
        nonlocal ready
        if not ready and not request.user.is_authenticated and not request.path.startswith(OPEN_WHEN_EMPTY):
            ready = User.objects.exists()
            if not ready:
                return redirect("setup")
        return get_response(request)

    return middleware
