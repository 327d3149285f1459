"""A whole client of Baton's API in the standard library: a person, what they did, the lead's moves, why it scores.

    python client.py http://127.0.0.1:8000 baton_…

The token needs contacts:write, activities:write, leads:read, leads:write and leads:move.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class Refused(Exception):
    """A no of the API: `status`, and the problem as it was told."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")


class Baton:
    """Speaks to one installation with one token. Refusals are raised; busy servers are asked again."""

    def __init__(self, site: str, token: str, tries: int = 5) -> None:
        self.root, self.token, self.tries = f"{site.rstrip('/')}/api/v1", token, tries

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, **body: Any) -> Any:
        """Send once, whatever happens on the way: the key makes a repeat harmless."""
        return self._ask("POST", path, body, {"Idempotency-Key": str(uuid.uuid4())})

    def patch(self, path: str, **body: Any) -> Any:
        return self._ask("PATCH", path, body)

    def every(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield all rows of a list, page by page."""
        page = self.get(path, **{"limit": 200} | query)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            page = self._ask("GET", page["next"])

    def move(self, lead: dict[str, Any], verb: str, **details: Any) -> Any:
        """Move a lead as it was read, and return it as it is now."""
        return self.post(f"leads/{lead['id']}/moves/", verb=verb, version=lead["version"], **details)

    def _ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        address = path if path.startswith("http") else f"{self.root}/{path}"
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        for left in reversed(range(self.tries)):
            try:
                with urlopen(Request(address, data, sent, method=method), timeout=30) as answer:  # nosec B310
                    return json.load(answer)
            except HTTPError as error:
                wait = error.headers.get("Retry-After")
                if wait is None or not left:
                    raise Refused(error.code, _problem(error)) from error
                time.sleep(min(int(wait), 60))
        raise AssertionError("not reached")


def _problem(error: HTTPError) -> dict[str, Any]:
    try:
        return dict(json.load(error))
    except ValueError:
        return {"code": "failed", "detail": error.reason}


def story(baton: Baton, email: str) -> dict[str, Any]:
    """Bring somebody in, record what they did, make the lead an MQL, and return why it scores as it does."""
    contact = baton.post("contacts/", first_name="Ada", last_name="Brömmel", email=email, job_title="Head of Marketing")
    lead = baton.post("leads/", contact_id=contact["id"], source="webinar")
    for kind in ("webinar_attended", "pricing_view", "demo_request"):
        baton.post("activities/", contact_id=contact["id"], kind=kind, message_id=f"{kind}-{contact['id']}")
    contact = baton.patch(f"contacts/{contact['id']}/", version=contact["version"], city="Bonn")
    lead = baton.get(f"leads/{lead['id']}/")
    try:
        lead = baton.move(lead, "qualify_for_marketing", note="Asked for a demo.")
    except Refused as refused:  # the scorecard may have been faster
        if refused.problem.get("code") != "stale":
            raise
    return dict(baton.get(f"leads/{lead['id']}/score/"))


if __name__ == "__main__":
    told = story(Baton(sys.argv[1], sys.argv[2]), f"ada.{uuid.uuid4().hex[:8]}@example.com")
    print(f"Score {told['score']} {told['grade']}")
    for line in told["lines"]:
        print(f"{line['points'] if line['points'] is not None else '':>6}  {line['label']}")
