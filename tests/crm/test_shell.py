"""The frame of every page: what it shows to whom, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from crm import backlog, outbox, workdays
from crm.context import shell
from crm.models import Heartbeat, OutboxMessage, User, Workspace
from crm.templatetags.formats import exact, language
from tests.cast import Cast, a_lead, accepted, ada, an_mql, offered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    cache.clear()


def frame(user: Any, rf: RequestFactory, path: str = "/", **meta: Any) -> dict[str, Any]:
    request = rf.get(path, **meta)
    request.user = user
    return shell(request)["shell"]


def number(user: User) -> str:
    """Return what stands beside Today."""
    return next(entry["count"] for entry in frame(user, RequestFactory())["nav"] if entry["url"] == "/")


def labels(user: Any, rf: RequestFactory) -> list[str]:
    return [entry["label"] for entry in frame(user, rf)["nav"]]


def test_everybody_sees_the_pages_of_their_role(cast: Cast, rf: RequestFactory) -> None:
    assert "Settings" in labels(cast.ava, rf)
    assert "Settings" not in labels(cast.lena, rf)
    assert "Marketing" not in labels(cast.sam, rf)
    assert frame(AnonymousUser(), rf)["nav"] == []


def test_the_frame_costs_one_query_and_asks_the_queues_every_five_seconds(cast: Cast, rf: RequestFactory) -> None:
    for one in (cast.ava, cast.mia, cast.sam, cast.lena):
        workdays.workspace_zone()
        cache.clear()
        with CaptureQueriesContext(connection) as first:
            frame(one, rf)
        with CaptureQueriesContext(connection) as second:
            frame(one, rf)
        assert (len(first), len(second)) == (1, 1)
        assert "crm_outboxmessage" in first[0]["sql"] and "crm_outboxmessage" not in second[0]["sql"]


def test_the_number_beside_today_is_what_waits(cast: Cast) -> None:
    offered(cast)
    assert (number(cast.sam), number(cast.mia), number(cast.rosa)) == ("1", "", "")
    an_mql(cast, contact=ada(first_name="Bea", email="bea@acme.example"))
    assert number(cast.mia) == "1"
    due = accepted(cast, contact=ada(first_name="Cleo", email="cleo@acme.example"))
    due.next_step, due.next_step_on = "Call", timezone.localdate()
    due.save(update_fields=["next_step", "next_step_on"])
    assert number(cast.sam) == "2"


def test_work_that_waits_is_said_in_words(cast: Cast, rf: RequestFactory) -> None:
    assert frame(cast.sam, rf)["behind"] == ""
    message = outbox.put("mail", "mail", {})
    OutboxMessage.objects.filter(pk=message.pk).update(next_try_at=timezone.now() - timedelta(minutes=2, seconds=5))
    cache.clear()
    assert frame(cast.sam, rf)["behind"].startswith("Background work is 2 minutes behind")


def test_a_silent_worker_is_said_and_one_that_never_ran_is_not(cast: Cast, rf: RequestFactory) -> None:
    Heartbeat.objects.create(name="worker", at=timezone.now() - timedelta(minutes=1, seconds=5))
    assert frame(cast.sam, rf)["behind"].startswith("Background work is 1 minute behind")
    Heartbeat.objects.update(at=timezone.now())
    cache.clear()
    assert frame(cast.sam, rf)["behind"] == ""


@pytest.mark.parametrize(
    ("host", "https", "warned"),
    [
        ("127.0.0.1:8000", False, False),
        ("localhost", False, False),
        ("crm.acme.example", False, True),
        ("crm.acme.example", True, False),
    ],
)
def test_an_open_line_is_said_off_this_machine(
    cast: Cast, rf: RequestFactory, settings: Any, host: str, https: bool, warned: bool
) -> None:
    settings.ALLOWED_HOSTS, settings.HTTPS = [host.split(":")[0]], https
    assert bool(frame(cast.sam, rf, HTTP_HOST=host)["notice"]) is warned


def test_strangers_are_spoken_to_in_their_browsers_language_and_people_in_theirs(cast: Cast) -> None:
    assert (
        '<html lang="de"'
        in Client().get("/accounts/login/", headers={"accept-language": "de-AT,de;q=0.9"}).content.decode()
    )
    assert '<html lang="en"' in Client().get("/accounts/login/", headers={"accept-language": "fr"}).content.decode()
    User.objects.filter(pk=cast.sam.pk).update(language="de")
    client = Client()
    client.force_login(cast.sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.get("/accounts/preferences/", headers={"accept-language": "en"})
    assert ('<html lang="de"' in answer.content.decode(), answer["Content-Language"]) == (True, "de")
    translation.activate("en")


def test_people_without_a_time_zone_live_in_the_workspaces(cast: Cast) -> None:
    Workspace.objects.update(time_zone="Asia/Tokyo")
    workdays.forget_zone()
    client = Client()
    client.force_login(cast.sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/accounts/preferences/").content.decode()
    with timezone.override("Asia/Tokyo"):
        assert f'title="{exact(timezone.now())}' in page


def test_a_pass_under_way_is_said_on_every_page_and_ends_by_itself(cast: Cast, client: Client) -> None:
    from scoring import publishing
    from scoring.models import PublishRun

    a_lead()
    client.force_login(cast.sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    run = publishing.rescore()
    assert run is not None
    PublishRun.objects.filter(pk=run.pk).update(done=43, total=100)
    cache.clear()
    for page in ("/", "/boards/sales/", "/accounts/preferences/"):
        assert "Scores are being brought up to date, 43 %." in client.get(page).content.decode()
    PublishRun.objects.filter(pk=run.pk).update(done=100)
    line = client.get("/scorecards/passes/?line=1", headers={"HX-Request": "true"}).content.decode()
    assert 'role="status" aria-live="off"' in line  # in a landmark of its own, and not read out every three seconds
    assert "brought up to date, 99 %." in line
    assert "<html" not in line
    assert publishing.carry_on(seconds=10)
    assert client.get("/scorecards/passes/?line=1", headers={"HX-Request": "true"}).content == b""
    cache.clear()
    assert "brought up to date" not in client.get("/").content.decode()


def test_scores_that_wait_are_said(cast: Cast, rf: RequestFactory, time_machine: Any) -> None:
    from crm import activities

    activities.record(ada(), "white_paper")
    assert frame(cast.mia, rf)["behind"] == ""
    time_machine.move_to(timezone.now() + timedelta(minutes=3, seconds=5))
    cache.clear()
    assert frame(cast.mia, rf)["behind"].startswith("Background work is 3 minutes behind")
    words = next(wait for queue, wait in backlog.waits() if queue.key == "scores")
    assert words >= timedelta(minutes=3)


def test_a_language_is_named_and_an_unknown_code_stays() -> None:
    assert (language("de"), language("pt-br"), language("xx")) == ("German", "Brazilian Portuguese", "xx")
