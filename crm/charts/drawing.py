"""What all charts are made of: shapes, lines of text, scales, and the box around them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from html import escape
from typing import NamedTuple

from django.utils import formats
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from crm.templatetags.formats import count

# Each drawing is the smallest of its range (charts.css), so that no text falls below 12 px.
WIDTHS = {"narrow": 288, "small": 416, "middle": 560, "broad": 840, "wide": 1120}
KINDS = ("bar", "bar-2", "bar-mute", "bar-3")
ROW = 30
CHARACTER = 6.4  # the mean width of a character at 12 px


class Cell(NamedTuple):
    text: str
    url: str = ""


class Drawing(NamedTuple):
    height: float
    body: SafeString


@dataclass(frozen=True)
class Table:
    """What the chart shows, as rows: the first cell names the row, the others are figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


# --- Pieces -----------------------------------------------------------------------------------


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def shape(name: str, content: str = "", /, **attributes: object) -> SafeString:
    """One SVG element; ``klass`` writes ``class``, underscores become hyphens, floats are cut to a tenth."""
    written = "".join(
        f' {_name(key)}="{number(value) if isinstance(value, float) else escape(str(value))}"'
        for key, value in attributes.items()
        if value not in (None, "")
    )
    return mark_safe(f"<{name}{written}>{conditional_escape(content)}</{name}>")  # nosec B308 B703


@cache
def _name(key: str) -> str:
    return key.replace("klass", "class").replace("_", "-")


def join(parts: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(parts))  # nosec B308 B703


def words_at(x: float, y: float, words: str, *, klass: str = "", anchor: str = "", room: float = 0) -> SafeString:
    """A line of text; what does not fit into ``room`` ends in an ellipsis and keeps its whole wording in a tooltip."""
    fits = int(room / CHARACTER) if room else len(words)
    if len(words) <= fits:
        return shape("text", words, klass=klass, x=x, y=y, text_anchor=anchor)
    short = words[: max(fits - 1, 1)].rstrip() + "…"
    return shape("text", format_html("{}<title>{}</title>", short, words), klass=klass, x=x, y=y, text_anchor=anchor)


def block(x: float, y: float, width: float, height: float, kind: str, words: str) -> SafeString:
    return shape("rect", shape("title", words), klass=kind, x=x, y=y, width=max(width, 0.0), height=height)


def line(klass: str, *points: tuple[float, float]) -> SafeString:
    return shape("path", klass=klass, d="M" + "L".join(f"{number(x)} {number(y)}" for x, y in points))


def ticks(highest: float, wanted: int = 4) -> list[float]:
    """Round values from 0 up to at least ``highest``, about ``wanted`` of them: 1 388 → 0, 500, 1000, 1500."""
    if highest <= 0:
        return [0, 1]
    rough = highest / wanted
    power = 10 ** math.floor(math.log10(rough))
    size = next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= rough)
    return [size * place for place in range(math.ceil(highest / size) + 1)]


def short_day(day: date) -> str:
    return formats.date_format(day, _("j M"))


# --- Charts -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``summary`` is the sentence that says what the drawing shows; ``note`` explains its colours."""

    title: str
    summary: str
    note: str = ""

    def draw(self, width: int) -> Drawing:
        raise NotImplementedError

    def table(self) -> Table:
        raise NotImplementedError

    @property
    def key(self) -> str:
        return f"chart-{zlib.crc32(repr(self).encode()):08x}"

    def svg(self, variant: str) -> SafeString:
        width = WIDTHS[variant]
        height, body = self.draw(width) if self.table().rows else Drawing(24, words_at(0, 16, _("Nothing to draw yet")))
        named = f"{self.key}-{variant}"
        return format_html(
            '<svg class="chart is-{}" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-t" aria-describedby="{}-d">'
            '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>',
            variant, width, number(height), named, named, named, self.title, named, self.summary, body,
        )  # fmt: skip


def value_axis(marks: Sequence[float], left: float, right: float, base: float, scale: float) -> list[SafeString]:
    """Hairlines across the drawing with their values at the left."""
    drawn = []
    for mark in marks:
        y = base - mark * scale
        drawn += [line("grid-line", (left, y), (right, y)), words_at(left - 6, y + 4, count(mark), anchor="end")]
    return drawn


def axis_room(marks: Sequence[float]) -> float:
    """The room the widest value of an axis needs."""
    return 8 + max(len(count(mark)) for mark in marks) * CHARACTER


def every(labels: Sequence[str], step: float) -> int:
    """Write each label, each second, each third …, so that none touches the next."""
    widest = max((len(label) for label in labels), default=1) * CHARACTER + 8
    return max(1, math.ceil(widest / max(step, 1)))
