"""The first page, signing in, the palette and the settings in a real browser: no barrier, and nothing lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("playwright")
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from playwright.sync_api import Page, expect

from crm.models import Role, Session, User
from tests.browser.barriers import barriers_at_all_sizes
from tests.cast import Cast, a_lead

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reports(page: Page) -> list[str]:
    """Collect what the content policy or a script complains about."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def fill_setup(page: Page) -> None:
    page.get_by_label("Name of your company or team").fill("Acme GmbH")
    page.get_by_label("Your name").fill("Ines Vogt")
    page.get_by_label("Your e-mail").fill("ines@acme.example")
    page.get_by_label("Password").fill("blue-lamp-river")


def test_the_first_page_and_the_sign_in_have_no_barrier(page: Page, live_server: Any) -> None:
    page.goto(f"{live_server.url}/setup/")
    assert barriers_at_all_sizes(page) == {}
    User.objects.create_user("sam@example.com", "baton-demo", name="Sam")
    page.goto(f"{live_server.url}/accounts/login/")
    assert barriers_at_all_sizes(page) == {}
    page.get_by_label("E-mail").fill("sam@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("E-mail or password is not right.")).to_be_visible()
    assert barriers_at_all_sizes(page) == {}


def test_a_password_is_chosen_by_the_link_of_the_mail(page: Page, live_server: Any) -> None:
    max = User.objects.create_user("max@example.com", "baton-demo", name="Max")
    key = f"{user_pk_to_url_str(max)}-{default_token_generator.make_token(max)}"
    page.goto(f"{live_server.url}/accounts/password/reset/key/{key}/")
    page.locator("[name=password1]").fill("blue-lamp-river")
    page.locator("[name=password2]").fill("blue-lamp-river")
    page.get_by_role("button", name="Change Password").click()
    expect(page).not_to_have_url(re.compile("set-password/$"))
    max.refresh_from_db()
    assert max.check_password("blue-lamp-river")


def test_an_empty_install_is_set_up_and_left_again(page: Page, live_server: Any, reports: list[str]) -> None:
    page.goto(f"{live_server.url}/setup/")
    page.get_by_role("button", name="Make my workspace").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    fill_setup(page)
    page.get_by_role("button", name="Make my workspace").click()
    expect(page).to_have_url(f"{live_server.url}/")
    admin = User.objects.get()
    assert (admin.role, admin.signs_for_marketing, admin.signs_for_sales) == (Role.ADMIN, True, True)
    page.goto(f"{live_server.url}/accounts/preferences/")
    page.get_by_label("Your account, Ines Vogt").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(f"{live_server.url}/accounts/login/")
    assert page.goto(f"{live_server.url}/setup/").status == 404  # type: ignore[union-attr]
    assert [line for line in reports if "404" not in line and "422" not in line] == []


def test_without_javascript_one_signs_in_and_changes_a_setting(new_context: Any, live_server: Any, cast: Cast) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/accounts/preferences/")
    page.get_by_label("E-mail").fill("sam@example.com")
    page.get_by_label("Password").fill("baton-demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{live_server.url}/accounts/preferences/")
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_class("theme-dark ")


def test_a_wrong_password_keeps_the_name_and_the_focus(page: Page, live_server: Any, cast: Cast) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_label("E-mail").fill("sam@example.com")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value("sam@example.com")


def test_what_was_typed_comes_back_after_the_session_ended(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast
) -> None:
    sign_in(cast.sam)
    page.goto(f"{live_server.url}/accounts/preferences/")
    page.get_by_label("Name").fill("Samuel Okafor")
    page.get_by_label("Dark").check()
    Session.objects.all().delete()
    page.get_by_role("button", name="Save").click()
    page.get_by_label("E-mail").fill("sam@example.com")
    page.get_by_label("Password").fill("baton-demo")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{live_server.url}/accounts/preferences/")
    expect(page.get_by_label("Name")).to_have_value("Samuel Okafor")
    expect(page.get_by_label("Dark")).to_be_checked()
    assert page.evaluate("sessionStorage.getItem('baton-draft')") is None
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Sam Okafor")


def test_the_palette_finds_a_person_by_keys_alone(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, reports: list[str]
) -> None:
    lead = a_lead(owner=cast.mia)
    sign_in(cast.mia)
    page.goto(f"{live_server.url}/accounts/preferences/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search or jump to")
    expect(box).to_be_focused()
    page.keyboard.type("broem")
    option = page.get_by_role("option", name="Ada Brömmel Acme GmbH")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(box).to_have_attribute("aria-activedescendant", "option-people-1")
    assert barriers_at_all_sizes(page) == {}
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{live_server.url}/leads/{lead.pk}/")
    assert reports == []


@pytest.mark.parametrize(
    "address",
    [
        "/settings/", "/settings/?q=hours", "/settings/people/", "/settings/people/new/", "/settings/teams/",
        "/settings/teams/new/", "/settings/workspace/", "/settings/kinds/", "/settings/reasons/", "/settings/sources/",
        "/settings/columns/", "/settings/checklist/", "/settings/deliveries/", "/settings/health/", "/settings/audit/",
        "/help/", "/accounts/preferences/", "/search/?q=a", "/accounts/2fa/", "/accounts/password/change/",
    ],
)  # fmt: skip
def test_no_settings_page_has_a_barrier(
    page: Page, live_server: Any, sign_in: Callable[[Any], None], cast: Cast, address: str, reports: list[str]
) -> None:
    sign_in(cast.ava)
    page.goto(live_server.url + address)
    assert barriers_at_all_sizes(page) == {}
    assert reports == []
