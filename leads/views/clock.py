"""Why a handoff is due when it is: every stretch of time that counted, and every gap with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import formats, timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm import calendars
from crm.calendars import Stretch, public_holidays
from crm.requests import SignedInRequest
from crm.templatetags.formats import working_span
from crm.workdays import zone_of
from leads import clock
from leads.models import Handoff
from leads.views.lead import reach


@dataclass(frozen=True)
class Line:
    """One line of the table: when, why, how much counted ('' for a gap); `tone` is "", off or late."""

    when: str
    why: str
    counted: str = ""
    tone: str = ""


@login_required
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """The newest handoff of a lead, hour by hour; 404 for one that was never offered."""
    lead = reach(request, pk)
    handoff = lead.last_handoff
    if handoff is None:
        raise Http404
    now = timezone.now()
    return render(request, "leads/clock.html", {"lead": lead, "handoff": handoff, **told(handoff, now)})


def told(handoff: Handoff, now: datetime) -> dict[str, Any]:
    """Return what the page says about a handoff."""
    until = min(now, handoff.closed_at or now)
    delay = clock.system_delay(handoff, now)
    used = clock.used(handoff, now)
    zone = zone_of(handoff.team)
    return {
        "lines": list(_lines(handoff, until)),
        "due": _moment(handoff.due_at.astimezone(zone)),
        "promised": working_span(clock.allowed(handoff)),
        "used": working_span(used),
        "delay": working_span(delay) if delay else "",
        "by_people": working_span(used - delay),
        "left": clock.left(handoff, now),
        "zone": str(zone).replace("_", " "),
        "frozen": bool(handoff.way),
        "restarted": bool(handoff.clock_from and handoff.clock_from != handoff.offered_at),
        "events": handoff.sla_events.all(),
    }


def _lines(handoff: Handoff, until: datetime) -> Iterator[Line]:
    zone = zone_of(handoff.team)
    for one in clock.way_of(handoff):
        begins, ends = one.start.astimezone(zone), one.end.astimezone(zone)
        counted = working_span(one.length) if one.counts else ""
        yield Line(_span(begins, ends), _why(one, handoff), counted, "" if one.counts else "off")
    over = clock.over(handoff, until)
    if until > handoff.due_at and over:
        why = _("Over") if handoff.closed_at is None else _("Over, until it was answered")
        yield Line(_span(handoff.due_at.astimezone(zone), until.astimezone(zone)), why, working_span(over), "late")


def _why(one: Stretch, handoff: Handoff) -> str:
    name = one.name
    if one.kind == calendars.HOLIDAY:
        region = handoff.team.holiday_region if handoff.team else ""
        day = one.start.astimezone(zone_of(handoff.team)).date()
        name = public_holidays(region, day.year, (get_language() or "en")[:2]).get(day, one.name)
    words = {
        calendars.WORK: _("Working hours") if handoff.team else _("Around the clock: no team"),
        calendars.NIGHT: _("Outside working hours"),
        calendars.BREAK: _("Break"),
        calendars.WEEKEND: _("Weekend"),
        calendars.DAY_OFF: _("Nobody works on this weekday"),
        calendars.HOLIDAY: _("Public holiday: %(name)s"),
        calendars.CLOSED: _("The team is away: %(name)s") if name else _("The team is away"),
        calendars.HALF_DAY: _("Half day: %(name)s") if name else _("Half day"),
        calendars.ABSENCE: _("%(name)s is away"),
    }[one.kind]
    return words % {"name": name} if "%" in words else words


def _moment(here: datetime) -> str:
    return formats.date_format(here.replace(tzinfo=None), _("D j M, H:i"))


def _time(here: datetime) -> str:
    return formats.date_format(here.replace(tzinfo=None), _("H:i"))


def _span(begins: datetime, ends: datetime) -> str:
    if begins.date() == ends.date():
        return f"{_moment(begins)} – {_time(ends)}"
    if ends.hour == ends.minute == 0 and ends.date() - begins.date() == timedelta(days=1) and begins.hour:
        return f"{_moment(begins)} – 24:00"
    return f"{_moment(begins)} – {_moment(ends)}"
