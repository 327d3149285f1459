"""Every no of the API in one shape, problem+json with a stable code (RFC 9457), answered in this one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

MEDIA_TYPE = "application/problem+json"
CODES: dict[int, str] = {
    400: "invalid", 401: "not_allowed", 403: "not_yours", 404: "not_found", 405: "wrong_method", 409: "conflict",
    413: "too_large", 415: "wrong_type", 422: "key_used", 429: "too_many", 500: "failed",
}  # fmt: skip


class Problem(exceptions.APIException):
    """A no with its code; `more` are further members of the body. Nothing has been written."""

    def __init__(self, status_code: int, detail: str, *, code: str = "", wait: int | None = None, **more: Any) -> None:
        self.status_code, self.problem, self.wait, self.more = status_code, code or CODES[status_code], wait, more
        super().__init__(detail)


class NotAllowed(Problem):
    """The token is none, or not for this. One body for every cause, so that nothing can be learnt from it (I30)."""

    def __init__(self, status_code: int, challenge: str = "Bearer") -> None:
        self.auth_header = challenge
        super().__init__(status_code, _("This needs a valid token with the scope of this address."), code="not_allowed")


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into its response; None leaves it to the server's 500."""
    if isinstance(error, exceptions.NotAuthenticated):
        error = NotAllowed(401)
    if isinstance(error, NotAllowed):
        told = {"type": "about:blank", "title": _("Not allowed"), "code": error.problem, "detail": str(error.detail)}
        return _response(error.status_code, told, {"WWW-Authenticate": error.auth_header})
    if isinstance(error, Problem):
        headers = {"Retry-After": str(error.wait)} if error.wait is not None else {}
        return _response(
            error.status_code, body(error.status_code, str(error.detail), error.problem) | error.more, headers
        )
    if isinstance(error, exceptions.ValidationError):
        return invalid(list(_flat(error.detail)))
    if isinstance(error, ValidationError):
        return invalid(list(_of_fields(error)))
    if isinstance(error, (Http404, exceptions.NotFound)):
        return _response(404, body(404, _("There is nothing here that you may see.")), {})
    if isinstance(error, exceptions.ParseError):
        return _response(400, body(400, str(error.detail), "malformed"), {})
    if isinstance(error, (PermissionDenied, exceptions.PermissionDenied)):
        return _response(403, body(403, str(error) or _("You may not do this.")), {})
    if isinstance(error, exceptions.APIException):
        wait = getattr(error, "wait", None)
        headers = {"Retry-After": str(int(wait) + 1)} if wait is not None else {}
        return _response(error.status_code, body(error.status_code, str(error.detail)), headers)
    return None


def body(status_code: int, detail: str, code: str = "") -> dict[str, Any]:
    """Return the members every problem has."""
    title = _titles().get(status_code, str(status_code))
    return {
        "type": "about:blank", "title": title, "status": status_code,
        "code": code or CODES.get(status_code, "failed"), "detail": detail,
    }  # fmt: skip


def _titles() -> dict[int, str]:
    return {
        400: _("Not understood"), 403: _("Not yours to change"), 404: _("Not found"), 405: _("Wrong method"),
        409: _("Changed meanwhile, or not possible now"), 413: _("Too large"), 415: _("Wrong content type"),
        422: _("Key used for something else"), 429: _("Too many requests"), 500: _("Something broke on our side"),
    }  # fmt: skip


def _response(status_code: int, told: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(told, status=status_code, headers=headers, content_type=MEDIA_TYPE)


def invalid(errors: list[dict[str, str]]) -> Response:
    """Answer 400 with a sentence per field; `field` is a path such as 'contacts.3.email', '' for the whole."""
    detail = " ".join(f"{one['field']}: {one['detail']}" if one["field"] else one["detail"] for one in errors[:5])
    return _response(400, body(400, detail, "invalid") | {"errors": errors}, {})


def _flat(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            here = "" if name == "non_field_errors" else str(name)
            yield from _flat(inner, ".".join(part for part in (path, here) if part))
    elif isinstance(detail, (list, tuple)):
        for place, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from _flat(inner, f"{path}.{place}" if nested and path else path)
    else:
        yield {"field": path, "detail": str(detail)}


def _of_fields(error: ValidationError) -> Iterator[dict[str, str]]:
    if hasattr(error, "error_dict"):
        for name, texts in error.message_dict.items():
            yield from ({"field": "" if name == "__all__" else name, "detail": text} for text in texts)
    else:
        yield from ({"field": "", "detail": text} for text in error.messages)


def errors_of(error: ValidationError | exceptions.ValidationError) -> list[dict[str, str]]:
    """Return the sentences of one refused item of many."""
    return list(_of_fields(error) if isinstance(error, ValidationError) else _flat(error.detail))


def plain(request: HttpRequest, status_code: int, detail: str) -> JsonResponse:
    """Answer outside of the API's views, such as from a handler of the whole project."""
    return JsonResponse(body(status_code, detail), status=status_code, content_type=MEDIA_TYPE)
