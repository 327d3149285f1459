"""Mia builds a form, looks at it, keeps it, and judges what came in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from crm import doctor
from crm.models import AuditEntry, ConsentText, User, Workspace
from leads import capture_form_editing as editing
from leads.demo_forms import PAPER
from leads.models import CaptureForm, GatedFile, Lead, Source, Submission
from tests.cast import Cast
from tests.leads.sent_forms import TOO_FAST, a_form, only, send

pytestmark = pytest.mark.django_db


def as_(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def typed(**changes: Any) -> dict[str, Any]:
    """Return a filled-in builder: a demo request in English asking for e-mail and first name."""
    rows = [("email", "on"), ("first_name", "")]
    data = {
        "name": "Ask for a demo", "slug": "ask", "kind": "demo_request", "active": "on", "was": "", "act": "save",
        "source": Source.objects.get(key="landing_page").pk, "en_title": "See it", "row-INITIAL_FORMS": len(rows),
        "consents_asked": ["offer:email"],
    }  # fmt: skip
    return data | as_rows(rows) | changes


def as_rows(rows: list[tuple[str, str]]) -> dict[str, Any]:
    told: dict[str, Any] = {"row-TOTAL_FORMS": len(rows), "row-INITIAL_FORMS": len(rows)}
    for place, (name, required) in enumerate(rows):
        told |= {f"row-{place}-name": name, f"row-{place}-required": required}
    return told


def build(cast: Cast, **changes: Any) -> Any:
    return as_(cast.mia).post("/forms/new/", typed(**changes))


def test_a_form_is_built_kept_and_open(cast: Cast) -> None:
    assert build(cast).status_code == 302
    form = CaptureForm.objects.get()
    assert (form.created_by, form.version, form.languages) == (cast.mia, 1, ["en"])
    assert [(row["name"], row["required"]) for row in form.fields] == [("email", True), ("first_name", False)]
    assert form.consents == ["offer:email"]
    assert Client().get("/f/ask/").status_code == 200
    assert AuditEntry.objects.filter(action="form.added", actor=cast.mia).exists()


def test_a_change_is_a_new_version_and_a_stale_page_writes_nothing(cast: Cast) -> None:
    build(cast)
    form, browser = CaptureForm.objects.get(), as_(cast.mia)
    address = f"/forms/{form.pk}/"
    was = browser.get(address).context["form"]["was"].value()
    assert browser.post(address, typed(name="Renamed", was=was)).status_code == 302
    form.refresh_from_db()
    assert (form.name, form.version) == ("Renamed", 2)
    stale = browser.post(address, typed(name="Stale", was=was))
    assert stale.status_code == 422
    form.refresh_from_db()
    assert (form.name, form.version) == ("Renamed", 2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (as_rows([("email", "on"), ("first_name", "on"), ("last_name", "on"), ("phone", "on")]), "At most three"),
        (as_rows([("first_name", "on")]), "asks for the e-mail address"),
        (as_rows([("email", "")]), "asks for the e-mail address"),
        (as_rows([("email", "on"), ("custom:fleet", "")]), "needs its words and its purpose"),
        ({"en_title": ""}, "needs a title"),
        ({"then_url": "https://evil.example/x"}, "none of our web sites"),
        ({"look_accent": "#ffff00"}, "contrast"),
        ({"embedded_on": ["https://evil.example"]}, "evil.example"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(cast: Cast, changes: dict[str, Any], said: str) -> None:
    answer = build(cast, **changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not CaptureForm.objects.exists()


def test_a_form_leads_on_to_a_registered_site_only(cast: Cast) -> None:
    Workspace.objects.update(sites=["https://www.acme.example"])
    assert build(cast, then_url="https://www.acme.example/thanks", embedded_on=["https://www.acme.example"]).status_code == 302  # noqa: E501 # fmt: skip
    form = CaptureForm.objects.get()
    assert (form.then_url, form.sites) == ("https://www.acme.example/thanks", ["https://www.acme.example"])


@pytest.mark.parametrize(
    ("act", "names"),
    [
        ("down-0", ["first_name", "email"]), ("up-1", ["first_name", "email"]), ("drop-1", ["email"]),
        ("up-0", ["email", "first_name"]), ("down-9", ["email", "first_name"]), ("nonsense", ["email", "first_name"]),
    ],
)  # fmt: skip
def test_the_buttons_change_what_is_shown_and_keep_what_was_typed(cast: Cast, act: str, names: list[str]) -> None:
    answer = build(cast, act=act, en_title="Half a tit")
    assert [row["name"].value() for row in answer.context["rows"]] == names
    assert 'value="Half a tit"' in answer.content.decode()
    assert not CaptureForm.objects.exists()


def test_fields_are_added_from_the_catalogue_or_as_an_own_one_and_never_twice(cast: Cast) -> None:
    assert [row["name"] for row in editing.added([], "phone", "")] == ["phone"]
    own = editing.added([], "own", "Größe der Flotte")
    assert [(row["name"], row["label"]["de"]) for row in own] == [("custom:groesse_der_flotte", "Größe der Flotte")]
    assert editing.added(own, "own", "Größe der Flotte") == own
    assert editing.added([], "own", "!!!") == editing.added([], "nothing", "") == []


def test_the_preview_shows_what_is_typed_and_cannot_be_sent(cast: Cast) -> None:
    answer = as_(cast.mia).post(
        "/forms/preview/", typed(en_title="Not kept", preview_language="en", look_accent="#003366")
    )
    html = answer.content.decode()
    assert "Not kept" in html
    assert " inert>" in html
    assert "/forms/look.css?accent=%23003366" in html
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert not CaptureForm.objects.exists()


def test_a_newsletter_always_asks_for_its_own_consent(cast: Cast) -> None:
    build(cast, kind="newsletter_signup", consents_asked=[])
    assert CaptureForm.objects.get().consents == ["newsletter:email"]


def test_a_download_with_consents_is_warned_about(cast: Cast) -> None:
    form = a_form("white_paper", consents=["newsletter:email"])
    told = as_(cast.mia).get(f"/forms/{form.pk}/").content.decode()
    assert "must not depend on a consent" in told
    assert "Nothing is handed out" in told
    assert "no link to a privacy notice" in told


def test_a_file_is_kept_replaced_and_taken_away(cast: Cast) -> None:
    build(cast, kind="white_paper", file=SimpleUploadedFile("../Paper.pdf", PAPER))
    form, browser = CaptureForm.objects.get(), as_(cast.mia)
    assert (form.file.name, form.file.size, bytes(form.file.content)) == ("Paper.pdf", len(PAPER), PAPER)
    was = browser.get(f"/forms/{form.pk}/").context["form"]["was"].value()
    refused = browser.post(
        f"/forms/{form.pk}/", typed(kind="white_paper", was=was, file=SimpleUploadedFile("x.pdf", b"MZ"))
    )
    assert refused.status_code == 422
    browser.post(f"/forms/{form.pk}/", typed(kind="white_paper", was=was, without_file="on"))
    assert not GatedFile.objects.exists()


# --- Who may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "status"), [("mia", 200), ("ava", 200), ("sam", 403), ("lena", 403)])
def test_marketing_builds_and_judges(cast: Cast, who: str, status: int) -> None:
    form = a_form()
    send(form, seconds=TOO_FAST)
    browser = as_(getattr(cast, who))
    own = ["", "preview/", "embed/", "submissions/"]
    pages = ["new/", "quarantine/", "texts/", *(f"{form.pk}/{page}" for page in own)]
    assert {browser.get(f"/forms/{page}").status_code for page in pages} == {status}
    assert browser.get("/forms/").status_code == 200
    for verb in ("release", "discard"):
        answer = browser.post(f"/forms/submissions/{only().pk}/{verb}/")
        assert answer.status_code == (302 if status == 200 else 403)
    assert (only().state == "quarantined") == (status == 403)


def test_others_see_the_numbers_and_no_person(cast: Cast) -> None:
    form = a_form()
    send(form)
    html = as_(cast.sam).get("/forms/").content.decode()
    assert form.name in html
    assert f"/forms/{form.pk}/" not in html


# --- Numbers and quarantine -----------------------------------------------------------------------------------


def test_the_numbers_are_what_became_of_the_submissions(cast: Cast) -> None:
    form, paper = a_form(), a_form("white_paper")
    send(form)
    send(form, {"email": "grace@navy.example"}, seconds=TOO_FAST)
    send(paper)
    told = editing.numbers([form.pk, paper.pk])
    assert told[form.pk] == editing.Numbers(sent=2, taken=1, waiting=0, quarantined=1)
    assert told[paper.pk] == editing.Numbers(sent=1, taken=0, waiting=1, quarantined=0)


def test_the_list_asks_the_same_number_of_questions_for_one_and_three(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = as_(cast.mia)
    send(a_form(slug="one"))
    browser.get("/forms/")
    with CaptureQueriesContext(connection) as for_one:
        browser.get("/forms/")
    questions = len(for_one)
    send(a_form(slug="two"))
    send(a_form(slug="three"))
    with django_assert_num_queries(questions):
        browser.get("/forms/")


def test_what_is_released_counts_and_what_is_discarded_is_gone(cast: Cast) -> None:
    form, browser = a_form(), as_(cast.mia)
    send(form, seconds=TOO_FAST)
    page = browser.get("/forms/quarantine/").content.decode()
    assert "Sent within two seconds" in page
    assert "ada@acme.example" in page
    assert "<dt>First name</dt>" in page  # the words of the form, not its keys
    browser.post(f"/forms/submissions/{only().pk}/release/")
    assert Lead.objects.count() == 1
    again = browser.post(f"/forms/submissions/{only().pk}/discard/", follow=True)
    assert "judged this one meanwhile" in again.content.decode()
    assert only().state == "done"


def test_new_words_of_a_consent_are_the_next_version(cast: Cast) -> None:
    told = {"purpose": "newsletter", "channel": "email", "language": "en", "body": "Yes, once a month."}
    assert as_(cast.mia).post("/forms/texts/", told).status_code == 302
    newest = ConsentText.objects.filter(purpose="newsletter", channel="email", language="en").order_by("-version")[0]
    assert (newest.version, newest.body, newest.created_by) == (2, "Yes, once a month.", cast.mia)
    assert "Yes, once a month." in Client().get(f"/f/{a_form().slug}/").content.decode()


# --- The doctor -------------------------------------------------------------------------------------------------


def complaints() -> set[str]:
    return {check.name for check, sentences in doctor.examine(full=True) if sentences}


@pytest.mark.parametrize(
    "damage",
    [
        lambda row: Submission.objects.update(values={"email": "ada@acme.example"}),
        lambda row: Submission.objects.update(key="0" * 64),
        lambda row: Submission.objects.update(state="pending", submitted_at=timezone.now() - timedelta(days=20)),
    ],
)
def test_the_doctor_notices(cast: Cast, damage: Any) -> None:
    send(a_form())
    assert complaints() == set()
    damage(only())
    assert complaints() == {"submissions"}
