"""A program that speaks to the API with a token of one of the cast."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from crm import api_tokens
from crm.api.scopes import SCOPES
from crm.models import User


class Program(Client):
    """`Program(cast.mia)` has every scope, `Program(cast.mia, "leads:read")` just that."""

    def __init__(self, user: User, *scopes: str) -> None:
        super().__init__()
        self.token, self.secret = api_tokens.issue(user, scopes or SCOPES, name="test")
        self.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.secret}"

    def ask(self, path: str, **query: Any) -> Any:
        return self.get(f"/api/v1/{path}", query)

    def send(self, path: str, body: Any, *, key: str = "", method: str = "POST") -> Any:
        raw = body if isinstance(body, (str, bytes)) else json.dumps(body)
        headers = {"Idempotency-Key": key} if key else {}
        return self.generic(method, f"/api/v1/{path}", raw, content_type="application/json", headers=headers)

    def change(self, path: str, body: Any) -> Any:
        return self.send(path, body, method="PATCH")
