"""The schema and its page: OpenAPI 3.1, read with a token or by whoever is signed in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.serializers import ListSerializer

from crm.api.authentication import Bearer
from crm.api.fields import Strict


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "crm.api.authentication.Bearer"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class BearerOrSession(Bearer):
    """A token where one is sent, else the browser's session; for reading the schema."""

    def authenticate(self, request: Any) -> Any:
        if "HTTP_AUTHORIZATION" in request.META:
            return super().authenticate(request)
        return SessionAuthentication().authenticate(request)


class Schema(SpectacularJSONAPIView):
    """The description of the whole API."""

    authentication_classes = [BearerOrSession]
    permission_classes = [IsAuthenticated]
    throttle_classes = []


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Say what the generator cannot know: bodies are sent, take no unknown members, and how many items."""
    for name, component in result.get("components", {}).get("schemas", {}).items():
        if name in Strict.bodies:
            component["additionalProperties"] = False
            _bound(component, Strict.bodies[name])
            if one_of := Strict.bodies[name].one_of:  # as anyOf it would break generated clients into one type each
                component["description"] = f"One of these at least says something: {', '.join(one_of)}."
        if component.get("description") == Strict.__doc__:
            del component["description"]
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:  # also where no member of it is required
                operation["requestBody"]["required"] = True
    return result


def _bound(component: dict[str, Any], body: type[Strict]) -> None:
    """Say how many items the lists of a body hold."""
    for name, field in body().fields.items():
        if isinstance(field, ListSerializer):
            bounds = {"minItems": getattr(field, "min_length", None), "maxItems": getattr(field, "max_length", None)}
            component["properties"][name] |= {word: bound for word, bound in bounds.items() if bound is not None}


@login_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger's page over the schema."""
    return render(request, "crm/api_docs.html", {"schema_url": reverse("api_schema")})
