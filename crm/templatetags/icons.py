"""``{% icon "arrow-right" %}``: line icons of the lucide package, and the brand mark."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

register = template.Library()


@lru_cache(maxsize=256)
def _strokes(name: str) -> SafeString:
    """The inner shapes of an icon: its box is drawn by us, a third as long as the package's own."""
    drawing = lucide(name)
    inner = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    return mark_safe(" ".join(inner.split()).replace(" />", "/>").replace("> <", "><"))  # nosec B308 B703


@register.simple_tag
def icon(name: str, size: str = "", label: str = "") -> SafeString:
    """An icon as inline SVG. ``size="small"`` draws 12 px; with ``label`` it speaks, otherwise it is hidden.

    Raises ``lucide.IconDoesNotExist`` for a name the package does not hold.
    """
    if label:
        classes = f"icon {size}" if size else "icon"
        return format_html(
            '<svg class="{}" viewBox="0 0 24 24" role="img" aria-label="{}">{}</svg>',
            classes,
            label,
            _strokes(str(name)),
        )
    return _silent(str(name), size)


@lru_cache(maxsize=256)
def _silent(name: str, size: str) -> SafeString:
    """An icon beside words that say the same; remembered, because a board draws the same few a hundred times."""
    classes = f"icon {size}" if size else "icon"
    return format_html('<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', classes, _strokes(name))


@register.simple_tag
def brand_mark() -> SafeString:
    """Two slanted strokes: the hand that gives and the hand that takes."""
    return mark_safe(  # nosec B308 B703
        '<svg viewBox="0 0 22 22" aria-hidden="true"><path class="brand-from" d="M5.5 2h5l-4 12h-5z"/>'
        '<path class="brand-to" d="M15.5 8h5l-4 12h-5z"/></svg>'
    )
