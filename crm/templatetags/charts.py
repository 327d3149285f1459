"""``{% chart figure %}`` and ``{% sparkline values %}``: the charts of ``crm.charts`` in a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString

from crm import charts

register = template.Library()


@register.inclusion_tag("_chart.html")
def chart(figure: charts.Chart) -> dict[str, Any]:
    """A figure: title, the sentence that sums it up, the drawing for the width at hand, and the figures as a table."""
    return {"figure": figure, "drawings": [figure.svg(variant) for variant in charts.WIDTHS], "table": figure.table()}


@register.simple_tag
def sparkline(values: Sequence[float], bar: float | None = None) -> SafeString:
    return charts.sparkline(list(values or ()), bar)


@register.inclusion_tag("_meter.html")
def meter(done: float, label: str) -> dict[str, Any]:
    """How far a job is, from 0 to 100; ``label`` says it in words."""
    return {"done": max(0, min(100, int(done))), "label": label}
