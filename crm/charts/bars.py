"""Amounts beside each other: bars, bars in parts, and classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.charts.drawing import (
    CHARACTER,
    KINDS,
    ROW,
    Cell,
    Chart,
    Drawing,
    Table,
    axis_room,
    block,
    every,
    join,
    line,
    shape,
    ticks,
    value_axis,
    words_at,
)
from crm.templatetags.formats import count


@dataclass(frozen=True)
class Bar:
    """One bar; ``text`` is what is written for the value, ``note`` a second figure such as "49 SQL"."""

    label: str
    value: float
    text: str = ""
    note: str = ""
    strong: bool = True
    url: str = ""

    @property
    def written(self) -> str:
        return self.text or count(self.value)


@dataclass(frozen=True, kw_only=True)
class Bars(Chart):
    """Horizontal bars; ``reference`` draws a dashed line at a value, such as the average, with its words."""

    bars: Sequence[Bar]
    reference: tuple[float, str] | None = None
    measure: str = ""

    def _scale(self, room: float) -> float:
        highest = max([bar.value for bar in self.bars] + ([self.reference[0]] if self.reference else []), default=0)
        return room / highest if highest > 0 else 0

    @property
    def _note_room(self) -> float:
        """The width of the column of notes."""
        longest = max((len(bar.note) for bar in self.bars), default=0)
        return max(64.0, longest * CHARACTER + 16) if longest else 8.0

    def draw(self, width: int) -> Drawing:
        narrow = width < 500
        left = 0.0 if narrow else min(width * 0.5, 236.0 + self._note_room)
        row, top = (42.0, 20.0) if narrow else (float(ROW), 20.0)
        scale = self._scale(width - left)
        parts = [self._row(bar, place * row + top, width, left, scale) for place, bar in enumerate(self.bars)]
        height = top + len(self.bars) * row
        if self.reference:
            parts += self._reference(left + self.reference[0] * scale, self.reference[1], width, top, height, narrow)
        return Drawing(height, join(parts))

    def _reference(
        self, at: float, words: str, width: int, top: float, height: float, narrow: bool
    ) -> list[SafeString]:
        """A dashed line; on narrow drawings only across the bars, so that it never strikes through a label."""
        rows = [top + place * 42.0 for place in range(len(self.bars))] if narrow else []
        strokes = [((at, row + 17), (at, row + 33)) for row in rows] or [((at, 18.0), (at, height))]
        side = "end" if at > width * 0.6 else "start"
        return [
            *[line("mark-line", *stroke) for stroke in strokes],
            words_at(at, 12, words, klass="strong", anchor=side),
        ]

    def _row(self, bar: Bar, top: float, width: int, left: float, scale: float) -> SafeString:
        kind, words = "bar" if bar.strong else "bar-2", f"{bar.label}: {bar.written} {bar.note}".strip()
        if not left:
            after = " · ".join(part for part in (bar.written, bar.note) if part)
            return join([
                words_at(0, top + 13, bar.label, klass="strong", room=width * 0.6),
                words_at(width, top + 13, after, klass="strong", anchor="end"),
                block(0, top + 19, max(bar.value * scale, 1.0), 12.0, kind, words),
            ])  # fmt: skip
        note_room = self._note_room
        return join([
            line("grid-line", (0, top + ROW - 4.5), (left - 8, top + ROW - 4.5)),
            words_at(0, top + 15, bar.label, klass="strong", room=left - note_room - 64),
            words_at(left - note_room - 4, top + 15, bar.written, klass="strong", anchor="end"),
            words_at(left - 12, top + 15, bar.note, anchor="end"),
            block(left, top + 2, max(bar.value * scale, 1.0), 18.0, kind, words),
        ])  # fmt: skip

    def table(self) -> Table:
        noted = any(bar.note for bar in self.bars)
        rows = [
            [Cell(bar.label), Cell(bar.written, bar.url), *([Cell(bar.note)] if noted else [])] for bar in self.bars
        ]
        return Table([_("Name"), self.measure or _("Value"), *([_("Beside it")] if noted else [])], rows)


@dataclass(frozen=True, kw_only=True)
class Stacked(Chart):
    """Horizontal bars in up to four parts; full colour, pale, grey and outlined stay apart without colour."""

    parts: Sequence[str]
    rows: Sequence[tuple[str, Sequence[int]]]

    def draw(self, width: int) -> Drawing:
        narrow = width < 500
        left = 0.0 if narrow else 150.0
        row = 42.0 if narrow else float(ROW)
        highest = max((sum(values) for _label, values in self.rows), default=0)
        scale = (width - left - 52) / highest if highest else 0
        legend, top = self._legend(width)
        drawn = [legend]
        for place, (label, values) in enumerate(self.rows):
            y = top + place * row
            base = y + (19 if narrow else 4)
            drawn.append(
                words_at(0, y + (13 if narrow else 17), label, klass="strong", room=(width - 8) if narrow else left - 8)
            )
            at = left
            for kind, part, value in zip(KINDS, self.parts, values, strict=False):
                drawn.append(
                    block(
                        at,
                        base,
                        max(value * scale - 1, 0),
                        12.0 if narrow else 18.0,
                        kind,
                        f"{label}, {part}: {count(value)}",
                    )
                )
                at += value * scale
            drawn.append(words_at(at + 6, base + (10 if narrow else 13), count(sum(values)), klass="strong"))
        return Drawing(top + len(self.rows) * row, join(drawn))

    def _legend(self, width: int) -> tuple[SafeString, float]:
        drawn, x, y = [], 0.0, 11.0
        for kind, part in zip(KINDS, self.parts, strict=False):
            room = 18 + len(part) * CHARACTER + 16
            if x and x + room > width:
                x, y = 0.0, y + 18
            drawn += [shape("rect", klass=kind, x=x + 0.5, y=y - 9, width=12, height=10), words_at(x + 18, y, part)]
            x += room
        return join(drawn), y + 12

    def table(self) -> Table:
        rows = [
            [Cell(label), *[Cell(count(value)) for value in values], Cell(count(sum(values)))]
            for label, values in self.rows
        ]
        return Table([_("Name"), *self.parts, _("Sum")], rows)


@dataclass(frozen=True, kw_only=True)
class Histogram(Chart):
    """Upright bars over classes; ``bar_at`` draws the MQL bar before that class; from it on they have full colour.

    ``outline`` draws a second distribution over the same classes as a line in steps, such as the one before.
    """

    classes: Sequence[tuple[str, int]]
    outline: Sequence[int] = ()
    outline_measure: str = ""
    bar_at: int | None = None
    bar_label: str = ""
    measure: str = ""

    def draw(self, width: int) -> Drawing:
        base, top = 150.0, 24.0
        marks = ticks(max([value for _label, value in self.classes] + list(self.outline), default=0), 3)
        scale = (base - top) / marks[-1]
        left = axis_room(marks)
        step = (width - left) / max(len(self.classes), 1)
        written = every([label for label, _value in self.classes], step)
        parts = value_axis(marks, left, width, base, scale)
        for place, (label, value) in enumerate(self.classes):
            kind = "bar" if self.bar_at is None or place >= self.bar_at else "bar-2"
            x = left + place * step
            parts.append(block(x + 1, base - value * scale, step - 2, value * scale, kind, f"{label}: {count(value)}"))
            if place % written == 0:
                parts.append(words_at(x + step / 2, base + 16, label, anchor="middle"))
        parts.append(line("axis-line", (left, base), (width, base)))
        if self.outline:
            corners = [(place, base - value * scale) for place, value in enumerate(self.outline)]
            steps = [(left + (place + side) * step, y) for place, y in corners for side in (0, 1)]
            parts.append(line("outline", *steps))
        if self.bar_at is not None:
            parts += self._threshold(left + self.bar_at * step, width, base)
        return Drawing(base + 22, join(parts))

    def _threshold(self, at: float, width: int, base: float) -> list[SafeString]:
        side, x = ("end", at - 6) if at > width / 2 else ("start", at + 6)
        words = words_at(x, 12, self.bar_label or _("MQL bar"), klass="strong", anchor=side)
        return [line("mark-line", (at, 16), (at, base)), words]

    def table(self) -> Table:
        rows = [[Cell(label), Cell(count(value))] for label, value in self.classes]
        head = [_("Class"), self.measure or _("Leads")]
        if self.outline:
            rows = [[*row, Cell(count(value))] for row, value in zip(rows, self.outline, strict=True)]
            head.append(self.outline_measure or _("Before"))
        return Table(head, rows)
