"""Spend: booked in one currency, versioned, audited; and whoever may not keep it changes nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from crm.models import AuditEntry
from leads import campaigns, spend_checks, spending
from leads.models import Campaign, Spend
from tests.cast import Cast

pytestmark = pytest.mark.django_db
JUNE = {"starts_on": date(2026, 6, 1), "ends_on": date(2026, 6, 30)}


def booked(cast: Cast, amount: str = "1000.00", **values: Any) -> Spend:
    return spending.book({"amount": Decimal(amount)} | JUNE | values, by=cast.mia)


def names_nothing_wrong() -> bool:
    return not list(spend_checks._spend(full=True))


def test_a_row_is_booked_in_the_workspaces_currency_and_in_the_audit_log(cast: Cast) -> None:
    row = booked(cast, invoice="R-1", note="Ada’s talk")
    assert (row.currency, row.side, row.kind, row.created_by, row.version) == ("EUR", "marketing", "media", cast.mia, 0)
    entry = AuditEntry.objects.get(object=f"spend:{row.pk}")
    assert (entry.action, entry.actor, entry.payload["amount"], entry.payload["note"]) == (
        "spend.booked", cast.mia, "1000.00", "…",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": Decimal("-0.01")}, "amount"),
        ({"amount": Decimal("0.001")}, "amount"),
        ({"amount": Decimal("99999999999")}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"side": "both"}, "side"),
        ({"kind": "gift"}, "kind"),
        ({"ends_on": date(2026, 5, 31)}, "ends_on"),
        ({"ends_on": date(2036, 6, 30)}, "ends_on"),
        ({"campaign_id": 999_999}, "campaign_id"),
    ],
)
def test_what_cannot_be_booked_names_its_field(cast: Cast, values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        booked(cast, **values)
    assert set(refused.value.message_dict) == {field}
    assert not Spend.objects.exists()


def test_the_slower_of_two_writes_nothing(cast: Cast) -> None:
    row = booked(cast)
    assert spending.change(row, {"amount": Decimal("900.00")}, by=cast.mia, version=0) == {"amount": Decimal("900.00")}
    for late in (
        lambda: spending.change(row, {"amount": Decimal("5.00")}, by=cast.max, version=0),
        lambda: spending.remove(row, by=cast.max, version=0),
    ):
        with pytest.raises(spending.Stale) as stale:
            late()
        assert stale.value.current == row
    assert Spend.objects.get().amount == Decimal("900.00")
    spending.remove(row, by=cast.max, version=1)
    log = list(AuditEntry.objects.filter(object__startswith="spend:").values_list("action", flat=True))
    assert (log, Spend.objects.count()) == (["spend.booked", "spend.changed", "spend.removed"], 0)


def test_nothing_changed_is_no_change(cast: Cast) -> None:
    row = booked(cast)
    assert spending.change(row, {"amount": Decimal("1000"), "note": " "}, by=cast.mia, version=0) == {}
    assert Spend.objects.get().version == 0


def test_a_row_of_a_former_currency_keeps_it_until_its_amount_is_touched(cast: Cast) -> None:
    from crm.models import Workspace

    row = booked(cast)
    Workspace.objects.update(currency="USD")
    spending.change(row, {"note": "old"}, by=cast.mia, version=0)
    with pytest.raises(ValidationError, match="no exchange rates"):
        spending.change(row, {"amount": Decimal("1.00")}, by=cast.mia, version=1)
    assert spending.total(Spend.objects.all()) == 0


def test_raw_sql_cannot_change_a_row_without_its_version_and_the_doctor_names_what_was_not_logged(cast: Cast) -> None:
    row = booked(cast)
    spending.change(row, {"amount": Decimal("12.00"), "side": "sales"}, by=cast.mia, version=0)
    assert names_nothing_wrong()
    with pytest.raises(IntegrityError, match="grows its version"), transaction.atomic():
        Spend.objects.update(amount=Decimal(1))
    Spend.objects.update(amount=Decimal(1), version=2)
    assert not names_nothing_wrong()


# --- The pages ------------------------------------------------------------------------------------


@pytest.fixture
def fair(cast: Cast) -> Campaign:
    return campaigns.create({"name": "Spring fair", "channel": "fair"}, by=cast.mia)


def typed(**values: Any) -> dict[str, Any]:
    return {
        "amount": "1,234.50", "starts_on": "2026-06-01", "ends_on": "2026-06-30", "side": "marketing", "kind": "media",
        "campaign": "", "invoice": "", "note": "", "version": "",
    } | values  # fmt: skip


def test_marketing_books_changes_and_takes_out(client: Client, cast: Cast, fair: Campaign) -> None:
    client.force_login(cast.mia)
    form = client.get(reverse("spend_new"), {"campaign": fair.pk}).content.decode()
    assert f'<option value="{fair.pk}" selected>' in form
    answer = client.post(reverse("spend_new"), typed(campaign=fair.pk))
    row = Spend.objects.get()
    assert (answer["Location"], row.amount, row.campaign) == (f"/campaigns/{fair.pk}/", Decimal("1234.50"), fair)
    assert "1,234.50" in client.get(answer["Location"]).content.decode()
    client.post(reverse("spend_edit", args=[row.pk]), typed(campaign=fair.pk, amount="2,000", version=0))
    stale = client.post(reverse("spend_edit", args=[row.pk]), typed(campaign=fair.pk, amount="3,000", version=0))
    row.refresh_from_db()
    assert (stale.status_code, row.amount, row.version) == (409, Decimal(2000), 1)
    assert 'name="version" value="1"' in stale.content.decode()
    removal = reverse("spend_removal", args=[row.pk])
    assert client.get(removal).status_code == 200 and Spend.objects.exists()
    assert client.post(removal, {"version": 0}).status_code == 409
    client.post(removal, {"version": 1})
    assert not Spend.objects.exists()


def test_a_campaign_is_made_and_renamed_on_its_page(client: Client, cast: Cast) -> None:
    client.force_login(cast.mia)
    form = {"name": "Autumn", "key": "autumn-26", "channel": "ads", "starts_on": "", "ends_on": "", "owner": ""}
    made = client.post(reverse("campaign_new"), form)
    campaign = Campaign.objects.get()
    assert (made["Location"], campaign.key) == (f"/campaigns/{campaign.pk}/", "autumn-26")
    again = client.post(reverse("campaign_new"), form)
    assert (again.status_code, Campaign.objects.count()) == (422, 1)
    change = form | {"name": "Autumn 26", "version": 0}
    assert client.post(reverse("campaign_edit", args=[campaign.pk]), change).status_code == 302
    assert client.post(reverse("campaign_edit", args=[campaign.pk]), change | {"name": "X"}).status_code == 409
    assert Campaign.objects.get().name == "Autumn 26"


def test_who_reads_and_who_keeps(client: Client, cast: Cast, fair: Campaign) -> None:
    row = booked(cast, campaign_id=fair.pk)
    reading = [reverse("campaigns"), reverse("campaign", args=[fair.pk]), reverse("spend")]
    writing = [
        (reverse("campaign_new"), {"name": "New", "channel": "ads"}),
        (reverse("campaign_edit", args=[fair.pk]), {"name": "New", "channel": "ads", "version": 0}),
        (reverse("spend_new"), typed()),
        (reverse("spend_edit", args=[row.pk]), typed(version=0)),
        (reverse("spend_removal", args=[row.pk]), {"version": 0}),
    ]
    before = list(Spend.objects.values()), list(Campaign.objects.values())
    for who, reads, writes in ((cast.sam, 200, 403), (cast.lena, 200, 403), (cast.mia, 200, 200), (cast.ava, 200, 200)):
        client.force_login(who)
        assert {client.get(page).status_code for page in reading} == {reads}, who
        assert {client.get(page).status_code for page, _typed in writing} == {writes}, who
        if writes != 200:
            assert {client.post(page, form).status_code for page, form in writing} == {writes}, who
    assert (list(Spend.objects.values()), list(Campaign.objects.values())) == before
    client.logout()
    assert {client.get(page).status_code for page in reading} == {302}


def test_the_lists_need_the_same_queries_for_one_row_and_for_many(
    client: Client, cast: Cast, fair: Campaign, django_assert_max_num_queries: Any
) -> None:
    client.force_login(cast.mia)
    for number in range(6):
        campaign = campaigns.create({"name": f"Campaign {number}", "owner_id": cast.max.pk}, by=cast.mia)
        booked(cast, campaign_id=campaign.pk)
        booked(cast, campaign_id=fair.pk)
    for address in (reverse("campaigns"), reverse("campaign", args=[fair.pk]), reverse("spend")):
        client.get(address)
        with django_assert_max_num_queries(13):
            assert client.get(address).status_code == 200
