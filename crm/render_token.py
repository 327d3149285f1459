"""A token rendered into a form, so that sending the same form twice does one thing."""

from __future__ import annotations

import uuid

from django.core import signing

SALT = "crm.render_token"


def issue() -> str:
    """Return a new signed token for one rendering of a form."""
    return signing.dumps(uuid.uuid4().hex, salt=SALT, compress=False)


def read(token: str) -> str:
    """Return the 32 hex digits inside `token`; ValueError when it is not one of ours."""
    try:
        return str(signing.loads(token, salt=SALT))
    except signing.BadSignature as error:
        raise ValueError("not a token of this installation") from error
