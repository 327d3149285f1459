"""What came over the wire, read: compressed or not, JSON or not, and whose write key it shows."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.tracking.messages import LARGEST_BATCH

CONTENT_TYPES = ("application/json", "text/plain", "")


class Unreadable(Exception):
    """The request can never succeed; `status` is 400 or 415, `why` a sentence."""

    def __init__(self, why: str | Promise, status: int = 400) -> None:
        self.why, self.status = why, status
        super().__init__(str(why))


TOO_LARGE = _("A batch has at most 500 kB, uncompressed.")
NOT_JSON = _("The body is not JSON: numbers must be finite, keys of an object unique, text UTF-8.")


def body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object a request carries; Unreadable when there is none."""
    if request.content_type not in CONTENT_TYPES:
        raise Unreadable(_("Send application/json."), status=415)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", ""}:
        raise Unreadable(_("The only encoding taken is gzip."), status=415)
    try:
        raw = request.read(LARGEST_BATCH + 1)
    except OSError as error:
        raise Unreadable(_("The body did not arrive whole.")) from error
    if encoding == "gzip":
        raw = _unzipped(raw)
    if len(raw) > LARGEST_BATCH:
        raise Unreadable(TOO_LARGE)
    return _object(raw)


def _unzipped(raw: bytes) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        return unzip.decompress(raw, LARGEST_BATCH + 1)
    except zlib.error as error:
        raise Unreadable(_("The body is no gzip.")) from error


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(
            raw.decode("utf-8"), parse_constant=_not_finite, parse_float=_finite, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable(NOT_JSON) from error
    if not isinstance(found, dict):
        raise Unreadable(_("The body must be a JSON object."))
    return found


def _not_finite(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def write_key(request: HttpRequest, told: Mapping[str, Any]) -> str:
    """Return the write key a request shows: as the name of Basic sign-in, or as `writeKey` in the body."""
    scheme, _blank, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
        except ValueError:
            return ""
    if scheme:
        return ""
    key = told.get("writeKey")
    return key if isinstance(key, str) else ""
