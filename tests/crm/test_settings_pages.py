"""The settings: who gets in, what each page writes, and what stays in the audit log."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import audit, outbox, sessions, settings_catalogue
from crm.models import ActivityKind, AuditEntry, OutboxMessage, Session, Team, User, Workspace
from leads.models import Checklist, Reason, Source
from tests.cast import Cast, a_lead

pytestmark = pytest.mark.django_db
PAGES = [
    "settings", "settings_people", "settings_invite", "settings_teams", "settings_team_new", "settings_workspace",
    "settings_kinds", "settings_kind_new", "settings_deliveries", "settings_health", "settings_audit",
    "settings_reasons", "settings_reason_new", "settings_sources", "settings_source_new", "settings_columns",
    "settings_checklist", "settings_tracking", "settings_write_key_new", "settings_tracking_rule_new",
    "settings_assignment", "settings_assignment_new",
    "settings_tokens", "settings_webhooks", "settings_webhook_new", "settings_recipients",
]  # fmt: skip


def sign_in(user: User, password: str = "baton-demo") -> Client:
    """Return a browser in which `user` has just signed in with their password."""
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": password})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return client


@pytest.fixture(autouse=True)
def _mail_goes_through_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "crm.outbox.OutboxEmailBackend"


@pytest.fixture
def ava(cast: Cast) -> Client:
    return sign_in(cast.ava)


def post_form(client: Client, url: str, **values: Any) -> Any:
    """Post what the page's form holds, with `values` over it."""
    form = client.get(url).context["form"]
    held = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in held.items() if value not in (None, False)} | values
    return client.post(url, {name: value for name, value in data.items() if value is not False})


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_for_the_admin_and_for_nobody_else(cast: Cast, name: str) -> None:
    url = reverse(name)
    assert Client().get(url).status_code == 302
    for one, status in ((cast.ava, 200), (cast.lena, 403), (cast.mia, 403), (cast.sam, 403)):
        client = Client()
        client.force_login(one, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.get(url).status_code == status


@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_the_same_few_queries_for_few_and_many_rows(
    ava: Client, cast: Cast, name: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        Team.objects.create(name=f"Team {number:02}")
        User.objects.create_user(f"p{number}@example.com", name=f"P {number:02}", team=cast.north)
        outbox.put("mail", "mail", {"to": []})
    OutboxMessage.objects.update(state="failed")
    ava.get(reverse(name))
    with django_assert_max_num_queries(12):
        ava.get(reverse(name))


def test_a_change_asks_for_the_password_when_the_sign_in_is_long_ago(ava: Client, cast: Cast) -> None:
    session = ava.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    answer = post_form(ava, reverse("settings_team_new"), name="West")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not Team.objects.filter(name="West").exists()
    wrong = ava.post(answer["Location"], {"password": "not-this-one"})
    assert wrong.status_code == 200
    right = ava.post(answer["Location"], {"password": "baton-demo"})
    assert right.status_code == 302
    assert Team.objects.filter(name="West").exists()


# --- People ---------------------------------------------------------------------------------------


def test_an_invited_person_chooses_a_password_by_the_link_and_signs_in(ava: Client, cast: Cast) -> None:
    answer = ava.post(reverse("settings_invite"), {
        "name": "Nils Holm", "email": "Nils@Example.com", "role": "sales_rep", "team": cast.south.pk, "language": "de",
    }, follow=True)  # fmt: skip
    nils = User.objects.get(email="nils@example.com")
    assert (nils.role, nils.team, nils.language, nils.has_usable_password()) == ("sales_rep", cast.south, "de", False)
    link = answer.context["link"]
    assert link.startswith("http://127.0.0.1:8000/accounts/password/reset/key/")
    assert link in OutboxMessage.objects.get(channel="mail").payload["body"]
    again = ava.get(reverse("settings_person", args=[nils.pk]))
    assert again.context["link"] == ""
    browser = Client()
    page = browser.get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    assert page.status_code == 200
    browser.post(page.redirect_chain[-1][0], {"password1": "green-boat-seven", "password2": "green-boat-seven"})
    sign_in(nils, "green-boat-seven")
    used = Client().get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    assert used.context.get("token_fail")


def test_nobody_is_invited_twice(ava: Client, cast: Cast) -> None:
    answer = ava.post(
        reverse("settings_invite"), {"name": "S", "email": "SAM@example.com", "role": "admin", "language": "en"}
    )
    assert answer.status_code == 422
    assert "email" in answer.context["form"].errors


def test_a_lowered_role_holds_from_the_next_request(ava: Client, cast: Cast) -> None:
    second = User.objects.create_user("second@example.com", "baton-demo", name="Second Admin", role="admin")
    theirs = sign_in(second)
    assert theirs.get("/settings/").status_code == 200
    post_form(ava, reverse("settings_person", args=[second.pk]), role="sales_rep")
    assert theirs.get("/settings/").status_code == 403
    entry = AuditEntry.objects.get(action="person.changed")
    assert (entry.actor, entry.object, entry.payload) == (
        cast.ava,
        f"user:{second.pk}",
        {"role": ["admin", "sales_rep"]},
    )


def test_two_admins_do_not_undo_each_other(ava: Client, cast: Cast) -> None:
    url = reverse("settings_person", args=[cast.sam.pk])
    form = ava.get(url).context["form"]
    shown = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    User.objects.filter(pk=cast.sam.pk).update(role="sales_lead")
    answer = ava.post(url, shown | {"name": "Samuel"})
    assert "Somebody else changed this meanwhile" in answer.content.decode()
    cast.sam.refresh_from_db()
    assert (cast.sam.role, cast.sam.name) == ("sales_lead", "Sam Okafor")


def test_names_and_addresses_stay_out_of_the_audit_log(ava: Client, cast: Cast) -> None:
    post_form(ava, reverse("settings_person", args=[cast.sam.pk]), name="Samuel Okafor")
    assert AuditEntry.objects.get(action="person.changed").payload == {"name": "changed"}


def test_the_last_admin_stays(ava: Client, cast: Cast) -> None:
    answer = post_form(ava, reverse("settings_person", args=[cast.ava.pk]), role="marketer")
    assert answer.status_code == 422
    ava.post(reverse("settings_send_away", args=[cast.ava.pk]), {"typed": cast.ava.name})
    cast.ava.refresh_from_db()
    assert (cast.ava.role, cast.ava.is_active) == ("admin", True)


def test_who_is_sent_away_is_out_at_the_next_click(ava: Client, cast: Cast) -> None:
    theirs = sign_in(cast.sam)
    a_lead(owner=cast.sam)
    page = ava.get(reverse("settings_person", args=[cast.sam.pk]))
    assert page.context["holdings"] == ["1 open lead"]
    ava.post(reverse("settings_send_away", args=[cast.sam.pk]), {"typed": "Samuel"})
    assert theirs.get(reverse("preferences")).status_code == 200
    ava.post(reverse("settings_send_away", args=[cast.sam.pk]), {"typed": "sam okafor"})
    assert theirs.get(reverse("preferences")).status_code == 302
    assert not Session.objects.filter(user=cast.sam).exists()
    refused = Client().post("/accounts/login/", {"login": cast.sam.email, "password": "baton-demo"})
    assert refused["Location"] == "/accounts/inactive/"
    ava.post(reverse("settings_bring_back", args=[cast.sam.pk]))
    sign_in(cast.sam)


# --- Teams, workspace, lists ----------------------------------------------------------------------


def test_a_team_keeps_hours_in_several_spans(ava: Client, cast: Cast) -> None:
    post_form(ava, reverse("settings_team", args=[cast.north.pk]), day_4="9–12, 13:30-15", day_5="", countries="de, at")
    cast.north.refresh_from_db()
    assert cast.north.working_hours["4"] == [["09:00", "12:00"], ["13:30", "15:00"]]
    assert cast.north.territory == ["DE", "AT"]
    assert set(AuditEntry.objects.get(action="team.changed").payload) == {"working_hours", "territory"}


def test_a_team_may_work_around_the_clock(ava: Client, cast: Cast) -> None:
    post_form(ava, reverse("settings_team", args=[cast.north.pk]), **{f"day_{day}": "" for day in range(7)})
    cast.north.refresh_from_db()
    assert cast.north.working_hours == {}


@pytest.mark.parametrize("hours", ["18–9", "9-12, 11-15", "25:00–26:00", "nine to five"])
def test_hours_that_cannot_be_are_refused_beside_their_day(ava: Client, cast: Cast, hours: str) -> None:
    answer = post_form(ava, reverse("settings_team", args=[cast.north.pk]), day_0=hours)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["day_0"]


def test_a_stale_page_is_refused_once(ava: Client, cast: Cast) -> None:
    url = reverse("settings_team", args=[cast.north.pk])
    form = ava.get(url).context["form"]
    shown = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    Team.objects.filter(pk=cast.north.pk).update(capacity=7)
    refused = ava.post(url, shown | {"name": "Far North"})
    assert refused.status_code == 422
    assert "Somebody else changed this meanwhile" in refused.content.decode()
    assert Team.objects.get(pk=cast.north.pk).name == "North"
    kept = ava.post(url, shown | {"name": "Far North", "was": refused.context["form"]["was"].value()})
    assert kept.status_code == 302
    assert Team.objects.get(pk=cast.north.pk).name == "Far North"


def test_only_an_empty_team_is_removed(ava: Client, cast: Cast) -> None:
    empty = Team.objects.create(name="Empty")
    for team in (empty, cast.north):
        ava.post(reverse("settings_team_remove", args=[team.pk]))
    assert set(Team.objects.values_list("name", flat=True)) == {"Marketing", "North", "South"}
    assert AuditEntry.objects.filter(action="team.removed").count() == 1


def test_the_workspace_changes_but_for_its_time_zone(ava: Client, cast: Cast) -> None:
    before = Workspace.objects.get().time_zone
    post_form(ava, reverse("settings_workspace"), name="Acme", reps_read_everything="on", time_zone="Asia/Tokyo")
    row = Workspace.objects.get()
    assert (row.name, row.reps_read_everything, row.time_zone) == ("Acme", True, before)


def test_an_own_activity_kind_gets_a_key_that_stays(ava: Client, cast: Cast) -> None:
    post_form(ava, reverse("settings_kind_new"), label="Werksführung gebucht", group="event")
    kind = ActivityKind.objects.get(key="werksfuehrung_gebucht")
    post_form(ava, reverse("settings_kind", args=[kind.key]), label="Tour booked")
    kind.refresh_from_db()
    assert (kind.label, kind.shipped) == ("Tour booked", False)
    assert ava.get(reverse("settings_kind", args=["white_paper"])).status_code == 404


def test_a_reason_is_added_moved_renamed_and_hidden(ava: Client, cast: Cast) -> None:
    url = reverse("settings_reason_new") + "?kind=lose"
    post_form(ava, url, label="Fusion mit Wettbewerber")
    added = Reason.objects.get(kind="lose", key="fusion_mit_wettbewerber")
    ava.post(reverse("settings_list_step", args=["reasons", added.pk, "up"]))
    order = list(Reason.objects.filter(kind="lose").order_by("position").values_list("key", flat=True))
    assert order[-2:] == ["fusion_mit_wettbewerber", "unreachable"]
    ava.post(reverse("settings_list_visibility", args=["reasons", added.pk]), {"active": "0"})
    added.refresh_from_db()
    assert not added.active
    actions = list(AuditEntry.objects.filter(object=f"reason:{added.pk}").values_list("action", flat=True))
    assert actions == ["reason.added", "reason.moved", "reason.hidden"]


def test_a_renamed_shipped_reason_keeps_its_key_and_speaks_as_written(ava: Client, cast: Cast) -> None:
    row = Reason.objects.get(kind="lose", key="no_budget")
    post_form(ava, reverse("settings_reason", args=[row.pk]), label="Budget gone")
    row.refresh_from_db()
    assert (row.key, str(row), row.shipped) == ("no_budget", "Budget gone", False)


def test_a_source_may_be_of_low_trust(ava: Client, cast: Cast) -> None:
    post_form(ava, reverse("settings_source_new"), label="Messe Köln", kind="fair", low_trust="on")
    source = Source.objects.get(key="messe_koeln")
    assert (source.kind, source.low_trust, source.active) == ("fair", True, True)


def test_column_limits_are_kept_by_lane(ava: Client, cast: Cast) -> None:
    post_form(ava, reverse("settings_columns"), lane_mql="25", lane_new="")
    assert Workspace.objects.get().column_limits == {"mql": 25}


def test_the_checklist_keeps_the_keys_of_its_topics(ava: Client, cast: Cast) -> None:
    url, told = reverse("settings_checklist"), {"topics": "Need\nBudget\nWettbewerb", "framework": "NBW"}
    assert post_form(ava, url, **told, must_confirm="2", why="").status_code == 422
    assert Checklist.objects.get().framework == "BANT"
    post_form(ava, url, **told, must_confirm="2", why="They always ask for the others.")
    row = Checklist.objects.get()
    assert [topic["key"] for topic in row.dimensions] == ["need", "budget", "wettbewerb"]
    assert (row.must_confirm, row.framework) == (2, "NBW")
    entry = AuditEntry.objects.get(action="checklist.changed")
    assert (entry.actor, entry.payload["why"]) == (cast.ava, "They always ask for the others.")
    assert entry.payload["must_confirm"] == [3, 2]
    for odd in ({"must_confirm": "9"}, {"must_confirm": "0"}, {"max_age_days": "0"}):
        assert post_form(ava, url, why="So.", **odd).status_code == 422
    row.refresh_from_db()
    assert (row.must_confirm, row.max_age_days) == (2, 180)


def test_the_glossary_says_what_sales_confirms_who_does_without_and_why(ava: Client, cast: Cast) -> None:
    url = reverse("settings_checklist")
    post_form(ava, url, topics="Need\nChampion", must_confirm="1", max_age_days="30", framework="NC", why="Shorter.")
    said = ava.get(reverse("glossary")).content.decode()
    assert "Sales has confirmed at least 1 of these topics (NC): Need, Champion." in said
    assert "What was found out stays valid for 30 days." in said
    assert "Every team in sales uses the checklist" in said
    assert "The checklist was changed last by Ava Admin" in said
    assert "Shorter." in said
    team = reverse("settings_team", args=[cast.south.pk])
    assert post_form(ava, team, uses_checklist=False).status_code == 422
    cast.south.refresh_from_db()
    assert cast.south.uses_checklist
    post_form(ava, team, uses_checklist=False, why="They sell by phone.")
    entry = AuditEntry.objects.get(action="team.changed")
    assert entry.payload == {"uses_checklist": [True, False], "why": "They sell by phone."}
    said = ava.get(reverse("glossary")).content.decode()
    assert "These teams do without the checklist, and a person decides: South." in said


# --- Running it -----------------------------------------------------------------------------------


def test_a_dead_letter_is_sent_again_or_discarded(ava: Client, cast: Cast) -> None:
    first, second = (
        outbox.put("mail", "mail", {"to": ["a@acme.example"], "subject": "S", "body": "B"}) for _ in range(2)
    )
    OutboxMessage.objects.update(state="failed", attempts=8, dead_reason="SMTPServerDisconnected")
    page = ava.get(reverse("settings_deliveries"))
    assert "SMTPServerDisconnected" in page.content.decode()
    for reason, words in (("no_connection", "No connection"), ("refused 500", "Refused 500"), ("erased", "was erased")):
        OutboxMessage.objects.update(dead_reason=reason)
        assert words in ava.get(reverse("settings_deliveries")).content.decode()
    ava.post(reverse("settings_retry", args=[first.pk]))
    ava.post(reverse("settings_discard", args=[second.pk]))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.attempts, second.state) == ("pending", 0, "cancelled")
    outbox.deliver()
    first.refresh_from_db()
    assert first.state == "sent"


def test_health_says_in_words_what_is_wrong(ava: Client, cast: Cast) -> None:
    message = outbox.put("mail", "mail", {})
    OutboxMessage.objects.filter(pk=message.pk).update(next_try_at=timezone.now() - timezone.timedelta(minutes=30))
    parts = {
        str(part.label): (part.colour, part.words) for part in ava.get(reverse("settings_health")).context["parts"]
    }
    assert parts["Worker and schedule"][0] == "red"
    assert parts["Queues"] == ("red", "Mail and webhooks: the oldest entry waits 30 min.")
    assert parts["Database"][0] == "green"


def test_the_audit_log_names_only_what_was_filled_in(ava: Client, cast: Cast) -> None:
    audit.record(cast.ava, "spend.booked", "spend:1", campaign_id=None, note="", amount="44.86")
    page = ava.get(reverse("settings_audit") + "?action=spend")
    assert [details for _entry, details in page.context["entries"]] == [[("amount", "44.86")]]


def test_the_audit_log_is_read_page_by_page(ava: Client, cast: Cast) -> None:
    for number in range(120):
        audit.record(cast.ava, "team.changed", f"team:{number}", capacity=[1, number])
    seen, url = [], reverse("settings_audit") + "?action=team"
    for _ in range(3):
        page = ava.get(url).context["page"]
        seen += [entry.object for entry in page.rows]
        url = reverse("settings_audit") + f"?action=team&after={page.next}"
    assert seen == [f"team:{number}" for number in reversed(range(120))]
    assert page.next == ""
    assert ava.get(reverse("settings_audit") + "?after=%00nonsense").status_code == 404


# --- The catalogue and one's own preferences -------------------------------------------------------


def test_a_setting_is_found_by_its_effect_in_the_readers_language(ava: Client, cast: Cast) -> None:
    found = ava.get("/settings/?q=holidays clock").context["found"]
    assert [str(setting.label) for setting, _page in found] == ["Public holidays"]
    assert ava.get("/settings/?q=xyzzy").context["found"] == []


def test_every_setting_names_a_page_that_exists() -> None:
    assert {setting.url.partition("#")[0] for setting in settings_catalogue.SETTINGS} <= {
        *(place.url for place in settings_catalogue.places()), reverse("preferences"), reverse("absences"),
    }  # fmt: skip


def test_preferences_hold_at_once(cast: Cast) -> None:
    client = sign_in(cast.sam)
    post_form(
        client, reverse("preferences"), language="de", time_zone="Asia/Tokyo", theme="dark", density="compact",
        shortcuts=False, start_page="contacts",
    )  # fmt: skip
    page = client.get(reverse("preferences")).content.decode()
    assert '<html lang="de"' in page
    assert 'class="theme-dark density-compact"' in page
    assert 'data-shortcuts="off"' in page
    assert client.post(reverse("preferences_theme"), {"theme": "system"}).status_code == 204
    assert client.post(reverse("preferences_theme"), {"theme": "pink"}).status_code == 400
    cast.sam.refresh_from_db()
    assert (cast.sam.theme, cast.sam.time_zone, cast.sam.start_page) == ("", "Asia/Tokyo", "contacts")


def test_one_signs_out_everywhere_else(cast: Cast) -> None:
    here, there, elsewhere = sign_in(cast.sam), sign_in(cast.sam), sign_in(cast.sam)
    assert len(here.get(reverse("preferences")).context["sessions"]) == 3
    rows = here.get(reverse("preferences")).context["sessions"]
    keys = [row.session_key for row in rows]
    assert not any(key in here.get(reverse("preferences")).content.decode() for key in keys)
    place = keys.index(there.session.session_key)
    here.post(reverse("end_session"), {"place": place, "began": rows[place].began_at.isoformat()})
    assert there.get(reverse("preferences")).status_code == 302
    here.post(reverse("end_other_sessions"))
    assert elsewhere.get(reverse("preferences")).status_code == 302
    assert here.get(reverse("preferences")).status_code == 200
    assert sessions.living(cast.sam).count() == 1


def test_a_team_keeps_days_of_its_own_and_hours_by_grade(ava: Client, cast: Cast) -> None:
    url = reverse("settings_team", args=[cast.north.pk])
    lines = "2026-12-28 – 2026-12-29 Winter break\n08.02.2027 half Carnival Monday\n\n"
    more = {"own_days": lines, "grade_A1": "0.5", "grade_A2": "2", "time_zone": "Europe/Lisbon", "day_5": "20:00-24"}
    post_form(ava, url, **more, half_eves="on", remind_minutes="30", reassign_hours="4")
    north = Team.objects.get(pk=cast.north.pk)
    assert north.own_days == [
        {"day": "2026-12-28", "half": False, "name": "Winter break"},
        {"day": "2026-12-29", "half": False, "name": "Winter break"},
        {"day": "2027-02-08", "half": True, "name": "Carnival Monday"},
    ]
    assert (north.hours_by_grade, north.working_hours["5"]) == ({"A1": 0.5, "A2": 2.0}, [["20:00", "24:00"]])
    assert (north.time_zone, north.half_eves, north.remind_minutes, north.reassign_hours) == (
        "Europe/Lisbon",
        True,
        30,
        4,
    )
    shown = ava.get(url).context["form"]
    assert shown["own_days"].value() == "2026-12-28 – 2026-12-29 Winter break\n2027-02-08 half Carnival Monday"
    post_form(ava, url)
    assert AuditEntry.objects.filter(action="team.changed").count() == 1


@pytest.mark.parametrize("line", ["31.02.2027", "Christmas", "2027-02-08 – 2027-02-01", "2026-01-01 – 2029-01-01"])
def test_days_that_cannot_be_are_refused(ava: Client, cast: Cast, line: str) -> None:
    answer = post_form(ava, reverse("settings_team", args=[cast.north.pk]), own_days=line)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["own_days"])
