"""Every report over all leads there are: server time of the whole page through the whole stack, and its queries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from statistics import median

from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.utils import timezone

from benchmarks import crowd
from benchmarks.boards import _person, _queries, _times
from benchmarks.figures import Figure, p95
from crm import bulk
from crm.models import Activity, Role, Team, User
from crm.workdays import day_of
from leads import campaigns, clock, feedback, milestones, spending
from leads.models import Feedback, Handoff, Lead, Reason, Source, StageChange
from leads.reports import registry
from leads.stages import Stage, Verb
from scoring import backtest, health
from scoring.models import BacktestRun

GOAL, RUNS = 0.3, 30
CHUNK = 5_000
DAYS = 900
LOG = (
    "lead_id", "seq", "verb", "from_stage", "to_stage", "at", "logged_at", "actor", "by_id", "reason_id", "handoff_id",
    "round", "score", "grade", "details", "before",
)  # fmt: skip
V = Verb
#: What becomes of a lead in a stage (offered ones stand in mql): verb, where to, in how many of a hundred cases,
#: after how many days at most.
NEXT: dict[str, tuple[tuple[str, str, int, int], ...]] = {
    "lead": (
        (V.QUALIFY_FOR_MARKETING, "mql", 50, 60), (V.NURTURE, "nurture", 8, 90), (V.DISQUALIFY, "disqualified", 7, 30),
    ),
    "mql": ((V.HAND_OFF, "offered", 85, 3), (V.DISQUALIFY, "disqualified", 5, 9)),
    "offered": ((V.ACCEPT, "sal", 72, 2), (V.SEND_BACK, "nurture", 20, 3), (V.DISQUALIFY, "disqualified", 4, 3)),
    "sal": ((V.QUALIFY_FOR_SALES, "sql", 55, 30), (V.LOSE, "lost", 15, 40), (V.SEND_BACK, "nurture", 15, 30)),
    "sql": ((V.WIN, "won", 40, 60), (V.LOSE, "lost", 40, 80)),
}  # fmt: skip


def figures(leads: int) -> Iterator[Figure]:
    """Fill a world of `leads` leads with twenty activities each and measure every report, as it opens and over all."""
    lena = _world(leads)
    import_module("crm.wsgi")  # as the server does: what is loaded is frozen
    start = timezone.now().date() - timedelta(days=DAYS + 1)
    for report in registry.of(lena):
        for words, query in (("as it opens", ""), (f"over {leads:,} leads", f"?start={start}")):
            yield from _figures(f"{report.key} {words}", f"/reports/{report.key}/{query}", lena)
    yield from _figures("cost by all touches alike, as it opens", "/reports/cost/?rule=linear", lena)
    yield from _figures(
        f"cost by all touches alike, over {leads:,} leads", f"/reports/cost/?rule=linear&start={start}", lena
    )


def _figures(name: str, address: str, user: User) -> Iterator[Figure]:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    client.get(address)
    queries = _queries(client, address)
    times, worked = _times(client, address, RUNS)
    value = p95(times)
    yield Figure(f"{name}, p95", value * 1000, "ms", value / GOAL, f"≤ {GOAL * 1000:.0f} ms", value <= GOAL)
    yield Figure(f"{name}, median", median(times) * 1000, "ms")
    # On a machine that others use too, the time on the clock tells of them; this tells of us (without PostgreSQL).
    yield Figure(f"{name}, CPU of the web process, p95", p95(worked) * 1000, "ms")
    yield Figure(f"{name}, queries", queries, "")


# --- The world ------------------------------------------------------------------------------------


@dataclass
class Life:
    """One lead on its way: where it is, since when, and what it has been through."""

    pk: int
    at: datetime
    place: str = "lead"
    version: int = 0
    handoff: int | None = None
    seller: User | None = None

    @property
    def stage(self) -> str:
        return "mql" if self.place == "offered" else self.place


def _world(count: int) -> User:
    dice = random.Random(7)
    crowd.fill(count)
    teams = [Team.objects.create(name=f"Team {number}") for number in range(4)]
    sellers = [_person(f"rep{number}", Role.SALES_REP, teams[number % 4]) for number in range(20)]
    lena = _person("lena", Role.SALES_LEAD, teams[0])
    reasons = dict(Reason.objects.values_list("kind", "pk"))
    sources = list(Source.objects.values_list("pk", flat=True))
    for start in range(1, count + 1, CHUNK):
        with transaction.atomic():
            _lives(range(start, min(start + CHUNK, count + 1)), sources, sellers, reasons, dice)
        _tidy()
    _spend(dice)
    _touches()
    _feedback(dice)
    _look_back()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE")
    return lena


def _tidy() -> None:
    """Do what autovacuum does in the months that five thousand leads live here within seconds.

    Without it PostgreSQL keeps asking as it does of empty tables, and each lead leaves six dead rows in its place.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE) leads_lead, leads_stagechange, leads_handoff")
        else:
            cursor.execute("ANALYZE leads_stagechange")


