"""The small marks of the ledger: grade, stage, who holds the baton, clock, BANT, person, trend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from crm.templatetags.formats import MINUS, count, exact, points, working_span
from crm.templatetags.icons import icon

register = template.Library()

STROKES = ("M3 1h3.5l-3 8H0z", "M9.5 1H13l-3 8H6.500z", "M16 1h3.5l-3 8H13z", "M22.500 1H26l-3 8h-3.500z")
WHOLE = "M3.500 1h22l-3 8H.5z"
STAGES = {
    "lead": (1, gettext_lazy("New lead")),
    "mql": (2, gettext_lazy("MQL")),
    "sal": (3, gettext_lazy("Accepted (SAL)")),
    "sql": (4, gettext_lazy("Qualified (SQL)")),
    "won": (0, gettext_lazy("Won")),
    "lost": (0, gettext_lazy("Lost")),
    "nurture": (0, gettext_lazy("Nurture")),
    "disqualified": (0, gettext_lazy("Disqualified")),
}
HOLDERS = {
    "marketing": gettext_lazy("With marketing"),
    "sales": gettext_lazy("With sales"),
    "handing": gettext_lazy("Being handed over"),
    "resting": gettext_lazy("Resting with marketing"),
    "nobody": gettext_lazy("With nobody"),
}
DIMENSIONS = {"confirmed": "yes", "yes": "yes", "stated": "half", "hinted": "half", "partly": "half", "half": "half"}
DIMENSIONS |= {"refuted": "no", "ruled_out": "no", "refused": "no", "no": "no"}
Told = tuple[str, str, bool, str, str]  # of a dimension: label, status, whether too old, letter, words for the status
SOON = timedelta(hours=1)


def _read(thing: Any, name: str, default: Any = "") -> Any:
    """One attribute of an object or one key of a mapping."""
    found = thing.get(name, default) if isinstance(thing, Mapping) else getattr(thing, name, default)
    return found() if callable(found) else found


# --- Grade ------------------------------------------------------------------------------------


@register.simple_tag
def grade(value: Any, size: str = "") -> SafeString:
    """A grade such as "A1" as a domino: left half fit (A–D), right half engagement (1–4); None is "not scored"."""
    return _grade(str(value or ""), size, get_language())


@lru_cache(maxsize=256)
def _grade(text: str, size: str, language: str | None) -> SafeString:
    """Seventeen dominoes in each language and size; drawn once, because a page shows dozens."""
    classes = f"grade {size}" if size else "grade"
    if len(text) != 2 or text[0] not in "ABCD" or text[1] not in "1234":
        words = _("Not scored yet")
        return format_html(
            '<span class="{} is-none" title="{}" role="img" aria-label="{}"><span>–</span><span>–</span></span>',
            classes,
            words,
            words,
        )
    fit, engagement = text[0], text[1]
    words = _("Fit %(fit)s, engagement %(engagement)s") % {"fit": fit, "engagement": engagement}
    return format_html(
        '<span class="{}" title="{}" role="img" aria-label="{}">'
        '<span class="grade-{}">{}</span><span class="grade-{}">{}</span></span>',
        classes, words, words, "ABCD".index(fit) + 1, fit, engagement, engagement,
    )  # fmt: skip


# --- Stage ------------------------------------------------------------------------------------


def _stage(stage: Any) -> tuple[str, str]:
    """(key, label) of a stage key or a stage that brings its own label."""
    key = str(getattr(stage, "value", stage) or "")
    known = STAGES.get(key)
    return key, str(getattr(stage, "label", "") or (known[1] if known else key))


def _stage_drawing(key: str) -> SafeString:
    reached = STAGES.get(key, (0, ""))[0]
    if reached:
        shapes = [("on" if place < reached else "off", stroke) for place, stroke in enumerate(STROKES)]
        return format_html_join("", '<path class="{}" d="{}"/>', shapes)
    drawings = {
        "won": f'<path class="on" d="{WHOLE}"/>',
        "lost": "".join(f'<path class="off" d="{stroke}"/>' for stroke in STROKES) + '<path class="void" d="M0 5h28"/>',
        "nurture": f'<path class="void" stroke-dasharray="2 2" d="{WHOLE}"/>',
        "disqualified": f'<path class="off" d="{WHOLE}"/><path class="void" d="M10 9.500l8-9"/>',
    }
    return mark_safe(drawings.get(key, f'<path class="off" d="{WHOLE}"/>'))  # nosec B308 B703


@register.simple_tag
def stage_mark(stage: Any) -> SafeString:
    """The strokes alone, with the stage as their spoken name and tooltip."""
    key, label = _stage(stage)
    return format_html(
        '<span class="stage" title="{}" role="img" aria-label="{}">'
        '<svg viewBox="0 0 28 10" aria-hidden="true">{}</svg></span>',
        label, label, _stage_drawing(key),
    )  # fmt: skip


@register.simple_tag
def stage_badge(stage: Any) -> SafeString:
    """The strokes with the stage written beside them."""
    key, label = _stage(stage)
    out = " is-out" if key in {"lost", "nurture", "disqualified"} else ""
    return format_html(
        '<span class="stage{}"><svg viewBox="0 0 28 10" aria-hidden="true">{}</svg>{}</span>',
        out,
        _stage_drawing(key),
        label,
    )


@register.simple_tag
def stage_label(stage: Any) -> str:
    return _stage(stage)[1]


@register.simple_tag
def holder(who: str) -> SafeString:
    """The strip that shows who holds the baton: marketing, sales, handing (between both), resting or nobody."""
    words = HOLDERS.get(who, HOLDERS["nobody"])
    return format_html(
        '<span class="holder is-{}" role="img" aria-label="{}" title="{}"></span>',
        who if who in HOLDERS else "nobody",
        words,
        words,
    )


@register.simple_tag
def holder_key(who: str) -> SafeString:
    """The same strip with its words beside it, for a legend."""
    kind = who if who in HOLDERS else "nobody"
    return format_html('<span class="holder-key"><span class="holder is-{}"></span>{}</span>', kind, HOLDERS[kind])


# --- Time -------------------------------------------------------------------------------------


@register.simple_tag
def clock(
    left: timedelta | None, due: datetime | None = None, allowed: timedelta = timedelta(hours=8), url: str = ""
) -> SafeString | str:
    """The handoff clock: a ring that empties and the working time left in words; overdue is a triangle.

    ``left`` and ``allowed`` are working time, ``left`` is negative once overdue; ``due`` is shown in the tooltip.
    ``url`` leads to the page that says why.
    """
    if left is None:
        return ""
    title = _("Due %(moment)s") % {"moment": exact(due)} if due else ""
    tag = format_html('a draggable="false" href="{}"', url) if url else "span"
    end = "a" if url else "span"
    if left < timedelta(0):
        words = _("%(time)s over") % {"time": working_span(left)}
        drawn = icon("triangle-alert")
        return format_html('<{} class="clock late" title="{}">{}{}</{}>', tag, title, drawn, words, end)
    share = max(0, min(100, round(100 * left / allowed))) if allowed else 0
    words = _("%(time)s left") % {"time": working_span(left)}
    return format_html(
        '<{} class="clock{}" title="{}"><svg viewBox="0 0 14 14" aria-hidden="true">'
        '<circle class="track" cx="7" cy="7" r="5.5"/>'
        '<circle class="left" cx="7" cy="7" r="5.5" pathLength="100" stroke-dasharray="{} 100"/></svg>{}</{}>',
        tag, " soon" if left < SOON else "", title, share, words, end,
    )  # fmt: skip


# --- Qualification ----------------------------------------------------------------------------


@register.simple_tag
def bant(dimensions: Iterable[Any]) -> SafeString:
    """The qualification letters: confirmed is full, stated or too old part-filled, ruled out struck, unknown empty.

    Each dimension is an object or mapping with ``label`` and ``status``, and, where they differ, ``letter`` and
    ``status_label``.
    """
    return _bant(tuple(_told(one) for one in dimensions), get_language())


def _told(dimension: Any) -> Told:
    label, status, letter, words = (
        str(_read(dimension, name)) for name in ("label", "status", "letter", "status_label")
    )
    return label, status or "unknown", bool(_read(dimension, "is_stale")), letter or label[:1], words


@lru_cache(maxsize=1024)
def _bant(dimensions: tuple[Told, ...], language: str | None) -> SafeString:
    """The letters of what is told of each dimension; remembered, because most leads are known equally well."""
    cells, words = [], []
    for label, status, stale, letter, status_label in dimensions:
        shape = DIMENSIONS.get(status, "")
        cells.append(("half" if stale and shape == "yes" else shape, letter.upper()))
        said = status_label or _status_label(status)
        told = _("%(topic)s: %(status)s, too old to count") % {"topic": label, "status": said}
        words.append(told if stale else f"{label}: {said}")
    spoken = ", ".join(words)
    return format_html(
        '<span class="bant" role="img" title="{}" aria-label="{}">{}</span>',
        spoken,
        spoken,
        format_html_join("", '<span class="{}">{}</span>', cells),
    )


def _status_label(status: str) -> str:
    return {"yes": _("confirmed"), "half": _("stated"), "no": _("ruled out")}.get(
        DIMENSIONS.get(status, ""), _("unknown")
    )


# --- People -----------------------------------------------------------------------------------


def full_name(user: Any) -> str:
    """The name of a user, else the part of their address before the @."""
    name = str(_read(user, "get_full_name") or _read(user, "name") or "").strip()
    return name or str(_read(user, "email") or user).split("@")[0]


def initials(name: str) -> str:
    """ "Mia Kowalczyk" → "MK", "mia" → "MI"."""
    words = [word for word in name.replace("-", " ").replace(".", " ").split() if word]
    return (words[0][0] + words[-1][0] if len(words) > 1 else "".join(words)[:2]).upper()


def _ring(context: template.Context, user: Any, size: str, speaks: bool) -> SafeString:
    reader = context.get("user")
    nobody = user is None or user == ""
    name = _("Nobody") if nobody else full_name(user)
    mine = not nobody and getattr(user, "pk", None) is not None and user.pk == getattr(reader, "pk", None)
    classes = " ".join(part for part in ("avatar", size, "nobody" if nobody else "", "me" if mine else "") if part)
    return _drawn(classes, name, "?" if nobody else initials(name), speaks)


@lru_cache(maxsize=1024)
def _drawn(classes: str, name: str, letters: str, speaks: bool) -> SafeString:
    if speaks:
        return format_html(
            '<span class="{}" role="img" aria-label="{}" title="{}">{}</span>', classes, name, name, letters
        )
    return format_html('<span class="{}" aria-hidden="true" title="{}">{}</span>', classes, name, letters)


@register.simple_tag(takes_context=True)
def avatar(context: template.Context, user: Any, size: str = "") -> SafeString:
    """A person as initials in a ring; the reader's own is filled, nobody's is dashed."""
    return _ring(context, user, size, speaks=True)


@register.simple_tag(takes_context=True)
def person(context: template.Context, user: Any, nobody: str = "") -> SafeString:
    """A person with initials and name; ``nobody`` is written when there is none, such as the name of a queue."""
    name = full_name(user) if user else nobody or _("Nobody")
    return format_html(
        '<span class="person">{}<span>{}</span></span>', _ring(context, user or None, "", speaks=False), name
    )


# --- Change -----------------------------------------------------------------------------------


@register.simple_tag
def trend(delta: Any, days: int = 7) -> SafeString:
    """The change of a score: a triangle, the size of the change, and both in words for those who do not see it."""
    return _trend(int(delta or 0), days, get_language())


@lru_cache(maxsize=1024)
def _trend(value: int, days: int, language: str | None) -> SafeString:
    if value == 0:
        return format_html(
            '<span class="trend flat"><span class="hidden-text">{}</span>0</span>',
            _("unchanged in %(days)s days") % {"days": days},
        )
    words = _("%(points)s in %(days)s days") % {"points": points(value), "days": days}
    sign = MINUS if value < 0 else "+"
    return format_html(
        '<span class="trend {}" title="{}"><span class="hidden-text">{}</span>{}</span>',
        "up" if value > 0 else "down", words, sign, count(abs(value)),
    )  # fmt: skip
