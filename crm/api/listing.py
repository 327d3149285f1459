"""Lists of the API: filters from a closed list, and pages by the last row seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.fields import EARLIEST, LARGEST_ID

SIZE, MOST = 50, 200
PAGING = ("after", "limit")
CURSOR = re.compile(r"[0-9]{1,18}")
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


class IdFilter(django_filters.Filter):
    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"min_value": 1, "max_value": LARGEST_ID} | kwargs)


class TextFilter(django_filters.CharFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 254} | kwargs)


class ChoiceFilter(django_filters.ChoiceFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"empty_label": None} | kwargs)


class DayForm(forms.DateField):
    """A day as the API writes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"input_formats": ["%Y-%m-%d"]})


class DayFilter(django_filters.Filter):
    field_class = DayForm


class InstantForm(forms.CharField):
    """A moment as the API writes it."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            told = parse_datetime(text)
        except ValueError:
            told = None
        if text and (told is None or told.tzinfo is None):
            raise forms.ValidationError(_("Write the moment with its offset, such as 2026-05-01T09:30:00Z."))
        # In UTC: PostgreSQL knows no offset of sixteen hours or more.
        return min(max(told, EARLIEST), LATEST).astimezone(UTC) if told else None


class InstantFilter(django_filters.Filter):
    """Rows whose moment is this one or later; for reading only what has changed since the last time."""

    field_class = InstantForm

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"lookup_expr": "gte"} | kwargs)


class Filters(django_filters.FilterSet):
    """What one may ask a list for. An empty value is a mistake, not "everything"."""


def listed(
    request: Any, rows: QuerySet[Any], filters: type[Filters], show: type[serializers.BaseSerializer[Any]],
    context: Any = None,
) -> Response:  # fmt: skip
    """Answer one page of `rows`, oldest first: {"results": […], "next": address or null}.

    `context` takes the rows of the page and returns what the serializer needs about them.
    """
    wanted = narrowed(request, rows, filters).order_by("id")
    size = _size(request)
    found = list((wanted.filter(id__gt=after) if (after := _after(request)) else wanted)[: size + 1])
    shown = found[:size]
    told = show(shown, many=True, context=context(shown) if context else {}).data
    return Response({"results": told, "next": _next(request, shown[-1].pk) if len(found) > size else None})


def narrowed(request: Any, rows: QuerySet[Model], filters: type[Filters]) -> QuerySet[Model]:
    """Return the rows asked for; 400 for a filter there is none of, and for a value it does not know (I34)."""
    asked = request.query_params
    known = filters.base_filters
    refuse_unknown(request, [*known, *PAGING])
    found = filters(asked, queryset=rows)
    if not found.is_valid():
        raise serializers.ValidationError({name: list(texts) for name, texts in found.errors.items()})
    return found.qs


def refuse_unknown(request: Any, known: list[str]) -> None:
    """400 for a parameter there is none of, that stands twice, or that has no value."""
    wrong = {name: _("There is no such filter.") for name in request.query_params if name not in known}
    twice = {name: _("This stands twice.") for name, values in request.query_params.lists() if len(values) > 1}
    empty = {name: _("This has no value.") for name, value in request.query_params.items() if not value}
    if wrong or twice or empty:
        raise serializers.ValidationError(empty | twice | wrong)


def _size(request: Any) -> int:
    text = request.query_params.get("limit", str(SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST):
        raise serializers.ValidationError({"limit": _("A page holds 1 to %(most)d rows.") % {"most": MOST}})
    return int(text)


def _after(request: Any) -> int:
    """Return the number of the last row that was read, 0 for the first page."""
    text = request.query_params.get("after", "0")
    if not CURSOR.fullmatch(text):
        raise serializers.ValidationError({"after": _("This is not the end of a page.")})
    return int(text)


def _next(request: Any, after: int) -> str:
    kept = {name: value for name, value in request.query_params.items() if name != "after"}
    return str(request.build_absolute_uri(f"{request.path}?{urlencode(kept | {'after': after})}"))
