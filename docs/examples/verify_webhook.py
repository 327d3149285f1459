"""Whether a webhook comes from Baton and is whole (Standard Webhooks). Standard library only.

verify(secret, headers, body) returns what was told, or raises ValueError. `body` is the bytes as they came in.
"""

import base64
import hashlib
import hmac
import json
import time

TOLERANCE_SECONDS = 5 * 60


def verify(secret, headers, body, now=None):
    known = {name.lower(): value for name, value in headers.items()}
    key, sent_at = known.get("webhook-id", ""), known.get("webhook-timestamp", "")
    if not key or not sent_at.isdecimal():
        raise ValueError("headers are missing")
    if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE_SECONDS:
        raise ValueError("too old, or from the future")
    made_with = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(made_with, f"{key}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(made).decode()
    if not any(hmac.compare_digest(wanted, one) for one in known.get("webhook-signature", "").split(" ")):
        raise ValueError("no signature fits")
    return json.loads(body)
