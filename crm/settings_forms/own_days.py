"""Days a team keeps beside public holidays, one line each: "2026-12-28 – 2026-12-30 Winter break"."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

DAY = r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4}"
LINE = re.compile(
    rf"^\s*(?P<first>{DAY})(?:\s*(?:-|–|—|to|bis)\s*(?P<last>{DAY}))?(?P<half>\s+(?:half|halb))?(?:\s+(?P<name>\S.*?))?\s*$",
    re.IGNORECASE,
)
MOST, LONGEST = 400, 60


def _date(text: str) -> date:
    try:
        if "." in text:
            day, month, year = (int(part) for part in text.split("."))
        else:
            year, month, day = (int(part) for part in text.split("-"))
        return date(year, month, day)
    except ValueError:
        raise ValidationError(_("There is no such day: %(day)s.") % {"day": text}) from None


def read(text: str) -> list[dict[str, Any]]:
    """Read lines as [{"day": "2026-12-28", "half": False, "name": "…"}] in order; ValidationError names the line."""
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = LINE.match(line)
        if not match:
            raise ValidationError(
                _("Line %(number)s: write a day and, if you like, “half” and a name.") % {"number": number}
            )
        first, last = _date(match["first"]), _date(match["last"] or match["first"])
        if not first <= last <= first + timedelta(days=MOST):
            raise ValidationError(
                _("Line %(number)s: the last day lies before the first, or more than a year after it.")
                % {"number": number}
            )
        for away in range((last - first).days + 1):
            day = (first + timedelta(days=away)).isoformat()
            found[day] = {"day": day, "half": bool(match["half"]), "name": (match["name"] or "")[:LONGEST]}
    if len(found) > MOST:
        raise ValidationError(_("These are more than %(most)s days.") % {"most": MOST})
    return [found[day] for day in sorted(found)]


def write(days: list[dict[str, Any]]) -> str:
    """Return days as the form shows them; days alike that follow each other are one line."""
    runs: list[tuple[date, date, bool, str]] = []
    for one in days:
        day, half, name = date.fromisoformat(one["day"]), bool(one["half"]), str(one["name"])
        if runs and runs[-1][1:] == (day - timedelta(days=1), half, name):
            runs[-1] = (runs[-1][0], day, half, name)
        else:
            runs.append((day, day, half, name))
    return "\n".join(_line(*run) for run in runs)


def _line(first: date, last: date, half: bool, name: str) -> str:
    days = _shown(first) if first == last else f"{_shown(first)} – {_shown(last)}"
    return " ".join(part for part in (days, _("half") if half else "", name) if part)


def _shown(day: date) -> str:
    return day.strftime("%d.%m.%Y") if (get_language() or "").startswith("de") else day.isoformat()
