"""Who is away when, and who may say so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import absences
from crm.models import Absence, AuditEntry, Workspace
from crm.workdays import forget_zone, local_date
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def berlin(cast: Cast) -> Cast:
    Workspace.objects.update(time_zone="Europe/Berlin")
    forget_zone()
    return cast


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type]


def test_a_person_is_away_from_midnight_to_midnight_where_the_team_works(berlin: Cast) -> None:
    absences.add(berlin.sam, date(2026, 7, 6), date(2026, 7, 10), by=berlin.sam)
    back = at(2026, 7, 10, 22)
    assert absences.away([berlin.sam.pk, berlin.jana.pk], at(2026, 7, 5, 22)) == {berlin.sam.pk: back}
    assert absences.away(at=at(2026, 7, 10, 21, 59)) == {berlin.sam.pk: back}
    assert absences.away(at=at(2026, 7, 5, 21, 59)) == {} == absences.away(at=back)
    assert berlin.jana.pk not in absences.away([berlin.jana.pk], at(2026, 7, 7))
    assert berlin.sam.pk in absences.away([berlin.sam.pk], at(2026, 7, 7))


def test_half_days_begin_and_end_at_noon(berlin: Cast) -> None:
    absences.add(berlin.sam, date(2026, 7, 6), date(2026, 7, 7), by=berlin.sam, from_noon=True, until_noon=True)
    whole = absences.spans([berlin.sam.pk], at(2026, 7, 1), at(2026, 8, 1))
    assert whole == {berlin.sam.pk: [(at(2026, 7, 6, 10), at(2026, 7, 7, 10))]}
    assert absences.spans([berlin.sam.pk], at(2026, 7, 6, 6), at(2026, 7, 6, 10)) == {}


def test_absences_that_touch_are_one(berlin: Cast) -> None:
    absences.add(berlin.sam, date(2026, 7, 6), date(2026, 7, 6), by=berlin.sam, from_noon=True)
    absences.add(berlin.sam, date(2026, 7, 7), date(2026, 7, 9), by=berlin.lena)
    absences.add(berlin.sam, date(2026, 7, 13), date(2026, 7, 13), by=berlin.lena)
    assert absences.away(at=at(2026, 7, 6, 12)) == {berlin.sam.pk: at(2026, 7, 9, 22)}
    assert [len(mine) for mine in absences.spans([berlin.sam.pk], at(2026, 7, 1), at(2026, 8, 1)).values()] == [2]


def test_an_absence_over_the_night_the_clocks_change_keeps_its_midnights(berlin: Cast) -> None:
    row = absences.add(berlin.sam, date(2026, 10, 25), date(2026, 10, 25), by=berlin.sam)
    begins, ends = absences.span_of(row, absences.workspace_zone())
    assert (begins, ends, ends - begins) == (at(2026, 10, 24, 22), at(2026, 10, 25, 23), timedelta(hours=25))


def test_days_that_make_no_sense_are_refused_by_the_database(berlin: Cast) -> None:
    day = date(2026, 7, 6)
    absences.add(berlin.sam, day, day, by=berlin.sam)
    for first, last, halves in (
        (day, day - timedelta(days=1), {}),
        (day, day, {}),
        (day + timedelta(days=7), day + timedelta(days=7), {"from_noon": True, "until_noon": True}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            absences.add(berlin.sam, first, last, by=berlin.sam, **halves)


def test_one_enters_ones_own_a_sales_lead_those_of_sales_and_an_admin_all(berlin: Cast) -> None:
    def names(user: Any) -> set[str]:
        return {one.name.split()[0] for one in absences.people_of(user)}

    assert (names(berlin.sam), names(berlin.mia)) == ({"Sam"}, {"Mia"})
    assert names(berlin.lena) == {"Sam", "Jana", "Rosa", "Lena"}
    assert len(names(berlin.ava)) == 7


def test_the_log_says_who_entered_an_absence_and_not_for_when(berlin: Cast) -> None:
    row = absences.add(berlin.sam, date(2026, 7, 6), date(2026, 7, 6), by=berlin.lena)
    absences.remove(row, by=berlin.sam)
    told = AuditEntry.objects.filter(action__startswith="absence").order_by("pk")
    assert [(one.actor, one.action, list(one.payload)) for one in told] == [
        (berlin.lena, "absence.added", ["absence"]), (berlin.sam, "absence.removed", ["absence"]),
    ]  # fmt: skip


def test_reading_takes_one_query_and_absences_of_long_ago_are_forgotten(berlin: Cast) -> None:
    for user in berlin.everyone:
        absences.add(user, date(2020, 1, 1), date(2020, 1, 3), by=user)
        absences.add(user, date(2026, 1, 1), date(2030, 1, 3), by=user)
    absences.workspace_zone()
    with CaptureQueriesContext(connection) as asked:
        assert len(absences.away(at=at(2026, 7, 7))) == 7
        assert len(absences.spans([user.pk for user in berlin.everyone], at(2020, 1, 1), at(2026, 7, 7))) == 7
    assert len(asked) == 2
    assert absences.forget_old() == 7
    assert Absence.objects.count() == 7


# --- The page -------------------------------------------------------------------------------------


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_one_enters_a_single_half_day_and_takes_it_back(berlin: Cast) -> None:
    day = local_date() + timedelta(days=3)
    sam = browser(berlin.sam)
    assert "person" not in sam.get(reverse("absences")).context["form"].fields
    sam.post(reverse("absences"), {"first_day": day.isoformat(), "from_noon": "on", "person": berlin.jana.pk})
    row = Absence.objects.get()
    assert (row.user, row.first_day, row.last_day, row.from_noon, row.until_noon) == (berlin.sam, day, day, True, False)
    refused = sam.post(reverse("absences"), {"first_day": day.isoformat()})
    assert (refused.status_code, Absence.objects.count()) == (422, 1)
    assert "is away on one of these days already" in refused.content.decode()
    assert sam.post(reverse("absence_removal", args=[row.pk])).status_code == 302
    assert not Absence.objects.exists()


def test_a_sales_lead_enters_for_sales_and_nobody_touches_what_is_not_theirs(berlin: Cast) -> None:
    day = (local_date() + timedelta(days=3)).isoformat()
    lena = browser(berlin.lena)
    lena.post(reverse("absences"), {"first_day": day, "last_day": day, "person": berlin.rosa.pk})
    lena.post(reverse("absences"), {"first_day": day, "last_day": day, "person": berlin.mia.pk})
    row = Absence.objects.get()
    assert row.user == berlin.rosa
    assert browser(berlin.sam).post(reverse("absence_removal", args=[row.pk])).status_code == 404
    assert "Rosa Blum" not in browser(berlin.sam).get(reverse("absences")).content.decode()
    assert "Rosa Blum" in lena.get(reverse("absences")).content.decode()
    assert Absence.objects.count() == 1


@pytest.mark.parametrize(("last", "halves"), [(-1, {}), (0, {"from_noon": "on", "until_noon": "on"})])
def test_days_that_cannot_be_are_refused_on_the_page(berlin: Cast, last: int, halves: dict[str, str]) -> None:
    day = local_date() + timedelta(days=3)
    given = {"first_day": day.isoformat(), "last_day": (day + timedelta(days=last)).isoformat(), **halves}
    assert browser(berlin.sam).post(reverse("absences"), given).status_code == 422
    assert not Absence.objects.exists()
