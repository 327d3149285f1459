"""The public form as strangers meet it: same answer to all, no cookie, framed by its own sites only."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client

from crm.models import ConsentText, Contact, Workspace
from leads import form_look
from leads.models import Lead, Submission
from tests.cast import Cast, ada
from tests.leads.sent_forms import ADA, FIELDS, TEXTS, TOO_FAST, a_form, opened, send, token_of

pytestmark = pytest.mark.django_db


def page(form: Any, query: str = "", **headers: str) -> Any:
    return Client().get(f"/f/{form.slug}/{query}", headers=headers)


# --- The page -------------------------------------------------------------------------------------------


def test_the_page_sets_no_cookie_and_names_no_other_host(cast: Cast) -> None:
    form = a_form(consents=["newsletter:email", "profiling:"])
    for answer in (page(form), send(form), send(form, {"email": ""}), Client().get(f"/f/{form.slug}/thanks/")):
        assert answer.cookies == {}
        assert "sessionid" not in str(answer.headers)
        html = answer.content.decode()
        assert re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', html) == []
        assert "<script" not in html


def test_a_first_page_weighs_less_than_fifteen_kilobytes(cast: Cast) -> None:
    form = a_form(consents=["newsletter:email", "offer:email", "offer:phone", "profiling:"])
    html = page(form, "?embed=1").content
    files = re.findall(r'(?:href|src)="/static/([^"]+)"', html.decode())
    assert len(files) == 6
    bodies = [html, *((Path(project.BASE_DIR) / "static" / name).read_bytes() for name in [*files, "js/embed.js"])]
    assert sum(len(gzip.compress(body)) for body in bodies) <= 15_000


def test_every_field_has_a_label_a_purpose_and_its_autocomplete(cast: Cast) -> None:
    html = page(a_form()).content.decode()
    for name, token in [("email", "email"), ("first_name", "given-name"), ("last_name", "family-name"),
                        ("company", "organization"), ("phone", "tel")]:  # fmt: skip
        control = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)
        assert control
        assert f'autocomplete="{token}"' in control.group(0)
        assert f'<label for="id_{name}">' in html
    assert "To address you by name." in html
    assert 'type="email"' in html
    assert 'type="tel"' in html


def test_no_box_is_ticked(cast: Cast) -> None:
    html = page(a_form(consents=["newsletter:email", "offer:phone"])).content.decode()
    assert html.count('type="checkbox"') == 2
    assert " checked" not in html


def test_the_trap_is_hidden_from_people_and_their_tools(cast: Cast) -> None:
    html = page(a_form()).content.decode()
    trap = re.search(r'<p class="leave-empty"[^>]*>.*?</p>', html)
    assert trap
    for mark in ('aria-hidden="true"', 'tabindex="-1"', 'autocomplete="off"', "Leave this empty"):
        assert mark in trap.group(0)


@pytest.mark.parametrize(
    ("query", "accept", "language"),
    [("", "de", "de"), ("", "en", "en"), ("?lang=de", "en", "de"), ("", "fr", "en"), ("?lang=xx", "de", "de")],
)
def test_the_page_speaks_the_readers_language(cast: Cast, query: str, accept: str, language: str) -> None:
    answer = page(a_form(), query, **{"accept-language": accept})
    assert answer["Content-Language"] == language
    assert f'<html lang="{language}"' in answer.content.decode()
    assert TEXTS[language]["title"] in answer.content.decode()


def test_a_form_in_one_language_speaks_it_to_everybody(cast: Cast) -> None:
    form = a_form(texts={"de": TEXTS["de"]})
    answer = page(form, **{"accept-language": "en"})
    assert answer["Content-Language"] == "de"
    assert "freiwillig" in answer.content.decode()


def test_a_signed_in_colleague_sees_what_strangers_see(cast: Cast) -> None:
    cast.mia.language = "de"
    cast.mia.save(update_fields=["language"])
    browser = Client()
    browser.force_login(cast.mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = browser.get(f"/f/{a_form().slug}/?lang=en")
    assert 'lang="en"' in answer.content.decode()
    assert "Mia" not in answer.content.decode()


def test_legal_links_stand_below_the_form(cast: Cast) -> None:
    Workspace.objects.update(imprint_url="https://acme.example/imprint", privacy_url="https://acme.example/privacy")
    html = page(a_form()).content.decode()
    assert 'href="https://acme.example/imprint"' in html
    assert 'href="https://acme.example/privacy" target="_blank" rel="noopener"' in html


# --- Errors ---------------------------------------------------------------------------------------------


def test_errors_stand_beside_the_field_and_nothing_typed_is_lost(cast: Cast) -> None:
    answer = send(a_form(), {"email": "ada@acme", "first_name": "", "company": "Käse & Co"})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert "2 things need another look" in html
    assert '<div class="summary" role="alert" tabindex="-1" autofocus>' in html
    assert 'href="#id_email"' in html
    told = re.search(r'<input[^>]*name="email"[^>]*>', html)
    assert told
    for mark in ('value="ada@acme"', 'aria-invalid="true"', 'aria-describedby="id_email_error"'):
        assert mark in told.group(0)
    assert 'value="Käse &amp; Co"' in html
    assert "After “acme” the ending is missing" in html
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "address",
    ["a@b", "a@b..de", '"x y"@ex.de', "a b@ex.de", "a@ex.de, b@ex.de", "ex.de", f"{'a' * 250}@ex.de", "a@@ex.de"],
)
def test_what_is_no_address_is_refused_in_words(cast: Cast, address: str) -> None:
    answer = send(a_form(), {"email": address})
    assert answer.status_code == 400
    assert not Submission.objects.exists()
    assert 'id="id_email_error"' in answer.content.decode()


@pytest.mark.parametrize("address", ["a@münchen.de", "A@EX.de", " ada@ex.de ", "max+x@ex.de"])
def test_what_is_an_address_is_taken(cast: Cast, address: str) -> None:
    assert send(a_form(), {"email": address}).status_code == 303
    assert Contact.objects.get().email_key == address.strip().lower().replace("münchen", "xn--mnchen-3ya")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}", "${7*7}", "{% load static %}", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A"])
def test_names_are_stored_as_typed_and_shown_as_text(cast: Cast, name: str) -> None:
    form = a_form()
    send(form, {"first_name": name})
    assert Contact.objects.get().first_name == name
    echoed = send(form, {"first_name": name, "email": ""}).content.decode()
    assert "<script>alert" not in echoed
    assert "49" not in echoed.partition('name="first_name"')[2].partition(">")[0]


@pytest.mark.parametrize("name", ["x" * 10_000, "a\x00b"])
def test_names_that_cannot_be_kept_are_refused_beside_the_field(cast: Cast, name: str) -> None:
    answer = send(a_form(), {"first_name": name})
    assert answer.status_code == 400
    assert 'id="id_first_name_error"' in answer.content.decode()
    assert not Contact.objects.exists()


def test_a_page_open_for_more_than_a_day_is_asked_once_more_with_all_kept(cast: Cast) -> None:
    form = a_form()
    answer = send(form, seconds=25 * 3600)
    html = answer.content.decode()
    assert answer.status_code == 400
    assert 'value="ada@acme.example"' in html
    assert send(form, token=token_of(html)).status_code == 303


@pytest.mark.parametrize("token", ["", "nonsense", "eyJuIjoiMSJ9:1:x"])
def test_without_our_own_token_nothing_is_taken(cast: Cast, token: str) -> None:
    form = a_form()
    assert Client().post(f"/f/{form.slug}/", {**ADA, "token": token}).status_code == 400
    other = opened(a_form(slug="other"))
    assert Client().post(f"/f/{form.slug}/", {**ADA, "token": other}).status_code == 400
    assert not Submission.objects.exists()


# --- One answer to all (I44, I45) -------------------------------------------------------------------------


def test_the_answer_does_not_tell_who_is_known(cast: Cast) -> None:
    from crm import consents

    ada()
    consents.suppress("gone@acme.example", "erased")
    form = a_form("white_paper")
    answers = [
        send(form, {"email": address, "reference_code": trap}, seconds=seconds)
        for address, trap, seconds in [
            ("ada@acme.example", "", 10), ("new@acme.example", "", 10), ("gone@acme.example", "", 10),
            ("bot@acme.example", "x", 10), ("fast@acme.example", "", TOO_FAST),
        ]
    ]  # fmt: skip
    assert len({(a.status_code, a["Location"], a.content) for a in answers}) == 1
    assert len({str({k: v for k, v in a.headers.items() if k != "Date"}) for a in answers}) == 1


@pytest.mark.parametrize("slug", ["nothing", "closed"])
def test_unknown_and_closed_forms_are_the_same_nothing(cast: Cast, slug: str) -> None:
    a_form(slug="closed", active=False)
    answers = [Client().get(f"/f/{slug}/"), Client().post(f"/f/{slug}/", ADA), Client().get(f"/f/{slug}/thanks/")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert {answer.content for answer in answers} == {Client().get("/f/anything-else/").content}


def test_only_the_forms_own_sites_frame_it(cast: Cast) -> None:
    alone, shown = a_form(slug="alone"), a_form(slug="shown", sites=["https://www.acme.example"])
    assert "frame-ancestors 'none'" in page(alone)["Content-Security-Policy"]
    answer = page(shown)
    assert "frame-ancestors https://www.acme.example;" in answer["Content-Security-Policy"] + ";"
    assert "X-Frame-Options" not in answer
    assert "frame-ancestors https://www.acme.example" in Client().get("/f/shown/thanks/")["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 404), ("null", 404), ("http://testserver", 303), ("https://www.acme.example", 303)],
)
def test_a_post_from_elsewhere_is_not_taken(cast: Cast, origin: str, status: int) -> None:
    form = a_form(sites=["https://www.acme.example"])
    assert send(form, origin=origin).status_code == status
    assert Lead.objects.count() == (status == 303)
    assert "Access-Control-Allow-Origin" not in page(form, origin=origin)


def test_after_sending_one_comes_only_to_a_registered_page(cast: Cast) -> None:
    form = a_form(then_url="https://www.acme.example/thanks", sites=[])
    answer = send(form)
    assert (answer.status_code, answer["Location"]) == (302, "https://www.acme.example/thanks")
    assert "form-action 'self' https://www.acme.example;" in page(form)["Content-Security-Policy"] + ";"


def test_a_newsletter_has_no_box_for_itself(cast: Cast) -> None:
    text = ConsentText.objects.get(purpose="newsletter", channel="email", language="en")
    html = page(a_form("newsletter_signup")).content.decode()
    assert text.body in html
    assert 'type="checkbox"' not in html


def test_the_query_count_does_not_grow_with_fields(cast: Cast, django_assert_num_queries: Any) -> None:
    small, large = a_form(slug="small", fields=FIELDS[:1]), a_form(slug="large")
    page(small)
    for form in (small, large):
        with django_assert_num_queries(4):
            page(form)


# --- The look ---------------------------------------------------------------------------------------------


def test_colours_arrive_as_documented_variables(cast: Cast) -> None:
    form = a_form(look={"accent": "#003366", "font": "Georgia, serif"})
    answer = Client().get(f"/f/{form.slug}/look.css")
    assert answer["Content-Type"] == "text/css"
    css = answer.content.decode()
    assert "--form-accent: #003366;" in css
    assert "--form-on-accent: #ffffff;" in css
    assert "--form-font: Georgia, serif;" in css
    assert f"/f/{form.slug}/look.css" in page(form).content.decode()
    assert "look.css" not in page(a_form(slug="plain")).content.decode()


@pytest.mark.parametrize(
    ("look", "wrong"),
    [
        ({"accent": "#ffff00", "paper": "#ffffff"}, {"accent"}),
        ({"paper": "#222222"}, {"ink", "accent"}),
        ({"accent": "red"}, {"accent"}),
        ({"font": "x; } body { display: none"}, {"font"}),
        ({"paper": "#ffffff", "ink": "#333333", "accent": "#005a9c"}, set()),
        ({}, set()),
    ],
)
def test_a_look_that_cannot_be_read_is_refused(look: dict[str, str], wrong: set[str]) -> None:
    assert set(form_look.problems(look)) == wrong
    if wrong:
        assert form_look.stylesheet(look) == ""


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_contrast_is_reckoned_as_wcag_says(one: str, other: str, ratio: float) -> None:
    assert round(form_look.contrast(one, other), 2) == ratio
