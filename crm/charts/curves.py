"""What changes over time: a score in steps, periods against periods, and the small curve on a card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.charts.drawing import (
    CHARACTER,
    Cell,
    Chart,
    Drawing,
    Table,
    axis_room,
    every,
    join,
    line,
    number,
    shape,
    short_day,
    ticks,
    value_axis,
    words_at,
)
from crm.templatetags.formats import count

ROOM = 14  # px a curve keeps from the middle of words beside a line


@dataclass(frozen=True, kw_only=True)
class StepLine(Chart):
    """A score over time, in steps, with the MQL bar, the leave bar and moments worth a word."""

    points: Sequence[tuple[date, float]]
    bar: float | None = None
    leave_bar: float | None = None
    marks: Sequence[tuple[date, str]] = field(default_factory=tuple)

    def draw(self, width: int) -> Drawing:
        base, top, right = 132.0, 22.0, width - 40.0
        first, last = self.points[0][0], self.points[-1][0]
        days = max((last - first).days, 1)
        highest = max([value for _day_, value in self.points] + [self.bar or 0, 1])
        lowest = min([value for _day_, value in self.points] + [0])
        scale = (base - top) / (highest - lowest)

        def across(day: date) -> float:
            return (day - first).days / days * right

        def up(value: float) -> float:
            return base - (value - lowest) * scale

        parts = [line("grid-line", (0, up(0)), (right, up(0)))]
        parts += self._bars(up, right)
        path = (
            f"M0 {number(up(self.points[0][1]))}"
            + "".join(f"H{number(across(day))}V{number(up(value))}" for day, value in self.points[1:])
            + f"H{number(right)}"
        )
        parts.append(shape("path", klass="series series-step", d=path))
        parts.append(words_at(right + 8, up(self.points[-1][1]) + 4, count(self.points[-1][1]), klass="strong"))
        parts += [self._mark(day, words, across(day), up, right) for day, words in self.marks]
        parts += [words_at(0, base + 18, short_day(first)), words_at(right, base + 18, short_day(last), anchor="end")]
        if width > 400:
            parts.append(words_at(right / 2, base + 18, short_day(first + (last - first) / 2), anchor="middle"))
        return Drawing(base + 24, join(parts))

    def _bars(self, up: Callable[[float], float], right: float) -> list[SafeString]:
        drawn = []
        for value, words, klass, below in (
            (self.bar, _("MQL bar"), "", False),
            (self.leave_bar, _("leave bar"), " faint", True),
        ):
            if value is not None:
                y = up(value)
                beside = y + (9 if below else -9)
                start, end = (abs(up(score) - beside) for _day_, score in (self.points[0], self.points[-1]))
                ends = start < ROOM <= end  # the curve would strike the words out where it starts
                drawn += [
                    line(f"mark-line{klass}", (0, y), (right, y)),
                    words_at(
                        right if ends else 0,
                        y + (13 if below else -5),
                        f"{words} {count(value)}",
                        klass="" if below else "strong",
                        anchor="end" if ends else "start",
                    ),
                ]
        return drawn

    def _mark(self, day: date, words: str, x: float, up: Callable[[float], float], right: float) -> SafeString:
        value = next((value for at, value in reversed(self.points) if at <= day), self.points[0][1])
        y = up(value)
        ends = x > right / 3
        return join(
            [
                shape("circle", klass="dot", cx=x, cy=y, r=4.5),
                words_at(
                    x + (-7 if ends else 7), max(y - 8, 10), words, klass="strong", anchor="end" if ends else "start"
                ),
            ]
        )

    def table(self) -> Table:
        named = dict(self.marks)
        rows = [
            [Cell(formats.date_format(day, _("j M Y"))), Cell(count(value)), Cell(named.get(day, ""))]
            for day, value in self.points
        ]
        return Table([_("Day"), _("Score"), _("What happened")], rows)


@dataclass(frozen=True, kw_only=True)
class Lines(Chart):
    """One or two lines over the same periods: this period drawn through, the one compared with dashed."""

    periods: Sequence[str]
    values: Sequence[float | None]
    label: str
    before: Sequence[float | None] = ()
    before_label: str = ""

    def draw(self, width: int) -> Drawing:
        base, top = 150.0, 20.0
        known = [value for value in (*self.values, *self.before) if value is not None]
        marks = ticks(max(known, default=0), 4)
        scale = (base - top) / marks[-1]
        left = axis_room(marks)
        spare = max(16.0, len(self.periods[-1]) * CHARACTER / 2) if self.periods else 16.0  # the last period's words
        step = (width - left - 16 - spare) / max(len(self.periods) - 1, 1)

        def places(values: Sequence[float | None]) -> list[tuple[float, float]]:
            return [
                (left + 16 + at * step, base - value * scale) for at, value in enumerate(values) if value is not None
            ]

        now, then = places(self.values), places(self.before)
        above = not then or not now or now[-1][1] <= then[-1][1]
        parts = value_axis(marks, left, width, base, scale)
        parts += self._curve("series-2", then, self.before_label, "", not above)
        parts += self._curve("series", now, self.label, "strong", above)
        written = every(self.periods, step)
        for at, period in enumerate(self.periods):
            if at % written == 0:
                parts.append(words_at(left + 16 + at * step, base + 18, period, anchor="middle"))
        return Drawing(base + 24, join(parts))

    @staticmethod
    def _curve(klass: str, places: list[tuple[float, float]], label: str, weight: str, above: bool) -> list[SafeString]:
        if not places:
            return []
        x, y = places[-1]
        drawn = [line(klass, *places)] if len(places) > 1 else []
        if klass == "series":
            drawn.append(shape("circle", klass="dot", cx=x, cy=y, r=4.5))
        return [*drawn, words_at(x + 16, y - 10 if above else y + 19, label, klass=weight, anchor="end")]

    def table(self) -> Table:
        def cell(values: Sequence[float | None], at: int) -> Cell:
            value = values[at] if at < len(values) else None
            return Cell("–" if value is None else count(value))

        columns = [self.values, *([self.before] if self.before else [])]
        rows = [[Cell(period), *[cell(values, at) for values in columns]] for at, period in enumerate(self.periods)]
        return Table([_("Period"), self.label, *([self.before_label] if self.before else [])], rows)


QUIET = 12  # a score that moves less than this over the weeks shown looks level


def sparkline(values: Sequence[float], bar: float | None = None) -> SafeString:
    """A score over the last weeks, 56 × 14 px, hidden from screen readers: the trend beside it says the same."""
    if len(values) < 2:
        return SafeString("")
    seen = [*values, *([bar] if bar is not None else [])]
    low, high = min(seen), max(seen)
    spare = max(QUIET - (high - low), 0) / 2
    low, reach = low - spare, (high - low) + 2 * spare

    def up(value: float) -> float:
        return 13 - (value - low) / reach * 12

    places = [(at * 52 / (len(values) - 1), up(value)) for at, value in enumerate(values)]
    level = line("bar-line", (0, up(bar)), (52, up(bar))) if bar is not None else ""
    dot = shape("circle", cx=places[-1][0], cy=places[-1][1], r=2)
    return format_html(
        '<svg class="spark" viewBox="0 0 56 14" aria-hidden="true">{}{}{}</svg>', level, line("", *places), dot
    )
