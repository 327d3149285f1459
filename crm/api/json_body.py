"""Reading what a program sent: JSON as RFC 8259 has it, with bounds (I21, I23)."""

from __future__ import annotations

import json
import math
from typing import IO, Any

from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from crm.api.problems import Problem

LARGEST = 2 * 1024 * 1024
DEEPEST = 32
WIDEST_INTEGER = 2**63 - 1


class JSONBody(BaseParser):
    """The one parser of the API. Raises ParseError (400) and Problem (413)."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return read(stream.read(LARGEST + 1))


def bytes_of(request: Any) -> bytes:
    """Return the body of an HttpRequest; Problem (413) when it says or turns out to be larger than two megabytes."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > LARGEST:
        raise _too_large()
    try:
        return bytes(request.body)
    except (UnreadablePostError, RawPostDataException) as error:
        raise ParseError(_("The body could not be read to its end.")) from error


def _too_large() -> Problem:
    return Problem(413, _("A body may hold 2 MB. Send less at once."))


def read(body: bytes) -> Any:
    """Return the value of a JSON text. Refused: NaN and Infinity, numbers out of range, a name twice, nesting deeper
    than 32, NUL and lone surrogates, anything but UTF-8."""
    if len(body) > LARGEST:
        raise _too_large()
    try:
        value = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded,
            object_pairs_hook=_each_once,
        )  # fmt: skip
    except RecursionError as error:
        raise ParseError(_("The JSON is nested too deeply.")) from error
    except UnicodeDecodeError as error:
        raise ParseError(_("The body is not UTF-8.")) from error
    except json.JSONDecodeError as error:
        raise ParseError(
            _("This is not JSON: line %(line)d, column %(column)d.") % {"line": error.lineno, "column": error.colno}
        ) from error
    except ValueError as error:
        raise ParseError(str(error)) from error
    _check(value)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(_("%(value)s is not a number in JSON.") % {"value": name})


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(_("A number is too large."))
    return value


def _bounded(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > WIDEST_INTEGER:
        raise ValueError(_("A number is too large."))
    return int(text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(_("The name “%(name)s” stands twice in one object.") % {"name": twice[:60]})
    return found


def _check(value: Any) -> None:
    """Walk through the value without recursion."""
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise ParseError(_("The JSON is nested too deeply."))
        if isinstance(one, dict):
            waiting += [(inner, depth + 1) for inner in one.values()]
            for name in one:
                _check_text(name)
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in one]
        elif isinstance(one, str):
            _check_text(one)


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ParseError(_("A text holds a character that cannot be stored."))
