"""How a cell of a list reads: text within its own direction, links with the search marked, dates, figures."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.templatetags.formats import count
from crm.templatetags.people import marked, on_day

NOTHING = ""


def text(value: Any, query: str = "") -> SafeString | str:
    """Return a text somebody typed, in its own direction, with what the search met marked."""
    return format_html("<bdi>{}</bdi>", marked(value, query)) if value else NOTHING


def link(url: str, value: Any, query: str = "") -> SafeString:
    """Return `value` as a link."""
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, marked(value, query))


def headed(url: str, value: Any, query: str = "", below: Any = "") -> SafeString:
    """Return the head of a row: a link with a smaller line below it."""
    if not below:
        return link(url, value, query)
    return format_html('{}<small class="quiet"><bdi>{}</bdi></small>', link(url, value, query), marked(below, query))


def day(value: Any) -> str:
    return on_day(value) if value else NOTHING


def figure(value: Any) -> str:
    return count(value) if value is not None else NOTHING
