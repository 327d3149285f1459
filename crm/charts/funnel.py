"""How many leads reach which stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from crm.charts.drawing import ROW, Cell, Chart, Drawing, Table, block, join, line, words_at
from crm.templatetags.formats import count, percent


@dataclass(frozen=True)
class Step:
    """One step of a funnel; ``time`` is the median time to get there, in words."""

    label: str
    value: int
    time: str = ""
    with_sales: bool = False
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Funnel(Chart):
    steps: Sequence[Step]

    def _shares(self) -> list[float | None]:
        before = [None, *[step.value for step in self.steps]]
        return [step.value / above if above else None for step, above in zip(self.steps, before, strict=False)]

    def _scale(self, room: float) -> float:
        highest = max(step.value for step in self.steps)
        return room / highest if highest else 0

    def draw(self, width: int) -> Drawing:
        return self._stacked(width) if width < 500 else self._aligned(width)

    def _aligned(self, width: int) -> Drawing:
        left, right = 136.0, width - 190.0
        scale = self._scale(right - left)
        parts = [
            words_at(width - 96.0, 12, _("of the step before"), anchor="end"),
            words_at(width, 12, _("median time"), anchor="end"),
        ]
        for place, (step, share) in enumerate(zip(self.steps, self._shares(), strict=True)):
            top = 24.0 + place * (ROW + 4)
            parts += [
                line("grid-line", (0, top + ROW - 0.5), (width, top + ROW - 0.5)),
                words_at(0, top + 17, step.label, klass="strong", room=left - 8),
                block(
                    left,
                    top + 3,
                    max(step.value * scale, 1.0),
                    20.0,
                    "bar" if step.with_sales else "bar-2",
                    f"{step.label}: {count(step.value)}",
                ),
                words_at(left + step.value * scale + 8, top + 17, count(step.value), klass="strong"),
            ]
            if share is not None:
                parts.append(words_at(width - 96.0, top + 17, percent(share), klass="strong", anchor="end"))
            if step.time:
                parts.append(words_at(width, top + 17, step.time, anchor="end"))
        return Drawing(24.0 + len(self.steps) * (ROW + 4), join(parts))

    def _stacked(self, width: int) -> Drawing:
        scale = self._scale(width)
        parts = []
        for place, (step, share) in enumerate(zip(self.steps, self._shares(), strict=True)):
            top = place * 44.0
            behind = " · ".join(part for part in (percent(share) if share is not None else "", step.time) if part)
            parts += [
                words_at(0, top + 13, step.label, klass="strong", room=width * 0.46),
                words_at(width * 0.62, top + 13, count(step.value), klass="strong", anchor="end"),
                words_at(width, top + 13, behind, anchor="end"),
                block(
                    0,
                    top + 20,
                    max(step.value * scale, 1.0),
                    12.0,
                    "bar" if step.with_sales else "bar-2",
                    f"{step.label}: {count(step.value)}",
                ),
            ]
        return Drawing(len(self.steps) * 44.0, join(parts))

    def table(self) -> Table:
        rows = [
            [
                Cell(step.label),
                Cell(count(step.value), step.url),
                Cell(percent(share) if share is not None else "–"),
                Cell(step.time or "–"),
            ]
            for step, share in zip(self.steps, self._shares(), strict=True)
        ]
        return Table([_("Stage"), _("Leads"), _("Of the step before"), _("Median time to get there")], rows)
