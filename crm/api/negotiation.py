"""The API speaks JSON, whatever the caller's Accept header prefers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation


class AlwaysJSON(BaseContentNegotiation):
    """Take the one parser where it fits, and the one renderer always."""

    def select_parser(self, request: Any, parsers: Iterable[Any]) -> Any:
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request: Any, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        first = next(iter(renderers))
        return first, first.media_type
