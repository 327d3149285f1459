"""The role matrix over every address of the API: roles × scopes, made from the addresses themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import get_resolver

from crm import activities
from crm.api.scopes import SCOPES
from leads import campaigns
from leads.models import Handoff
from scoring.models import ScorecardVersion
from tests.api_client import Program
from tests.cast import Cast, accepted
from tests.leads.sent_forms import a_form

pytestmark = pytest.mark.django_db


def served() -> list[tuple[str, dict[str, str]]]:
    """Return (address below /api/v1/, scope of each method) of everything the API serves."""
    found = []
    for top in get_resolver().url_patterns:
        for group in (top, *getattr(top, "url_patterns", [])):
            if str(group.pattern) == "api/v1/":
                found += [(str(one.pattern), getattr(one.callback.cls, "scopes", {})) for one in group.url_patterns]
    return found


EVERY = [(path, method, scope) for path, scopes in served() for method, scope in scopes.items()]


def address(path: str, world: dict[str, int]) -> str:
    return path.replace("<int:pk>", str(world.get(path.partition("/")[0], 0)))


@pytest.fixture
def world(cast: Cast) -> dict[str, int]:
    lead = accepted(cast)
    done = activities.record(lead.contact, "webinar_attended")
    assert done is not None and lead.contact.company_id is not None
    return {
        "contacts": lead.contact_id, "companies": lead.contact.company_id, "activities": done.id, "leads": lead.pk,
        "handoffs": Handoff.objects.get().pk, "campaigns": campaigns.create({"name": "Fair"}, by=cast.mia).pk,
        "forms": a_form().pk,
        "scorecards": ScorecardVersion.objects.get(state="published").pk,
    }  # fmt: skip


def test_the_resources_of_the_contract_are_served() -> None:
    wanted = {"contacts", "companies", "activities", "leads", "handoffs", "scorecards", "campaigns", "forms",
              "reports"}  # fmt: skip
    assert wanted <= {path.partition("/")[0] for path, _method, _scope in EVERY}
    assert {scope for _path, _method, scope in EVERY} <= set(SCOPES)


def test_each_address_asks_for_its_scope_and_no_other(cast: Cast, world: dict[str, int]) -> None:
    for path, method, scope in EVERY:
        others = [one for one in SCOPES if one != scope]
        refused = Program(cast.ava, *others).send(address(path, world), {}, method=method)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed"), (path, method)
        let_in = Program(cast.ava, scope).send(address(path, world), {}, method=method)
        assert let_in.status_code in ({200} if method == "GET" else {200, 201, 400}), (path, method, let_in.content)


# Sam owns the lead, Rosa is of another team, Mia reads after sales has accepted, Lena and Ava may all.
READS = {"mia": 200, "sam": 200, "rosa": 404, "lena": 200, "ava": 200}
PRIVATE = {"contacts", "companies", "activities", "leads", "handoffs"}


@pytest.mark.parametrize("who", READS)
def test_who_reads_what(cast: Cast, world: dict[str, int], who: str) -> None:
    program = Program(getattr(cast, who))
    for path, method, _scope in EVERY:
        if method == "GET" and "<int:pk>" in path:
            answer = program.ask(address(path, world))
            wanted = READS[who] if path.partition("/")[0] in PRIVATE else 200
            assert answer.status_code == wanted, (path, who)
        elif method == "GET" and path.partition("/")[0] in PRIVATE and who == "rosa":
            assert program.ask(path).json()["results"] == []


CHANGES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "contacts": ({"city": "Ulm"}, {"mia": 403, "sam": 200, "rosa": 404, "lena": 200, "ava": 200}),
    "companies": ({"city": "Ulm"}, {"mia": 200, "sam": 200, "rosa": 404, "lena": 200, "ava": 200}),
    "leads": ({"next_step": "Call"}, {"mia": 403, "sam": 200, "rosa": 404, "lena": 200, "ava": 200}),
    "campaigns": ({"name": "New"}, {"mia": 200, "sam": 403, "rosa": 403, "lena": 403, "ava": 200}),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("who", READS)
def test_who_changes_what(cast: Cast, world: dict[str, int], who: str, what: str) -> None:
    body, answers = CHANGES[what]
    program, path = Program(getattr(cast, who)), f"{what}/{world[what]}/"
    before = Program(cast.ava).ask(path).json()
    answer = program.change(path, {"version": before["version"]} | body)
    assert answer.status_code == answers[who], answer.content
    after = Program(cast.ava).ask(path).json()
    changed = {name for name, value in body.items() if after[name] == value}
    assert changed == (set(body) if answers[who] == 200 else set())
