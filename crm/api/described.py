"""How an operation is described in the schema: summary, scope, filters, answers, and the noes it may give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
from django import forms
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from crm.api.listing import CURSOR, DayForm, Filters, InstantForm
from crm.api.problems import MEDIA_TYPE

NOES = {
    400: "Not understood: each field with its sentence.",
    401: "No valid token.",
    403: "The token lacks the scope, or the person may not do this.",
    404: "Nothing here that you may see.",
    409: "Not possible now, or changed meanwhile; nothing was written.",
    413: "The body is larger than 2 MB.",
    414: "The address is longer than 4 kB; the web server says so, before anything is read.",
    415: "The body is not application/json.",
    422: "The Idempotency-Key was sent with another request.",
    429: "Too many requests; see Retry-After.",
}
ALWAYS = (400, 401, 403, 429)
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[\x21-\x7e]+$"},
    OpenApiParameter.HEADER,
    description="Send the same request again with the same key, and it has one effect. Kept for 24 hours.",
)


class FieldError(serializers.Serializer):
    field = serializers.CharField(help_text="A path such as contacts.3.email; empty for the whole body.")
    detail = serializers.CharField()


class Difference(serializers.Serializer):
    field = serializers.CharField()
    yours = serializers.JSONField()
    now = serializers.JSONField()


class Person(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class ProblemBody(serializers.Serializer):
    """RFC 9457. `code` is stable; `title` and `detail` are for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField(required=False)
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = FieldError(many=True, required=False)
    allowed = serializers.ListField(child=serializers.CharField(), required=False, help_text="Verbs possible now.")
    version = serializers.IntegerField(required=False, help_text="The version there is now.")
    changed_by = Person(required=False, allow_null=True)
    differences = Difference(many=True, required=False)
    id = serializers.IntegerField(required=False, help_text="The row that is there already.")


class NoFilters(Filters):
    pass


def page_of(show: type[serializers.BaseSerializer[Any]]) -> Any:
    """Return the shape of one page of `show`."""
    name = show.__name__
    fields = {
        "results": show(many=True),
        "next": serializers.URLField(allow_null=True, help_text="The next page; null at the end."),
    }
    return inline_serializer(f"{name}Page", fields)  # type: ignore[arg-type]


def described(
    method: str, summary: str, *, name: str, answer: Any, status: int = 200, body: Any = None,
    filters: type[Filters] | None = None, noes: tuple[int, ...] = (), examples: dict[str, Any] | None = None,
    asks: tuple[OpenApiParameter, ...] = (), also: dict[int, Any] | None = None, about: str = "",
) -> Callable[[Any], Any]:  # fmt: skip
    """Describe one method of an endpoint; stands above `@endpoint`.

    `examples` are bodies by name, `also` further answers by status, `noes` beside 400, 401, 403 and 429.
    """
    writes = (409, 413, 415) if body is not None else ()
    keyed = (422,) if method == "POST" else ()
    refusals: dict[Any, Any] = {
        (code, MEDIA_TYPE): OpenApiResponse(ProblemBody, NOES[code]) for code in {*ALWAYS, *noes, *writes, *keyed}
    }
    parameters = [*asks, *(parameters_of(filters) if filters else ()), *([KEY] if method == "POST" else ())]

    if any(parameter.location == OpenApiParameter.QUERY for parameter in parameters):
        refusals[414] = OpenApiResponse(None, NOES[414])

    def describing(view: Any) -> Any:
        scope = view.cls.scopes[method]
        told = f"{about}\n\nScope: `{scope}`." if about else f"Scope: `{scope}`."
        return extend_schema(
            methods=[method], operation_id=name, summary=summary, description=told, request=body,
            parameters=parameters, responses={status: answer, **(also or {}), **refusals},
            examples=[OpenApiExample(title, value, request_only=True) for title, value in (examples or {}).items()],
            extensions={"x-scope": scope},
        )(view)  # fmt: skip

    return describing


# --- Filters --------------------------------------------------------------------------------------

LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, description="Rows a page."
)
AFTER = OpenApiParameter(
    "after",
    {"type": "string", "pattern": f"^{CURSOR.pattern}$"},
    description="Where the last page ended; take it from `next`.",
)


def parameters_of(filters: type[Filters]) -> list[OpenApiParameter]:
    """Return what the schema says about the filters of a list."""
    told = [
        OpenApiParameter(name, _schema(one), description=str(one.label or ""))
        for name, one in filters.base_filters.items()
    ]
    return [*told, LIMIT, AFTER]


def _schema(one: django_filters.Filter) -> Any:
    field = one.field
    if isinstance(field, forms.ChoiceField):
        return {"type": "string", "enum": [str(value) for value, _label in field.choices if value]}
    if isinstance(field, DayForm):
        return {"type": "string", "format": "date"}
    if isinstance(field, InstantForm):
        return {"type": "string", "format": "date-time"}
    if isinstance(field, forms.IntegerField):
        return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}
    if isinstance(field, forms.CharField):
        return {"type": "string", "minLength": 1, "maxLength": field.max_length, "pattern": r"^[^\x00]+$"}
    return OpenApiTypes.STR
