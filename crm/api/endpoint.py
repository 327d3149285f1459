"""What every address of the API shares: scopes by method, the body read once, POSTs that may be sent again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.decorators import api_view
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from crm.api import idempotency, json_body

View = Callable[..., Response]
WRITES = {"POST", "PATCH"}


def endpoint(**scopes: str) -> Callable[[View], Any]:
    """Serve the methods named, each for tokens with its scope: `@endpoint(get="leads:read", post="leads:write")`."""
    by_method = {method.upper(): scope for method, scope in scopes.items()}

    def serving(view: View) -> Any:
        @wraps(view)
        def checked(request: Any, *args: Any, **kwargs: Any) -> Response:
            if request.method not in WRITES:
                return view(request, *args, **kwargs)
            body = json_body.bytes_of(request._request)
            if not isinstance(request.data, dict) or not body:
                raise ParseError(_("Send a JSON object."))
            if request.method == "POST":
                return idempotency.once(request, body, lambda: view(request, *args, **kwargs))
            return view(request, *args, **kwargs)

        served: Any = api_view(list(by_method))(checked)
        served.cls.scopes = by_method
        return served

    return serving
