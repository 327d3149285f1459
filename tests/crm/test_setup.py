"""The first start of an empty installation."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from crm import first_start
from crm.models import AuditEntry, Role, Team, User, Workspace
from leads import lifecycle, qualification
from tests.cast import Cast, ada, reason

FIRST = {
    "workspace": "Acme GmbH", "name": "Ines Vogt", "email": "Ines@Acme.example", "password": "blue-lamp-river",
    "language": "de", "time_zone": "Europe/Vienna",
}  # fmt: skip


@pytest.mark.django_db
def test_an_empty_install_leads_to_its_first_page(client: Client) -> None:
    answer = client.get("/", follow=True)
    assert answer.redirect_chain == [("/setup/", 302)]
    assert "Make my workspace" in answer.content.decode()


@pytest.mark.django_db
def test_setup_makes_the_workspace_its_teams_and_a_signed_in_admin(client: Client) -> None:
    answer = client.post("/setup/", FIRST)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    admin = User.objects.get()
    assert (admin.email, admin.role, admin.language) == ("ines@acme.example", Role.ADMIN, "de")
    workspace = Workspace.objects.get()
    assert (workspace.name, workspace.time_zone, workspace.language) == ("Acme GmbH", "Europe/Vienna", "de")
    assert sorted(Team.objects.values_list("side", flat=True)) == ["marketing", "sales"]
    assert client.get("/settings/").status_code == 200
    assert AuditEntry.objects.filter(action="workspace.begun", actor=admin).exists()


@pytest.mark.django_db
def test_setup_is_gone_once_somebody_is_there(client: Client, cast: Cast) -> None:
    assert client.get("/setup/").status_code == 404
    assert client.post("/setup/", FIRST).status_code == 404
    assert User.objects.count() == len(cast.everyone)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"), [("password", "acme"), ("email", "ines@"), ("time_zone", "Mars/Base"), ("name", "")]
)
def test_setup_names_what_is_wrong_and_keeps_the_rest(client: Client, field: str, value: str) -> None:
    answer = client.post("/setup/", FIRST | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert 'value="Acme GmbH"' in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_the_one_admin_carries_a_lead_from_capture_to_won(client: Client) -> None:
    client.post("/setup/", FIRST)
    admin = User.objects.get()
    from leads import capture
    from leads.models import Source

    lead = capture.open_lead(ada(), source=Source.objects.get(key="by_hand"), by=admin, owner=admin)
    lifecycle.advance(lead, "qualify_for_marketing", by=admin, reason=reason("qualify_for_marketing"))
    lifecycle.advance(lead, "hand_off", by=admin, assignee=admin)
    lifecycle.advance(lead, "accept", by=admin)
    for topic in ("budget", "authority", "need"):
        qualification.note_finding(
            lead, topic, "confirmed", evidence="Told me.", dated_on=timezone.localdate(), by=admin
        )
    lifecycle.advance(lead, "qualify_for_sales", by=admin)
    lifecycle.advance(lead, "win", by=admin, amount=10, date=timezone.localdate())
    assert lead.stage == "won"
    for name in ("today", "sales_board"):
        try:
            assert client.get(reverse(name)).status_code == 200
        except NoReverseMatch:
            continue


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_make_one_admin() -> None:
    beginning = first_start.Beginning("W", "Ines", "", "blue-lamp-river", "UTC", "en")
    begun: list[Any] = []
    start = threading.Barrier(2)

    def begin(number: int) -> None:
        start.wait()
        try:
            begun.append(first_start.begin(replace(beginning, email=f"n{number}@acme.example")))
        except first_start.AlreadySetUp:
            begun.append(None)
        finally:
            connections.close_all()

    people = [threading.Thread(target=begin, args=(number,)) for number in (1, 2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    connection.close()
    assert sorted(who is None for who in begun) == [False, True]
    assert User.objects.count() == 1
    assert Team.objects.count() == 2
