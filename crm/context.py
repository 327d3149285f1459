"""What every page's frame shows: navigation by role, the account menu, and what everybody should know now."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from crm import backlog, roles
from crm.bounded import bounded_count
from crm.models import User, Workspace

#: What is counted beside entries of the navigation, by URL name; the apps on the right register theirs. None for
#: nothing to count. All of it is read in the one statement of the frame, and only to `MOST`.
COUNTS: dict[str, Callable[[User], QuerySet[Any] | None]] = {}
MOST = 99


def _version() -> str:
    try:
        return version("baton")
    except PackageNotFoundError:
        return ""


VERSION = _version()


def _now(user: User) -> dict[str, Any]:
    """Read in one statement what changes from minute to minute: the numbers, and how far behind the work is."""
    columns: dict[str, Any] = {
        name: bounded_count(rows, MOST) for name, count in COUNTS.items() if (rows := count(user)) is not None
    } | backlog.columns()
    row: Any = Workspace.objects.filter(pk=1).values(**columns).first() if columns else None
    return row or {}


def _number(found: int) -> str:
    return f"{MOST}+" if found > MOST else str(found or "")


def _entry(
    request: HttpRequest, now: dict[str, Any], label: str, name: str, icon: str, *args: str, under: str = ""
) -> dict[str, Any] | None:
    try:
        url = reverse(name, args=args)
    except NoReverseMatch:
        return None
    current = request.path == url if url == "/" else request.path.startswith(under or url)
    return {"label": label, "url": url, "current": current, "icon": icon, "count": _number(now.get(name, 0))}


def _navigation(request: HttpRequest, user: User, now: dict[str, Any]) -> list[dict[str, Any]]:
    entry = partial(_entry, request, now)
    entries = [
        entry(_("Today"), "today", "sun"),
        entry(_("Marketing"), "marketing_board", "square-kanban") if user.role != "sales_rep" else None,
        entry(_("Sales"), "sales_board", "square-kanban"),
        entry(_("Leads"), "leads", "list"),
        entry(_("Contacts"), "contacts", "users"),
        entry(_("Companies"), "companies", "building-2"),
        entry(_("Reports"), "report", "chart-column", "funnel", under="/reports/"),
        entry(_("Forms"), "capture_forms", "text-cursor-input") if roles.is_marketing(user) else None,
        entry(_("Scorecard"), "scorecards", "list-checks"),
        entry(_("Settings"), "settings", "settings") if roles.is_admin(user) else None,
    ]
    return [found for found in entries if found]


def _account(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    entry = partial(_entry, request, {})
    entries = [
        entry(_("Capture at a fair"), "fair_capture", "store"),
        entry(_("Campaigns and spend"), "campaigns", "wallet") if roles.reads_spend(user) else None,
        entry(_("Incoming events"), "tracking_events", "activity") if roles.is_marketing(user) else None,
        entry(_("Preferences"), "preferences", "user"),
        entry(_("Sign-in and security"), "mfa_index", "key-round"),
    ]
    return [found for found in entries if found]


def _notice(request: HttpRequest) -> str:
    """Return the warning that cookies travel in the open, where they do."""
    try:
        host = request.get_host().rsplit(":", 1)[0]
    except DisallowedHost:
        return ""  # the page that says so is being made
    if settings.HTTPS or host in {"127.0.0.1", "localhost", "[::1]"}:
        return ""
    return _("This address is not encrypted: anybody on the network can read along. Set SITE_URL to an https address.")


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return {"shell": …} for base.html, in one query at most."""
    user = getattr(request, "user", None)
    frame: dict[str, Any] = {
        "nav": [],
        "user": None,
        "notice": _notice(request),
        "version": VERSION,
        "help_url": _address("help"),
    }
    if user is None or not user.is_authenticated:
        return {"shell": frame}
    now = _now(user)
    told = backlog.told(now)
    return {
        "shell": frame
        | {
            "nav": _navigation(request, user, now),
            "account": _account(request, user),
            "bell": _entry(request, now, _("Notifications"), "notifications", "bell"),
            "user": user,
            "theme": user.theme or "system",
            "theme_url": _address("preferences_theme"),
            "density": user.density,
            "shortcuts": user.shortcuts,
            "behind": told.behind,
            "jobs": told.lines,
        }
    }
