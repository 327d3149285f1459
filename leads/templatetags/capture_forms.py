"""What the pages of a form draw and say by themselves: the cover, the list of points, the word on the button."""

from __future__ import annotations

import textwrap
from typing import TypedDict
from urllib.parse import urlencode

from django import forms, template
from django.utils.translation import gettext as _
from django.utils.translation import override

from leads.capture_fields import Known
from leads.models import CaptureForm

register = template.Library()
COVERED = ("white_paper", "case_study", "price_list")


class CoverLine(TypedDict):
    words: str
    y: int


@register.filter
def has_cover(capture: CaptureForm) -> bool:
    """Whether a printed thing is handed out, which a small cover announces."""
    return capture.kind_id in COVERED


@register.filter
def cover_lines(title: str) -> list[CoverLine]:
    """Return the title cut into at most four lines that fit the cover."""
    lines = textwrap.wrap(title, 20, max_lines=4, placeholder=" …")
    return [CoverLine(words=line, y=22 + 11 * place) for place, line in enumerate(lines)]


@register.filter
def points(text: str) -> list[tuple[str, str]]:
    """Return lines such as 'Measuring | page 4' as (words, remark)."""
    rows = (line.partition("|") for line in text.splitlines() if line.strip())
    return [(words.strip(), remark.strip()) for words, _bar, remark in rows]


@register.simple_tag
def button_words(capture: CaptureForm) -> str:
    """Return what the button says when the form has no words of its own."""
    words = {
        "newsletter_signup": _("Subscribe"),
        "white_paper": _("Send me the white paper"),
        "case_study": _("Send me the case study"),
        "price_list": _("Send me the price list"),
        "video_view": _("Send me the link"),
        "webinar_registered": _("Register"),
        "event_registered": _("Register"),
        "demo_request": _("Ask for a demo"),
    }
    return words.get(capture.kind_id, _("Send"))


@register.filter
def has_language(texts: dict[str, dict[str, str]], code: str) -> bool:
    """Whether a form is written in a language."""
    return bool((texts or {}).get(code, {}).get("title"))


@register.filter
def words(row: forms.Form, code: str) -> list[forms.BoundField]:
    """Return label and purpose of one row of the builder in one language."""
    return [row[f"label_{code}"], row[f"purpose_{code}"]]


@register.filter
def own_words(field: Known, code: str) -> str:
    """Return the purpose the catalogue proposes, in that language."""
    with override(code):
        return str(field.purpose)


@register.filter
def urlencoded(values: dict[str, str]) -> str:
    """Return a dictionary as the query of an address."""
    return urlencode(values or {})