def _lives(numbers: range, sources: list, sellers: list, reasons: dict, dice: random.Random) -> None:
    now = timezone.now()
    lives = [Life(pk, now - timedelta(days=DAYS * dice.random())) for pk in numbers]
    entered = [(life.at, life.at, dice.choice(sources), True, life.pk) for life in lives]
    bulk.update_values(Lead, ("entered_at", "stage_since", "source_id", "round_open"), entered)
    moving = lives
    while moving:
        steps = [(life, step) for life in moving if (step := _step(life, now, dice))]
        _move(steps, sellers, reasons, dice, now)
        moving = [life for life, _step in steps if life.place in NEXT]
    _owners(lives)
    _calls([life for life in lives if life.seller], dice)
    _visits(lives, dice)
    milestones.keep(numbers)


def _step(life: Life, now: datetime, dice: random.Random) -> tuple[str, str, datetime] | None:
    """Return (verb, where to, when) of what becomes of a lead next, None where it stays or that is not yet."""
    roll = dice.randrange(100)
    for verb, place, share, most in NEXT[life.place]:
        if roll < share:
            at = life.at + timedelta(days=most * dice.random() ** 2)
            return (verb, place, at) if at < now else None
        roll -= share
    return None


def _move(steps: list, sellers: list, reasons: dict, dice: random.Random, now: datetime) -> None:
    Lead.objects.filter(pk__in=[life.pk for life, _step in steps]).update(version=F("version") + 1)
    _offer([(life, at) for life, (verb, _place, at) in steps if verb == V.HAND_OFF], sellers, dice)
    closed = {V.ACCEPT: "accepted", V.SEND_BACK: "sent_back", V.DISQUALIFY: "disqualified"}
    answers = [
        (at, closed[verb], life.seller.pk, dice.randrange(100_000), life.handoff)
        for life, (verb, _place, at) in steps
        if life.place == "offered" and life.seller
    ]
    bulk.update_values(Handoff, ("closed_at", "outcome", "closed_by_id", "took"), answers)
    rows = []
    for life, (verb, place, at) in steps:
        came, life.version = life.stage, life.version + 1
        concerned = life.handoff if life.place in {"mql", "offered"} else None
        life.place, life.at = place, at
        score = max(0, min(140, round(dice.gauss(62, 24)))) if verb == V.QUALIFY_FOR_MARKETING else None
        by = life.seller.pk if life.seller else None
        rows.append((
            life.pk, life.version, str(verb), came, life.stage, at, now, "person" if by else "system", by,
            reasons.get(str(verb)), concerned, 1, score, "", {}, {},
        ))  # fmt: skip
    bulk.insert_values(StageChange, LOG, rows)
    bulk.update_values(
        Lead, ("stage", "stage_since"), [(life.stage, life.at, life.pk) for life, _step in steps]
    )  # fmt: skip


