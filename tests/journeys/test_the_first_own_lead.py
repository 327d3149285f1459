"""From an empty installation to a first won lead, by one person, with plain forms only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm import outbox, workdays
from crm.models import Team, User
from leads.models import Lead, Reason, StageChange
from tests.crm.test_setup import FIRST

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail_goes_through_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "crm.outbox.OutboxEmailBackend"


def fill(client: Client, url: str, **values: Any) -> Any:
    """Open the page at `url`, send its form back with `values` in it, and follow."""
    page = client.get(url)
    form = page.context["form"]
    held = {form.add_prefix(name): form[name].value() for name in form.fields} if form else {}
    data = {name: value for name, value in held.items() if value not in (None, False)} | values
    return client.post(url, data, follow=True)


def test_one_person_sets_up_and_wins_a_first_lead(client: Client) -> None:
    today = client.post("/setup/", FIRST | {"language": "en"}, follow=True)
    assert today.redirect_chain == [("/", 302)]
    assert reverse("add_lead") in today.content.decode()

    page = fill(client, reverse("add_lead"), first_name="Ada", last_name="Brömmel", email="ada@acme.example")
    lead = Lead.objects.get()
    assert page.redirect_chain[-1][0] == reverse("lead", args=[lead.pk])
    assert reverse("lead_moves", args=[lead.pk]) in client.get(reverse("marketing_board")).content.decode()

    me, sales = User.objects.get(), Team.objects.get(side="sales")
    why = Reason.objects.filter(kind="qualify_for_marketing").first()
    fill(client, reverse("lead_move", args=[lead.pk, "qualify_for_marketing"]), reason=why.pk)  # type: ignore[union-attr]
    fill(client, reverse("lead_move", args=[lead.pk, "hand_off"]), taker=f"team-{sales.pk}")
    assert "Ada" in client.get(reverse("sales_board")).content.decode()
    client.post(reverse("lead_move", args=[lead.pk, "accept"]))
    for topic in ("budget", "authority", "need"):
        client.post(
            reverse("lead_finding", args=[lead.pk, topic]),
            {
                f"{topic}-status": "confirmed",
                f"{topic}-evidence": "Said so.",
                f"{topic}-dated_on": workdays.local_date(),
            },
        )
    client.post(reverse("lead_move", args=[lead.pk, "qualify_for_sales"]))
    fill(client, reverse("lead_move", args=[lead.pk, "win"]), amount="4800")

    story = list(StageChange.objects.order_by("seq").values_list("verb", "by"))
    verbs = ["qualify_for_marketing", "hand_off", "accept", "qualify_for_sales", "win"]
    assert story == [(verb, me.pk) for verb in verbs]
    outbox.deliver()


def test_the_workspaces_currency_is_that_of_new_leads(client: Client) -> None:
    client.post("/setup/", FIRST)
    fill(client, reverse("settings_workspace"), currency="CHF")
    fill(client, reverse("add_lead"), first_name="Ada", email="ada@acme.example")
    assert Lead.objects.get().currency == "CHF"
