"""The example client against a live server: the whole story, over a real socket."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from crm import api_tokens
from crm.models import Activity, Contact
from leads.models import Lead
from tests import cast as people

pytestmark = pytest.mark.django_db(transaction=True)
SCOPES = ("contacts:write", "contacts:read", "activities:write", "leads:read", "leads:write", "leads:move")


def the_client() -> Any:
    path = Path(settings.BASE_DIR) / "docs/examples/client.py"
    spec = importlib.util.spec_from_file_location("example_client", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_client_tells_the_whole_story(live_server: Any) -> None:
    cast = people.assemble()
    _token, text = api_tokens.issue(cast.mia, SCOPES, name="example")
    example = the_client()
    baton = example.Baton(live_server.url, text)
    told = example.story(baton, "ada@acme.example")
    contact = Contact.objects.get(email="ada@acme.example")
    lead = Lead.objects.get(contact=contact)
    assert (contact.city, lead.stage, lead.owner, told["lead_id"]) == ("Bonn", "mql", cast.mia, lead.pk)
    assert Activity.objects.filter(contact=contact).count() == 3
    assert [row["id"] for row in baton.every("contacts/", limit=1)] == [contact.pk]
    with pytest.raises(example.Refused) as refused:
        baton.move({"id": lead.pk, "version": 0}, "accept")
    assert (refused.value.status, refused.value.problem["code"]) == (409, "stale")
    with pytest.raises(example.Refused) as stranger:
        example.Baton(live_server.url, "baton_x").get("leads/")
    assert stranger.value.status == 401
