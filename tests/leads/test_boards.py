"""The boards: who sees what, how it is counted, ordered, narrowed and paged, and what a page costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import contacts, sessions, workdays
from crm.models import User, Workspace
from leads import boards, explanations, lifecycle
from leads.board_filters import ONLY
from leads.boards import MARKETING, SALES
from leads.explanations import Explanation, Reason
from leads.models import Handoff, Lead, Source, Standing
from leads.stages import Lane
from scoring import drain, explain
from scoring.models import Score
from tests.cast import Cast, a_lead, accepted, ada, an_mql, next_month, offered, qualified, reason

pytestmark = pytest.mark.django_db
MARKETING_BOARD, SALES_BOARD = "/boards/marketing/", "/boards/sales/"


def signed_in(user: AbstractBaseUser) -> Client:
    client = Client()
    client.force_login(user)
    return client


def see(user: User, address: str) -> str:
    answer = signed_in(user).get(address)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def cards_on(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'id="card-(\d+)"', page)]


def someone(number: int, **values: str) -> Lead:
    person = ada(first_name="Nr", last_name=f"{number:03}", email=f"nr{number}@acme.example", phone="", **values)
    return a_lead(person)


def ranked(count: int) -> list[Lead]:
    """Return new leads, the last one ranked highest."""
    leads = [someone(number) for number in range(count)]
    for number, lead in enumerate(leads):
        Standing.objects.filter(pk=lead.pk).update(rank=number // 3, score=number)
    return leads


@pytest.fixture
def explained() -> Iterator[None]:
    """Reasons for every card, from a provider in the place of scoring."""
    before = explanations._provider

    def provider(lead_ids: object) -> dict[int, Explanation]:
        return {
            row.pk: Explanation(84, "B2", (Reason("Webinar attended", 20), Reason("Job", 15)), 12, ((0, 70), (7, 84)))
            for row in Standing.objects.filter(pk__in=lead_ids)
        }  # fmt: skip

    explanations.provide(provider)
    yield
    explanations._provider = before


# --- Who sees what --------------------------------------------------------------------------------


def test_a_rep_sees_own_leads_and_the_queue_of_the_team(cast: Cast) -> None:
    for_sam, for_rosa, in_queue = (an_mql(cast, contact=person) for person in people(3))
    lifecycle.advance(for_sam, "hand_off", by=cast.mia, assignee=cast.sam)
    lifecycle.advance(for_rosa, "hand_off", by=cast.mia, assignee=cast.rosa)
    lifecycle.advance(in_queue, "hand_off", by=cast.mia, team=cast.north)
    assert set(cards_on(see(cast.sam, SALES_BOARD))) == {for_sam.pk, in_queue.pk}
    assert set(cards_on(see(cast.jana, SALES_BOARD + "?scope=mine"))) == {in_queue.pk}
    assert set(cards_on(see(cast.jana, SALES_BOARD + "?scope=team"))) == {for_sam.pk, in_queue.pk}
    assert set(cards_on(see(cast.jana, SALES_BOARD + "?scope=all"))) == {in_queue.pk}
    assert set(cards_on(see(cast.lena, SALES_BOARD + "?scope=all"))) == {for_sam.pk, for_rosa.pk, in_queue.pk}


def people(count: int) -> list[contacts.Contact]:
    return [ada(email=f"p{number}@acme.example", phone="", last_name=f"P{number}") for number in range(count)]


def test_reps_read_everything_where_the_workspace_says_so(cast: Cast) -> None:
    lead = accepted(cast)
    Workspace.objects.update(reps_read_everything=True)
    assert cards_on(see(cast.rosa, SALES_BOARD + "?scope=all")) == [lead.pk]


def test_marketings_board_is_not_for_reps(cast: Cast) -> None:
    for address in (MARKETING_BOARD, f"{MARKETING_BOARD}columns/mql/", f"{MARKETING_BOARD}news/?since=0.0"):
        assert signed_in(cast.sam).get(address).status_code == 404
        assert signed_in(cast.mia).get(address).status_code == 200


def test_a_board_asks_to_sign_in(db: None, cast: Cast) -> None:
    assert Client().get(SALES_BOARD).url.startswith("/accounts/login/")


def test_the_choice_whose_leads_is_remembered(cast: Cast) -> None:
    lead = accepted(cast)
    client = signed_in(cast.jana)
    assert cards_on(client.get(SALES_BOARD).content.decode()) == []
    client.post(f"{SALES_BOARD}scope/", {"scope": "team"})
    assert cards_on(client.get(SALES_BOARD).content.decode()) == [lead.pk]
    client.post(f"{SALES_BOARD}scope/", {"scope": "all"})
    cast.jana.refresh_from_db()
    assert cast.jana.board_scope == "team"


# --- Counts, order, pages -------------------------------------------------------------------------


def test_every_card_is_reached_exactly_once_in_order(cast: Cast) -> None:
    leads = ranked(2 * boards.PAGE + 5)
    client, found, address = signed_in(cast.mia), [], MARKETING_BOARD
    while address:
        page = client.get(address).content.decode()
        found += cards_on(page)
        more = re.search(r'class="more" href="([^"]+)"', page)
        address = more[1].replace("&amp;", "&") if more else ""
    expected = sorted(leads, key=lambda lead: (-Standing.objects.get(pk=lead.pk).rank, -lead.pk))
    assert found == [lead.pk for lead in expected]


def test_more_cards_come_as_a_fragment_too(cast: Cast) -> None:
    ranked(boards.PAGE + 3)
    page = see(cast.mia, MARKETING_BOARD)
    address = re.search(r'class="more" href="([^"]+)"', page)[1].replace("&amp;", "&")
    fragment = signed_in(cast.mia).get(address, headers={"HX-Request": "true"}).content.decode()
    assert "3 more, by priority" in page
    assert (len(cards_on(fragment)), "<html" in fragment) == (3, False)


def test_a_question_that_finds_nobody_leaves_the_others_their_answers(cast: Cast) -> None:
    leads = ranked(3)
    nobody, first = Standing.objects.filter(pk__in=[]), Standing.objects.order_by("rank", "pk")[:1]
    last = Standing.objects.filter(pk=leads[-1].pk)

    def among(*questions: QuerySet[Standing]) -> set[Lead]:
        return set(Lead.objects.filter(pk__among=[one.values("pk") for one in questions]))

    assert among(nobody, first, last) == {leads[0], leads[-1]}
    assert among(nobody) == among() == set()
    assert set(Lead.objects.exclude(pk__among=[nobody.values("pk")])) == set(leads)


def test_the_oldest_comes_first_by_age(cast: Cast) -> None:
    leads = ranked(3)
    for days, lead in zip((2, 9, 5), leads, strict=True):
        Standing.objects.filter(pk=lead.pk).update(lane_since=timezone.now() - timedelta(days=days))
    found = cards_on(see(cast.mia, MARKETING_BOARD + "?sort=age"))
    assert found == [leads[1].pk, leads[2].pk, leads[0].pk]


def test_heads_count_to_ten_thousand(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "COUNTED", 4)
    ranked(6)
    heads = boards.heads(MARKETING, filters(cast.mia))
    assert (heads.by_lane[Lane.NEW].count, heads.total_words) == ("4+", "4+")
    assert heads.by_lane[Lane.MQL].count == "0"


@pytest.mark.parametrize("address", ["", "q=acme", "scope=mine"])
def test_heads_tell_the_oldest_to_the_microsecond_however_few_are_counted(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(boards, "COUNTED", 1)
    first = timezone.now().replace(microsecond=120_030) - timedelta(days=40)
    for number, person in enumerate(people(3)):
        lead = accepted(cast, contact=person)
        Standing.objects.filter(pk=lead.pk).update(lane_since=first + timedelta(days=2 - number))
    by_lane = boards.heads(SALES, filters(cast.sam, address, SALES)).by_lane
    assert (by_lane[Lane.ACCEPTED].count, by_lane[Lane.ACCEPTED].oldest) == ("1+", first)
    assert by_lane[Lane.QUALIFIED].oldest is None


def filters(user: User, address: str = "", board: boards.Board = MARKETING) -> boards.Filters:
    from django.http import QueryDict

    return board.filters(QueryDict(address), user)


def test_a_lane_over_its_limit_says_so_with_icon_and_words(cast: Cast) -> None:
    Workspace.objects.update(column_limits={"new": 2})
    ranked(5)
    page = see(cast.mia, MARKETING_BOARD)
    assert re.search(r'<span class="over"><svg.*?3 over the limit of 2', page, re.S)


def test_heads_tell_sum_and_weighted_sum_in_the_workspaces_currency(cast: Cast) -> None:
    lead = qualified(cast)
    Lead.objects.filter(pk=lead.pk).update(amount=48000)
    foreign = accepted(cast, contact=people(1)[0])
    Lead.objects.filter(pk=foreign.pk).update(amount=999, currency="USD")
    heads = boards.heads(SALES, filters(cast.sam, board=SALES))
    assert heads.by_lane[Lane.QUALIFIED].amount == 48000
    assert heads.by_lane[Lane.QUALIFIED].weighted == 28800
    assert heads.by_lane[Lane.ACCEPTED].amount is None


def test_a_board_of_everybodys_leads_says_in_its_heads_what_the_same_leads_say_narrowed(cast: Cast) -> None:
    first, second = people(2)
    fine, silent = qualified(cast), qualified(cast, contact=second)
    accepted(cast, contact=first)
    Lead.objects.filter(pk=fine.pk).update(amount=48000, next_step="Call", next_step_on=timezone.localdate())
    Lead.objects.filter(pk=silent.pk).update(amount="99.50", currency="")
    Standing.objects.filter(pk=silent.pk).update(lane_since=timezone.now() - timedelta(days=15))
    lanes = (Lane.ACCEPTED, Lane.QUALIFIED)
    told = []
    for address in ("scope=all", f"scope=all&owner={cast.sam.pk}"):
        found = boards.heads(SALES, filters(cast.lena, address, SALES)).by_lane
        told.append([(found[lane].number, found[lane].amount, found[lane].fact) for lane in lanes])
    whole, narrowed = told
    assert whole == narrowed == [(1, None, "1 without next step"), (2, Decimal("48099.50"), "1 silent")]


def test_won_and_lost_are_folded_and_end_after_thirty_days(cast: Cast) -> None:
    lead = qualified(cast)
    lifecycle.advance(lead, "lose", by=cast.sam, reason=reason("lose"))
    assert cards_on(see(cast.sam, SALES_BOARD)) == []
    for address in ("?open=lost", "?column=lost"):
        assert cards_on(see(cast.sam, SALES_BOARD + address)) == [lead.pk]
    Standing.objects.filter(pk=lead.pk).update(lane_since=timezone.now() - timedelta(days=31))
    assert cards_on(see(cast.sam, SALES_BOARD + "?open=lost")) == []


# --- Narrowing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["brömmel", "BROEMMEL", "acme", "Ada Br", "ada@acme"])
def test_search_finds_name_company_and_address_umlauts_either_way(cast: Cast, text: str) -> None:
    lead = a_lead()
    company = contacts.create_company({"name": "Other"}, by=None, source="test")
    a_lead(ada(first_name="Bo", last_name="Zoe", email="bo@other.example", phone="", company_id=company.pk))
    assert cards_on(see(cast.mia, f"{MARKETING_BOARD}?q={text}")) == [lead.pk]


def test_filters_narrow_and_say_so(cast: Cast) -> None:
    hers = a_lead(owner=cast.mia)
    nobodys = someone(1)
    Standing.objects.filter(pk=hers.pk).update(grade="A2")
    Lead.objects.filter(pk=nobodys.pk).update(source=Source.objects.get(key="referral"))
    for address, expected in {
        f"owner={cast.mia.pk}": hers, "owner=none": nobodys, "source=referral": nobodys, "grade=A": hers,
        "grade=A&grade=B": hers, "only=unassigned": nobodys,
    }.items():  # fmt: skip
        page = see(cast.mia, f"{MARKETING_BOARD}?{address}")
        assert cards_on(page) == [expected.pk], address
        assert "1 of 2" in page and "Remove filter" in page


def test_nothing_found_offers_to_clear_the_filter(cast: Cast) -> None:
    a_lead()
    page = see(cast.mia, MARKETING_BOARD + "?q=Zuckerraffinerie")
    assert "0 of 1 leads fit “Zuckerraffinerie”." in page
    assert "Clear filter" in page


JUNK = ["owner=x'", "after=~", "grade=Z", "only=all", "sort=%00", "q=%00%25_", "open=../", f"owner={'9' * 30}",
        "sort=age&after=2026-05-01T00:00:00%2B20:00~1"]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_what_makes_no_sense_in_the_address_is_left_out(cast: Cast, junk: str) -> None:
    lead = a_lead()
    found = cards_on(see(cast.mia, f"{MARKETING_BOARD}?{junk}"))
    assert found == ([] if junk.startswith("q=") else [lead.pk])
    assert signed_in(cast.mia).get(f"{MARKETING_BOARD}columns/new/?{junk}").status_code == 200


def test_only_silent_leads(cast: Cast) -> None:
    lead = accepted(cast)
    assert cards_on(see(cast.sam, SALES_BOARD + "?only=silent")) == []
    Standing.objects.filter(pk=lead.pk).update(lane_since=timezone.now() - timedelta(days=11))
    page = see(cast.sam, SALES_BOARD + "?only=silent")
    assert cards_on(page) == [lead.pk] and "11 d silent, limit 10" in page
    from crm.activities import record

    record(lead.contact, "call_out", by=cast.sam)
    assert cards_on(see(cast.sam, SALES_BOARD + "?only=silent")) == []


def test_the_filter_form_works_as_page_and_as_popover(cast: Cast) -> None:
    client = signed_in(cast.mia)
    page = client.get(f"{MARKETING_BOARD}filters/?q=acme").content.decode()
    fragment = client.get(f"{MARKETING_BOARD}filters/", headers={"HX-Request": "true"}).content.decode()
    assert '<input type="hidden" name="q" value="acme">' in page
    assert "<html" in page and "<html" not in fragment


# --- Cards ----------------------------------------------------------------------------------------


def test_a_card_says_why_it_is_there(cast: Cast, explained: None) -> None:
    lead = a_lead()
    Standing.objects.filter(pk=lead.pk).update(score=84, rank=84, grade="B2")
    page = see(cast.mia, MARKETING_BOARD)
    for words in ("Ada Brömmel", "Marketing Manager", "Acme GmbH", "Webinar attended", "+20", "Fit B, engagement 2"):
        assert words in page
    assert re.search(r"<b>84</b>", page) and 'class="spark"' in page


def test_an_offered_card_shows_clock_and_answers_to_whom_it_is_offered(cast: Cast) -> None:
    lead = offered(cast)
    page = see(cast.sam, SALES_BOARD)
    assert " left" in page and f"/leads/{lead.pk}/moves/accept/" in page
    assert f"/leads/{lead.pk}/moves/accept/" not in see(cast.mia, SALES_BOARD)
    Handoff.objects.update(due_at=timezone.now() - timedelta(days=7))
    late = see(cast.sam, SALES_BOARD)
    assert "is-overdue" in late and " over</a>" in late and "1 late" in late


def test_a_card_that_came_back_names_reason_and_sender(cast: Cast) -> None:
    lead = offered(cast)
    why = reason("send_back")
    lifecycle.advance(lead, "send_back", by=cast.sam, reason=why, wake_on=next_month())
    page = see(cast.mia, MARKETING_BOARD)
    assert str(why) in page and "Sam Okafor" in page and "Wakes " in page


def test_a_missing_next_step_is_visible(cast: Cast) -> None:
    lead = accepted(cast)
    assert "Add next step" in see(cast.sam, SALES_BOARD)
    Lead.objects.filter(pk=lead.pk).update(next_step="Call", next_step_on=timezone.localdate() - timedelta(days=3))
    page = see(cast.sam, SALES_BOARD)
    assert "Call, 3 d late" in page and "Add next step" not in page


def test_names_are_shown_as_typed(cast: Cast) -> None:
    a_lead(ada(last_name="<script>alert(1)</script>"))
    page = see(cast.mia, MARKETING_BOARD)
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page


# --- What a page costs ----------------------------------------------------------------------------


def a_full_world(cast: Cast, each: int) -> None:
    """Put `each` leads into every lane of both boards."""
    people_ = [ada(email=f"w{n}@acme.example", phone="", last_name=f"W{n}") for n in range(each * 7)]
    groups = [people_[n * each : (n + 1) * each] for n in range(7)]
    for person in groups[0]:
        a_lead(person)
    for person in groups[1]:
        lifecycle.advance(a_lead(person), "nurture", by=cast.mia, wake_on=next_month())
    for person in groups[2]:
        an_mql(cast, contact=person)
    for person in groups[3]:
        offered(cast, contact=person)
    for person in groups[4]:
        lifecycle.advance(
            offered(cast, contact=person), "send_back", by=cast.sam, reason=reason("send_back"), wake_on=next_month()
        )
    for person in groups[5]:
        accepted(cast, contact=person)
    for person in groups[6]:
        qualified(cast, contact=person)


def queries(client: Client, address: str) -> int:
    """Return how many statements a page takes at its worst moment: whatever is remembered for a while is forgotten."""
    workdays.forget_zone()
    cache.clear()
    explain.legend.cache_clear()
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len([query for query in seen if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def test_a_page_costs_the_same_queries_for_one_card_and_for_many(cast: Cast, explained: None) -> None:
    pages = [(cast.mia, MARKETING_BOARD), (cast.mia, MARKETING_BOARD + "?q=acme&only=wakes")]
    pages += [(user, SALES_BOARD) for user in (cast.sam, cast.lena)]

    def asked() -> dict[tuple[str, str], int]:
        return {(user.name, address): queries(signed_in(user), address) for user, address in pages}

    a_full_world(cast, 1)
    few = asked()
    first = Lead.objects.count()
    more_people = [ada(email=f"m{n}@acme.example", phone="", last_name=f"M{n}") for n in range(30)]
    for person in more_people[:10]:
        accepted(cast, contact=person)
    for person in more_people[10:20]:
        offered(cast, contact=person)
    for person in more_people[20:]:
        a_lead(person)
    assert Lead.objects.count() == first + 30
    assert asked() == few
    assert max(few.values()) <= 12


def worst_addresses(colleague: User) -> list[str]:
    """Return the board as it comes, with everything unfolded, with each question, and with all filters at once."""
    unfolded = "open=won&open=lost"
    named = f"{unfolded}&q=acme&owner={colleague.pk}&source=website&grade=A&grade=D"
    return [
        "?",
        "?scope=team&sort=age",
        f"?{unfolded}&scope=all",
        f"?{unfolded}&q=acme",
        f"?{named}",
        *(f"?only={key}&q=acme" for key in ONLY),
    ]


def test_no_board_asks_more_than_twelve_questions_at_any_moment(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    a_full_world(cast, 1)
    for verb in ("win", "lose"):
        lead = qualified(cast, contact=ada(email=f"{verb}@acme.example", phone="", last_name=verb))
        closing = {"amount": 1000, "date": timezone.localdate()} if verb == "win" else {"reason": reason("lose")}
        lifecycle.advance(lead, verb, by=cast.sam, **closing)
    drain.drain()
    assert Score.objects.count() == Lead.objects.count()
    monkeypatch.setattr(sessions, "NOTED_EVERY", timedelta(0))  # the session is written too
    for user in (cast.mia, cast.sam, cast.lena, cast.ava):
        client, asked = signed_in(user), {}
        for board in (MARKETING, SALES):
            for address in worst_addresses(cast.lena if user != cast.lena else cast.mia) if board.admits(user) else ():
                asked[f"{board.url}{address}"] = queries(client, f"{board.url}{address}")
        assert {address: number for address, number in asked.items() if number > 12} == {}, user
        assert max(asked.values()) > 8, user  # the cards have their reasons, and nothing was remembered


# --- What others do -------------------------------------------------------------------------------


def test_news_tells_what_others_changed_since(cast: Cast) -> None:
    lead = offered(cast)
    client = signed_in(cast.mia)
    since = re.search(r'data-since="([^"]+)"', client.get(MARKETING_BOARD).content.decode())[1]
    quiet = client.get(f"{MARKETING_BOARD}news/", {"since": since}).json()
    assert quiet == {"since": since, "changes": [], "fresh": [], "scores": []}
    lifecycle.advance(lead, "accept", by=cast.sam)
    new = someone(5)
    news = client.get(f"{MARKETING_BOARD}news/", {"since": since}).json()
    change = {"lead": lead.pk, "version": 3, "lane": "", "words": "Moved to Accepted (SAL) by Sam Okafor"}
    assert (news["changes"], news["fresh"]) == ([change], [new.pk])
    assert client.get(f"{MARKETING_BOARD}news/", {"since": "x"}).json()["changes"] == []


def test_news_is_scoped(cast: Cast) -> None:
    offered(cast)
    news = signed_in(cast.rosa).get(f"{SALES_BOARD}news/", {"since": "0.0"}).json()
    assert (news["changes"], news["fresh"]) == ([], [])


def test_news_brings_a_new_score_with_its_reasons(cast: Cast, explained: None) -> None:
    lead, other = a_lead(), someone(1)
    Standing.objects.filter(pk__in=[lead.pk, other.pk]).update(score=70, grade="B3")
    client = signed_in(cast.mia)
    page = client.get(MARKETING_BOARD).content.decode()
    shown = ".".join(f"{pk}_{told}" for pk, told in re.findall(r'data-lead="(\d+)".*?data-scored="([^"]*)"', page))
    assert shown.count(".") == 1
    assert client.get(f"{MARKETING_BOARD}news/", {"shown": shown}).json()["scores"] == []
    Standing.objects.filter(pk=lead.pk).update(score=84, grade="B2")
    [score] = client.get(f"{MARKETING_BOARD}news/", {"shown": shown}).json()["scores"]
    assert (score["lead"], score["scored"]) == (lead.pk, "84_B2")
    for words in ("<b>84</b>", "Fit B, engagement 2", "Webinar attended", 'class="spark"', f"/leads/{lead.pk}/score/"):
        assert words in score["html"]


def test_news_tells_no_score_of_what_one_may_not_see(cast: Cast) -> None:
    lead = offered(cast)
    news = signed_in(cast.rosa).get(f"{SALES_BOARD}news/", {"shown": f"{lead.pk}_1_A1.x_2_B.9999999999999999999_1_A"})
    assert (news.status_code, news.json()["scores"]) == (200, [])


def test_scores_cost_the_same_for_one_card_and_for_many(cast: Cast, explained: None) -> None:
    client, leads = signed_in(cast.mia), ranked(12)
    Standing.objects.update(score=84, grade="B2")
    told = [f"{lead.pk}_1_D4" for lead in leads]
    address = f"{MARKETING_BOARD}news/?shown="
    assert queries(client, address + told[0]) == queries(client, address + ".".join(told)) <= 5


def test_asking_for_news_costs_little(cast: Cast) -> None:
    client = signed_in(cast.mia)
    since = client.get(f"{MARKETING_BOARD}news/", {"since": ""}).json()["since"]
    assert queries(client, f"{MARKETING_BOARD}news/?since={since}") <= 4
