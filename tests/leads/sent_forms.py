"""Forms as Mia makes them, and people who fill them in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from crm import outbox
from crm.models import OutboxMessage, User
from leads import form_tokens
from leads.models import CaptureForm, Source, Submission

TEXTS = {
    "en": {"title": "Cold chains", "intro": "Where temperature gets lost."},
    "de": {"title": "Kühlketten", "intro": "Wo Temperatur verloren geht."},
}
FIELDS = [
    {"name": "email", "required": True},
    {"name": "first_name", "required": True},
    {"name": "last_name"},
    {"name": "company"},
    {"name": "phone"},
]
#: opened a minute from now: too fast for a person, however slow the machine is that runs the test
TOO_FAST = -60.0
ADA = {"email": "ada@acme.example", "first_name": "Ada", "last_name": "Brömmel", "company": "Acme GmbH"}


def a_form(kind: str = "demo_request", *, slug: str = "", by: User | None = None, **values: Any) -> CaptureForm:
    """Return an open form; without more it asks for e-mail, first name, last name, company and phone."""
    known: dict[str, Any] = {
        "name": f"Form {kind}", "slug": slug or kind.replace("_", "-"), "kind_id": kind, "texts": TEXTS,
        "fields": FIELDS,
        "consents": ["newsletter:email"], "active": True, "source": Source.objects.get(key="landing_page"),
        "created_by": by,
    }  # fmt: skip
    return CaptureForm.objects.create(**(known | values))


def token_of(page: str) -> str:
    """Return the render token that stands in a page."""
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found.group(1)


def opened(form: CaptureForm, *, seconds: float = 10, **context: Any) -> str:
    """Return the token of a page that was opened so many seconds ago."""
    import time_machine

    with time_machine.travel(timezone.now() - timedelta(seconds=seconds), tick=False):
        return form_tokens.issue(form, context)


def send(form: CaptureForm, told: dict[str, Any] | None = None, *, seconds: float = 10, client: Client | None = None,
         token: str = "", query: str = "", **headers: str) -> Any:  # fmt: skip
    """Fill in `form` as a person would and return the answer; `consents` in `told` names ids of texts."""
    data = {**ADA, **(told or {}), "token": token or opened(form, seconds=seconds)}
    for pk in data.pop("consents", []):
        data[f"consent-{pk}"] = "on"
    return (client or Client()).post(f"/f/{form.slug}/{query}", data, headers=headers)


def only() -> Submission:
    return Submission.objects.get()


def link(mailbox: Any) -> str:
    """Deliver what waits and return the path of the link in the newest mail."""
    OutboxMessage.objects.update(next_try_at=timezone.now())
    outbox.deliver()
    found = re.search(r"https?://[^/]+(/consent/\S+/)", mailbox[-1].body)
    assert found
    return found.group(1)


def press(path: str, client: Client | None = None) -> Any:
    """Open the page behind a link and press its button, as a person does."""
    browser = client or Client()
    page = browser.get(path).content.decode()
    requests = re.findall(r'name="request" value="(\d+)"', page)
    return browser.post(path, {"act": "confirm", "request": requests})