def _offer(offers: list, sellers: list, dice: random.Random) -> None:
    made = []
    for life, at in offers:
        life.seller = dice.choice(sellers)
        started = clock.started(life.seller.team, life.seller, "", at) | {"way": []}
        made.append(
            Handoff(
                lead_id=life.pk, round=1, offered_at=at, assignee=life.seller, team=life.seller.team, told_at=at,
                packet={"score": 60, "reasons": [["White paper", 10]] * 4, "touches": []}, **started,
            )
        )  # fmt: skip
    for (life, _at), handoff in zip(offers, bulk.insert(made), strict=True):
        life.handoff = handoff.pk


def _owners(lives: list) -> None:
    rows = [(life.seller.pk, life.seller.team_id, life.pk) for life in lives if life.seller]
    bulk.update_values(Lead, ("owner_id", "team_id"), rows)
    amount = Decimal(12_000)
    Lead.objects.filter(pk__in=[life.pk for life in lives if life.place == Stage.WON]).update(amount=amount)


def _calls(lives: list, dice: random.Random) -> None:
    Activity.objects.bulk_create(
        Activity(
            contact_id=life.pk, kind_id=dice.choice(("call_out", "meeting", "email_delivered")), feed="bench", day=0,
            message_id=f"{life.pk}-{place}", occurred_at=life.at - timedelta(hours=place), by=life.seller,
        )
        for life in lives for place in range(dice.randrange(8))
    )  # fmt: skip


def _visits(lives: list, dice: random.Random) -> None:
    """Let three of ten come by links that name a campaign, twice on average."""
    Activity.objects.bulk_create(
        Activity(
            contact_id=life.pk, kind_id="page_view", feed="links", day=day_of(life.at.date()), occurred_at=life.at,
            message_id=f"{life.pk}-{place}", properties={"utm": {"campaign": f"k{dice.randrange(24)}"}},
        )
        for life in lives if dice.random() < 0.3 for place in range(1 + dice.randrange(3))
    )  # fmt: skip


def _spend(dice: random.Random) -> None:
    first = timezone.now().date() - timedelta(days=DAYS)
    for number in range(20):
        campaign = campaigns.create({"name": f"Campaign {number}", "channel": "ads"}, by=None, key=f"k{number}")
        for month in range(DAYS // 30):
            day: date = first + timedelta(days=30 * month)
            told = {
                "amount": Decimal(dice.randrange(500, 9_000)),
                "starts_on": day,
                "ends_on": day + timedelta(days=29),
            }
            spending.book(told | {"campaign_id": campaign.pk}, by=None)


def _touches() -> None:
    """Let three of five leads have come by a campaign, as their first touch and their last."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_touch (lead_id, place, activity_id, at, source, medium, campaign, term, content,"
            " referrer, landing_page) SELECT l.id, p.place, a.id, l.entered_at, 'x', 'cpc', 'k' || (l.id % 20),"
            " '', '', '', ''"
            " FROM leads_lead l JOIN (SELECT contact_id, min(id) AS id FROM crm_activity GROUP BY contact_id) a"
            " ON a.contact_id = l.contact_id CROSS JOIN (SELECT 'first' AS place UNION SELECT 'last') p"
            " WHERE l.id % 5 < 3"
        )


def _feedback(dice: random.Random) -> None:
    """Let sales judge three of ten of the handoffs it has answered."""
    answered = Handoff.objects.filter(outcome__in=feedback.ANSWERED).order_by("pk")
    bulk.insert(
        [
            Feedback(
                handoff_id=pk, by_id=by, verdict=dice.choice(Feedback.Verdict.values),
                given_at=at + timedelta(days=5 * dice.random()),
            )
            for pk, by, at in answered.values_list("pk", "closed_by_id", "closed_at") if dice.random() < 0.3
        ]
    )  # fmt: skip


def _look_back() -> None:
    """Back-test the version in force, so that its criteria have something to answer for."""
    version = health.in_force()
    assert version is not None
    run = backtest.ask(version, by=None)
    while not backtest.carry_on(600):
        pass
    run.refresh_from_db()
    assert run.state == BacktestRun.State.DONE, run.error
