"""``{% report_tabs "funnel" %}``: the reports beside each other, the one shown marked."""

from __future__ import annotations

from typing import Any

from django import template

from leads.reports import registry

register = template.Library()


@register.inclusion_tag("leads/reports/_tabs.html", takes_context=True)
def report_tabs(context: dict[str, Any], current: str) -> dict[str, Any]:
    return {"reports": registry.of(context["user"]), "current": current}
