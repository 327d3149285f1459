"""Tags of the pages about people: marked matches and links that are safe to follow."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import template
from django.forms.boundfield import BoundField
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm import highlight
from crm.contacts import safe_url

register = template.Library()


@register.filter
def marked(text: Any, query: str) -> SafeString | str:
    """`text` with what the search met in <mark>."""
    text = str(text)
    found = highlight.spans(text, query) if query else []
    if not found:
        return text
    ends = [0, *(end for _start, end in found)]
    parts = [(text[end:start], text[start:stop]) for end, (start, stop) in zip(ends, found, strict=False)]
    return format_html("{}{}", format_html_join("", "{}<mark>{}</mark>", parts), text[ends[-1] :])


@register.filter
def linked(address: Any) -> SafeString | str:
    """A link to a web page, when its scheme is harmless; otherwise the text as it stands."""
    text = str(address or "")
    safe = safe_url(text)
    if not safe:
        return text
    shown = text.removeprefix("https://").removeprefix("http://").rstrip("/")
    return format_html(
        '<a class="link" href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>', safe, shown
    )


@register.filter
def on_day(moment: datetime | date | None) -> str:
    """The day of a moment, the year only where it is another: "5 Nov", "5 Nov 2025"."""
    if moment is None:
        return ""
    day = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    return formats.date_format(day, _("j M") if day.year == timezone.localdate().year else _("j M Y"))


@register.filter
def in_full(day: date) -> str:
    """A day as a heading: "Today, Thursday 19 November", "Thursday 19 November 2025"."""
    today = timezone.localdate()
    words = formats.date_format(day, _("l j F") if day.year == today.year else _("l j F Y"))
    if day == today:
        return _("Today, %(day)s") % {"day": words}
    return _("Yesterday, %(day)s") % {"day": words} if (today - day).days == 1 else words


@register.filter
def at_most(text: Any, length: int) -> str:
    """Foreign text cut with a mark."""
    text = str(text or "")
    return text if len(text) <= length else f"{text[:length]}…"


@register.simple_tag
def seen(field: BoundField) -> SafeString:
    """The hidden input that remembers a field as the reader saw it, so that a newer value is not overwritten."""
    return field.as_hidden(only_initial=True)
