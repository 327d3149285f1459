"""One message as it came, checked and put into one shape; or the reason why it cannot be taken."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.tracking import clock
from crm.tracking.refusals import Refused

TYPES = ("identify", "track", "page", "screen", "group", "alias")
LONGEST_ID = 100
LONGEST_USER_ID = 200
LARGEST_MESSAGE = 32 * 1024
LARGEST_BATCH = 500_000
DEEPEST = 10
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A message that can be taken. `at` is corrected, never in the future; `claim` is what it said, if it differs."""

    type: str
    message_id: str
    user_id: str
    anonymous_id: str
    name: str
    at: datetime
    claim: str = ""
    previous_id: str = ""
    group_id: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


def read(body: Any, *, received: datetime, sent_at: Any = None) -> Message:
    """Return `body`, one decoded JSON object, as a message; Refused when it cannot be taken.

    `sent_at` is the clock of the sender when it sent the batch; a message may carry its own.
    """
    if not isinstance(body, dict):
        raise Refused("no_object")
    kind = body.get("type")
    if kind not in TYPES:
        raise Refused("unknown_type")
    _check_size(body)
    message_id = _id(body.get("messageId"), LONGEST_ID)
    user_id, anonymous_id = _id(body.get("userId"), LONGEST_USER_ID), _id(body.get("anonymousId"), LONGEST_ID)
    context = _object(body.get("context"))
    at, claim = clock.happened(body.get("timestamp"), sent_at=body.get("sentAt") or sent_at, received=received)
    message = Message(
        type=kind,
        message_id=message_id or str(uuid.uuid4()),
        user_id=user_id,
        anonymous_id=anonymous_id,
        name=_name(body),
        at=at,
        claim=claim,
        previous_id=_id(body.get("previousId"), LONGEST_USER_ID),
        group_id=_id(body.get("groupId"), LONGEST_USER_ID),
        properties=_object(body.get("properties")),
        traits=_object(context.get("traits")) | _object(body.get("traits")),
        context=context,
    )
    _check(message)
    return message


def _check(message: Message) -> None:
    if message.type == "alias":
        if not (message.previous_id and message.user_id):
            raise Refused("no_previous")
    elif not (message.user_id or message.anonymous_id):
        raise Refused("no_person")
    if message.type == "track" and not message.name:
        raise Refused("no_event")
    if message.type == "group" and not message.group_id:
        raise Refused("no_group")


def _id(value: Any, longest: int) -> str:
    """Return an id as text, '' for none."""
    if value is None or isinstance(value, (dict, list, bool)):
        return ""
    text = str(value).strip()
    if len(text) > longest:
        raise Refused("long_id")
    return text


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("wrong_shape")
    return value


def _name(body: Mapping[str, Any]) -> str:
    name = body.get("event") if body.get("type") == "track" else body.get("name")
    return str(name).strip()[:LONGEST_NAME] if isinstance(name, (str, int, float)) else ""


def _check_size(body: dict[str, Any]) -> None:
    """Refuse what is too deep, too large, or holds text that no database keeps."""
    _check_depth(body)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Refused("bad_text") from error
    if "\\u0000" in text and _holds_nul(body):
        raise Refused("bad_text")
    if size > LARGEST_MESSAGE:
        raise Refused("too_large")


def _check_depth(value: Any) -> None:
    level = [value]
    for _depth in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise Refused("too_deep")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_nul(inner) for inner in value)
