"""The stories of the demo world: what people did, and what marketing and sales made of it.

A story is told forward in days; `Tale.dated` then lays it onto the calendar so that it ends when it should,
with colleagues at work on working days only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from leads.stages import Verb

PRODUCTS = ("Compact chiller K4", "Retrofit kit R290", "Remote monitoring", "Heat recovery unit", "Service contract")
WHITE_PAPERS = (
    "Cold chains without blind spots", "Checklist for hall retrofits", "Subsidies for efficient cooling",
    "Refrigerants after 2027", "Heat recovery in ten examples",
)  # fmt: skip
WEBINARS = ("Retrofit in running operation", "What the F-gas rules change", "Planning the energy audit")
CASES = ("How a dairy saved a third of its power", "A freezer hall renewed in nine nights", "Cooling a clinic quietly")
NEWSLETTERS = (
    "Refrigerants after 2027", "Three halls, three ways", "What we saw at the fair", "New subsidies at a glance",
    "Summer: keep your hall below six degrees", "How loud may a compressor be?", "Your questions from the webinar",
    "A dairy counts its kilowatt hours", "Night shift: a retrofit in pictures", "Spare parts before the holidays",
)  # fmt: skip
PAGES = (
    ("/", "Home page"), ("/company/", "Company"), ("/references/", "References"), ("/service/", "Service"),
    ("/blog/f-gas/", "F-gas, explained"), ("/blog/heat-recovery/", "Heat that you paid for"), ("/contact/", "Contact"),
    ("/guides/audit/", "Guide to the energy audit"),
)  # fmt: skip
NOTES = (
    "Prefers to be called before ten.", "Met at the fair last year, knows Jana.",
    "Second site in Poland, ask about it.", "Has two boys in the football club, sponsors the pitch.",
    "Purchasing closes on 15 December.", "Their present supplier is late with spare parts.",
    "Wants everything by e-mail, no calls.",
)  # fmt: skip
FAIRS = ("Chillventa", "Hannover Messe", "Logistics Forum", "IFFA")
QUESTIONS = (
    "Can the old evaporators stay in place during the change?", "How long does the hall stand still?",
    "Which subsidies can be combined?", "Do you also take over the service of existing plants?",
    "What does the retrofit cost for about 1,200 square metres?", "Wie schnell ist ein Techniker vor Ort?",
    "Lässt sich die Abwärme für die Waschanlage nutzen?", "Is the monitoring possible without a cloud?",
)  # fmt: skip
DEMO_WISHES = (
    "Please show us the monitoring with two sites.", "We plan a new freezer hall for next spring.",
    "Bitte ein Termin in den nächsten zwei Wochen, vormittags.", "We compare three suppliers and decide this quarter.",
    "Our old plant runs on R404A; what would you do?",
)  # fmt: skip
CALL_NOTES = (
    "Nobody there, will try again tomorrow.", "Reached the assistant; call back on Thursday before ten.",
    "Long talk about hall 2, evaporators from 1998. Wants a rough price first.",
    "The new hall opens in May, cooling has to run by then.", "Compares us with two others, service matters most.",
    "Ruft nach der Vorstandssitzung zurück.", "Asked for a reference in the same trade.",
    "Very interested in heat recovery, knows the subsidy rules well.",
)  # fmt: skip
OFFER_NOTES = (
    "Asks about retrofit of hall 2, call before Friday.", "Came through the webinar, asked two good questions.",
    "Wants figures on power savings, technical person.", "Has a budget for next year, knows our competitor's offer.",
    "Bitte auf Deutsch anrufen.", "Three colleagues of the same company read along.", "",
)  # fmt: skip
EVIDENCE: dict[str, tuple[str, ...]] = {
    "budget": (
        "€48,000 in the plan for next year.", "Board released 120,000 for the hall.",
        "Frame of about 30,000, says the head of finance.", "Subsidy approved, own share is there.",
    ),
    "authority": (
        "Signs up to 40,000 alone, above that with the managing director.", "Decides together with the plant manager.",
        "Managing director sat in the call.", "Purchasing signs, she proposes.",
    ),
    "need": (
        "Retrofit of hall 2, evaporators from 1998.", "Two failures last summer, goods lost.",
        "R404A must go by the audit.", "New freezer hall, 1,200 square metres.",
    ),
    "timing": (
        "Running before May.", "Decision this quarter.", "Starts with the works holidays.",
        "Order by year's end because of the subsidy.",
    ),
}  # fmt: skip
NEXT_STEPS = (
    "Call",
    "Send the offer",
    "Visit on site",
    "Send a reference",
    "Ask for the hall plan",
    "Demo of the monitoring",
)
CAMPAIGNS = ("Retrofit", "Kühlkette ohne Lücken", "Subsidy guide", "Partner Kühlforum", "")

# first touch → source of the lead
SOURCES = {
    "newsletter_signup": "newsletter", "white_paper": "content", "webinar_registered": "webinar",
    "fair_talk": "trade_fair", "contact_form": "contact_form", "demo_request": "demo_request", "call_in": "call_in",
    "event_registered": "event",
}  # fmt: skip
OTHER_SOURCES = (
    "organic_search", "paid_search", "social", "partner", "review_platform", "direct", "display", "influencer",
    "purchased_list", "street", "landing_page",
)  # fmt: skip
AT_WORK = {"note", "call_out", "email_out"}


@dataclass
class Touch:
    """Something the contact did, or that was done with them."""

    kind: str
    properties: dict[str, Any]
    by: str = ""
    source: str = ""


@dataclass
class Step:
    """One move of the lead: the verb, who made it ('' = the system) and what it brought along."""

    verb: str
    by: str = ""
    brings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Found:
    """One finding of the qualification checklist."""

    topic: str
    status: str
    evidence: str
    by: str


@dataclass
class Opened:
    """A new episode begins."""

    source: str
    detail: str
    owner: str = ""


Event = Touch | Step | Found | Opened


@dataclass
class Tale:
    """One person's story as it is told."""

    dice: Random
    marketer: str
    rep: str
    team: str
    size: int
    events: list[tuple[float, Event]] = field(default_factory=list)
    day: float = 0.0
    ended: float = 1.0
    heat: float = 1.0
    next_step: str = ""
    referred: bool = False
    objection: str | None = None
    hidden: bool = False

    def wait(self, least: float, most: float) -> Tale:
        """Let days pass."""
        self.day += self.dice.uniform(least, most)
        return self

    def tell(self, event: Event) -> Tale:
        self.events.append((self.day, event))
        return self

    def touch(self, kind: str, *, by: str = "", **properties: Any) -> Tale:
        """The contact does something (or a colleague does something with them)."""
        return self.tell(Touch(kind, properties, by))

    def enter(self, source: str = "", *, owner: bool = True) -> Tale:
        """The lead is opened; without `source` by what the contact just did."""
        kinds = [event.kind for _day, event in self.events if isinstance(event, Touch)]
        source = source or SOURCES.get(kinds[-1] if kinds else "", "direct")
        return self.tell(Opened(source, self.dice.choice(CAMPAIGNS), self.marketer if owner else ""))

    def move(self, verb: str, by: str = "", **brings: Any) -> Tale:
        return self.tell(Step(verb, by, brings))

    def find(self, topic: str, status: str = "confirmed") -> Tale:
        """Sales learns something about one topic of the checklist."""
        return self.tell(Found(topic, status, self.dice.choice(EVIDENCE[topic]), self.rep))

    def dated(self, now: datetime, zone: ZoneInfo) -> list[tuple[datetime, Event]]:
        """Return the events with their instants: the last lies at least `ended` days before `now`."""
        latest = now - timedelta(days=self.ended)
        if _is_work(self.events[-1][1]):
            latest = _back_at_work(latest, zone)
        start = latest - timedelta(days=self.day)
        for _try in range(8):
            dated = self._from(start, zone)
            late = dated[-1][0] - latest
            if late <= timedelta():
                break
            start -= late + timedelta(minutes=5)
        return dated

    def _from(self, start: datetime, zone: ZoneInfo) -> list[tuple[datetime, Event]]:
        dated: list[tuple[datetime, Event]] = []
        for day, event in self.events:
            at = start + timedelta(days=day)
            working = _is_work(event)
            at = _at_work(at, zone) if working else _awake(at, zone)
            if dated and at <= dated[-1][0]:
                at = dated[-1][0] + timedelta(minutes=2 if isinstance(event, Found) else 11)
            dated.append((at.replace(second=0, microsecond=0) if working else at.replace(microsecond=0), event))
        return dated


def _is_work(event: Event) -> bool:
    return isinstance(event, (Step, Found)) or (isinstance(event, Touch) and event.kind in AT_WORK)


def _back_at_work(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the last instant of office hours up to `at`."""
    local = at.astimezone(zone)
    if local.weekday() < 5 and 8 <= local.hour < 18:
        return local
    back = 0 if local.weekday() < 5 and local.hour >= 18 else {0: 3, 6: 2}.get(local.weekday(), 1)
    return datetime.combine(local.date() - timedelta(days=back), time(14 + local.minute % 4, local.minute), zone)


def _at_work(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant of office hours from `at` on."""
    local = at.astimezone(zone)
    if local.weekday() >= 5 or local.hour >= 18:
        ahead = {4: 3, 5: 2}.get(local.weekday(), 1)
        local = datetime.combine(local.date() + timedelta(days=ahead), time(8 + local.minute % 3, local.minute), zone)
    elif local.hour < 8:
        local = local.replace(hour=8 + local.minute % 3)
    return local


def by_daylight(at: datetime, zone: ZoneInfo) -> datetime:
    """Return `at`, moved into the waking hours of its day; office hours are the likelier ones."""
    local = at.astimezone(zone)
    return local.replace(hour=(7 + local.hour // 2 if local.minute < 48 else 7 + local.hour * 16 // 24))


def _awake(at: datetime, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return local if local.hour >= 6 else local.replace(hour=8 + local.hour)


def in_days(days: int) -> Callable[[date], date]:
    """Return what turns the day of a move into a date `days` later."""
    return lambda day: day + timedelta(days=days)


# --- What people do -------------------------------------------------------------------------------


def first_contact(tale: Tale, *, owner: bool = True) -> Tale:
    """Somebody becomes known, in one of the usual ways."""
    kind = tale.dice.choices(
        ("newsletter_signup", "white_paper", "webinar_registered", "fair_talk", "contact_form", "call_in", "page_view"),
        (24, 26, 14, 12, 6, 4, 14),
    )[0]
    touch(tale, kind)
    return tale.enter("" if kind in SOURCES else tale.dice.choice(OTHER_SOURCES), owner=owner)


def touch(tale: Tale, kind: str) -> Tale:
    """One activity of `kind` with what usually comes along."""
    pick = tale.dice.choice
    paths = {"product_view": "/products/", "pricing_view": "/pricing/", "careers_view": "/careers/"}
    properties: dict[str, Any] = {}
    if kind == "page_view":
        path, title = pick(PAGES)
        properties = {"path": path, "title": title, "seconds": tale.dice.randint(10, 180)}
    elif kind in paths:
        properties = {"path": paths[kind], "seconds": tale.dice.randint(15, 240)}
        if kind == "product_view":
            properties["title"] = pick(PRODUCTS)
    elif kind in {"white_paper", "case_study", "price_list"}:
        titles = {"white_paper": WHITE_PAPERS, "case_study": CASES, "price_list": ("Price list",)}[kind]
        properties = {"title": pick(titles), "asset_type": kind, "path": "/library/"}
    elif kind.startswith("webinar"):
        properties = {"title": pick(WEBINARS)}
        if kind == "webinar_attended":
            properties |= {"minutes": tale.dice.randint(22, 60), "of_minutes": 60}
    elif kind.startswith("email"):
        properties = {"subject": pick(NEWSLETTERS), "mailing": f"newsletter-{tale.dice.randint(1, 12)}"}
    elif kind.startswith(("fair", "event")):
        properties = {"title": pick(FAIRS), "staff": tale.marketer.title()}
    elif kind in {"question", "contact_form", "demo_request"}:
        properties = {"text": pick(DEMO_WISHES if kind == "demo_request" else QUESTIONS)}
    elif kind.startswith("call"):
        properties = {"text": pick(CALL_NOTES), "minutes": tale.dice.randint(1, 24)}
    elif kind.startswith("social"):
        properties = {"network": "LinkedIn"}
    elif kind == "video_view":
        properties = {"title": "Nine nights, one hall", "seconds": tale.dice.randint(40, 300)}
    return tale.touch(kind, **properties)


def reads_a_little(tale: Tale) -> Tale:
    for _ in range(tale.dice.randint(0, 2)):
        touch(
            tale.wait(2, 12),
            tale.dice.choice(("email_clicked", "page_view", "product_view", "social_like", "video_view")),
        )
    return tale


def gets_interested(tale: Tale) -> Tale:
    """White papers, a webinar, a look at the prices: the way to the bar."""
    touch(tale.wait(2, 16), "white_paper")
    if tale.dice.random() < 0.5:
        touch(tale.wait(2, 10), "product_view")
    touch(tale.wait(2, 14), "webinar_registered")
    touch(tale.wait(2, 9), "webinar_attended")
    if tale.dice.random() < 0.6:
        touch(tale.wait(0.02, 0.1), "question")
    touch(tale.wait(1, 9), "white_paper")
    for _ in range(tale.dice.randint(1, 3)):
        touch(tale.wait(0.3, 4), "pricing_view")
    if tale.dice.random() < 0.35:
        touch(tale.wait(0.2, 3), tale.dice.choice(("price_list", "case_study")))
    if tale.dice.random() < 0.3:
        touch(tale.wait(0.2, 3), "demo_request")
    return tale


def becomes_mql(tale: Tale) -> Tale:
    """Interest reaches the bar and the lead is ready for sales."""
    gets_interested(tale)
    if tale.dice.random() < 0.75:
        return tale.wait(0.01, 0.04).move(Verb.QUALIFY_FOR_MARKETING)
    return tale.wait(0.3, 2).move(
        Verb.QUALIFY_FOR_MARKETING,
        tale.marketer,
        reason=tale.dice.choice(("known_need", "target_account", "asked_for_contact")),
    )


def is_offered(tale: Tale, *, to_team: bool = False) -> Tale:
    brings = {"team": tale.team} if to_team else {"assignee": tale.rep}
    return tale.wait(0.1, 2.5).move(Verb.HAND_OFF, tale.marketer, note=tale.dice.choice(OFFER_NOTES), **brings)


def is_accepted(tale: Tale) -> Tale:
    is_offered(tale, to_team=tale.dice.random() < 0.15)
    touch(tale.wait(0.03, 0.3), "pricing_view")
    return tale.wait(0.02, 1.1).move(Verb.ACCEPT, tale.rep)


def is_called(tale: Tale, calls: int = 1) -> Tale:
    for _ in range(calls):
        tale.wait(0.2, 4).touch(
            "call_out", by=tale.rep, text=tale.dice.choice(CALL_NOTES), minutes=tale.dice.randint(1, 26)
        )
        if tale.dice.random() < 0.5:
            subject = tale.dice.choice(("Your questions about retrofit", "Our talk today", "Hall 2: next steps"))
            tale.wait(0.05, 1).touch("email_out", by=tale.rep, subject=subject)
            tale.wait(0.1, 1.5).touch(
                tale.dice.choice(("email_opened", "email_opened", "email_replied")), subject=subject
            )
        if tale.dice.random() < 0.3:
            tale.wait(0.01, 0.3).touch("note", by=tale.rep, text=tale.dice.choice(NOTES))
    return tale


def is_qualified(tale: Tale) -> Tale:
    is_called(tale, 2)
    topics = tale.dice.sample(list(EVIDENCE), 3 if tale.dice.random() < 0.6 else 4)
    for topic in topics:
        tale.wait(0.005, 0.6).find(topic)
    return tale.wait(0.05, 2).move(Verb.QUALIFY_FOR_SALES, tale.rep)


def amount(tale: Tale) -> int:
    """Return a price in euros that suits the company's size."""
    return int(tale.dice.lognormvariate(10.1, 0.7) * (1.5 if tale.size > 400 else 0.8) / 100) * 100


# --- How it goes: one function per plot -----------------------------------------------------------


def fresh(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.2, 24), 0.4
    reads_a_little(first_contact(tale, owner=tale.dice.random() < 0.4))


def warm(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.3, 30), 0.9
    first_contact(tale, owner=tale.dice.random() < 0.6)
    touch(tale.wait(3, 15), "white_paper")
    reads_a_little(tale)
    if tale.dice.random() < 0.5:
        touch(tale.wait(2, 12), "webinar_registered")


def unreachable(tale: Tale) -> None:
    tale.ended, tale.heat, tale.hidden = tale.dice.uniform(3, 30), 0.2, True
    touch(tale, "fair_talk").enter()


def objecting(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(4, 40), 0.5
    reads_a_little(first_contact(tale))
    tale.objection = tale.dice.choice(("", "email", "phone"))


def ready(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.05, 4), 1.4
    becomes_mql(first_contact(tale))


def withdrawn(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.2, 3), 1.3
    is_offered(becomes_mql(first_contact(tale)))
    tale.wait(0.1, 0.4).move(Verb.WITHDRAW, tale.marketer, note="Wrong territory, I offer it anew.")


def offered(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.02, 0.3), 1.6
    is_offered(becomes_mql(first_contact(tale)), to_team=tale.dice.random() < 0.3)


def overdue(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(4.2, 6.5), 1.5
    is_offered(becomes_mql(first_contact(tale)))


def sent_back(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.3, 25), 1.1
    if tale.dice.random() < 0.5:
        is_called(is_accepted(becomes_mql(first_contact(tale))), 2)
        tale.find("budget", tale.dice.choice(("stated", "ruled_out")))
    else:
        is_offered(becomes_mql(first_contact(tale))).wait(0.1, 0.8)
    reason = tale.dice.choice(
        ("too_early", "no_budget_this_year", "not_reached", "wrong_person", "no_interest_now", "data_incomplete")
    )
    tale.wait(0.3, 3).move(
        Verb.SEND_BACK, tale.rep, reason=reason, wake_on=in_days(int(tale.ended) + tale.dice.randint(5, 90))
    )


def nurtured(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(2, 90), 0.7
    reads_a_little(first_contact(tale))
    touch(tale.wait(2, 9), "white_paper")
    tale.wait(3, 20).move(Verb.NURTURE, tale.marketer, wake_on=in_days(int(tale.ended) + tale.dice.randint(3, 120)))


def woken(tale: Tale) -> None:
    """Sent back once, then the wake-up date came; the second round is open."""
    tale.ended, tale.heat = tale.dice.uniform(1, 20), 1.0
    _returns_after_a_pause(tale)
    reads_a_little(tale)


def ready_again(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.2, 5), 1.5
    _returns_after_a_pause(tale)
    becomes_mql(tale)


def _returns_after_a_pause(tale: Tale) -> None:
    pause = tale.dice.randint(30, 60)
    is_offered(becomes_mql(first_contact(tale))).wait(0.3, 2)
    tale.move(Verb.SEND_BACK, tale.rep, reason="too_early", wake_on=in_days(pause))
    tale.wait(pause + 3, pause + 4).move(Verb.WAKE)


def worked_example(tale: Tale) -> None:
    """The marketing manager of a mid-size company: newsletter, three white papers, a webinar, and she is an MQL."""
    tale.ended, tale.heat = 0.3, 1.0
    touch(tale, "newsletter_signup").enter()
    for title in WHITE_PAPERS[:3]:
        tale.wait(6, 9).touch("white_paper", title=title, asset_type="white_paper", path="/library/")
    tale.wait(2, 3).touch("webinar_registered", title=WEBINARS[0])
    tale.wait(4, 5).touch("webinar_attended", title=WEBINARS[0], minutes=52, of_minutes=60)
    tale.wait(0.02, 0.03).move(Verb.QUALIFY_FOR_MARKETING)


def hand_raised(tale: Tale) -> None:
    """Somebody who asks for a demo is an MQL whatever the sum says."""
    tale.ended, tale.heat = tale.dice.uniform(0.05, 1.2), 1.3
    first_contact(tale)
    for _ in range(2):
        touch(tale.wait(3, 14), "white_paper")
    touch(tale.wait(1, 4), "pricing_view")
    touch(tale.wait(0.05, 0.4), "demo_request")
    tale.wait(0.005, 0.01).move(Verb.QUALIFY_FOR_MARKETING)


def accepted(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.1, 14), 1.5
    is_called(is_accepted(becomes_mql(first_contact(tale))), tale.dice.randint(0, 2))
    for topic in tale.dice.sample(list(EVIDENCE), tale.dice.randint(0, 2)):
        tale.wait(0.005, 0.4).find(topic, tale.dice.choice(("confirmed", "confirmed", "stated")))
    if tale.dice.random() < 0.75:
        tale.next_step = tale.dice.choice(NEXT_STEPS)


def qualified(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.2, 18), 1.7
    is_qualified(is_accepted(becomes_mql(first_contact(tale))))
    touch(tale.wait(0.5, 5), "pricing_view")
    is_called(tale, tale.dice.randint(0, 2))
    tale.next_step = tale.dice.choice(NEXT_STEPS) if tale.dice.random() < 0.85 else ""


def won(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.choice((tale.dice.uniform(0.5, 28), tale.dice.uniform(20, 260))), 1.6
    is_called(is_qualified(is_accepted(becomes_mql(first_contact(tale)))), 2)
    tale.wait(3, 30).move(Verb.WIN, tale.rep, amount=amount(tale), date=in_days(0))


def referred(tale: Tale) -> None:
    """Somebody a customer sent to us."""
    tale.ended, tale.heat, tale.referred = tale.dice.uniform(0.5, 10), 1.2, True
    touch(tale, "call_in").enter("referral")
    if tale.dice.random() < 0.6:
        touch(tale.wait(0.3, 3), "demo_request")
        tale.wait(0.01, 0.3).move(Verb.QUALIFY_FOR_MARKETING, tale.marketer, reason="asked_for_contact")
        is_offered(tale).wait(0.05, 0.5).move(Verb.ACCEPT, tale.rep)
        tale.find("need")
        tale.next_step = "Call"


def won_and_back(tale: Tale) -> None:
    """A customer who comes back for more: the next episode."""
    won(tale)
    tale.ended = tale.dice.uniform(0.3, 8)
    touch(tale.wait(40, 90), "contact_form").enter("contact_form")
    touch(tale.wait(0.5, 4), "pricing_view")


def lost(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.choice((tale.dice.uniform(0.5, 28), tale.dice.uniform(20, 230))), 1.3
    is_called(is_accepted(becomes_mql(first_contact(tale))))
    if tale.dice.random() < 0.6:
        is_qualified(tale)
    reason = tale.dice.choice(("competitor", "no_budget", "no_decision", "no_fit", "unreachable"))
    tale.wait(2, 20).move(Verb.LOSE, tale.rep, reason=reason)


def lost_and_back(tale: Tale) -> None:
    lost(tale)
    tale.ended = tale.dice.uniform(0.3, 12)
    touch(tale.wait(50, 120), "white_paper").enter("content")
    becomes_mql(tale)


def disqualified(tale: Tale) -> None:
    tale.ended, tale.heat = tale.dice.uniform(0.5, 160), 0.3
    reads_a_little(first_contact(tale))
    reason = tale.dice.choice(("junk", "student", "competitor", "no_fit"))
    tale.wait(0.5, 6).move(Verb.DISQUALIFY, tale.marketer, reason=reason)


Plot = Callable[[Tale], None]
# plot, how often among a hundred
PLOTS: tuple[tuple[Plot, int], ...] = (
    (fresh, 17), (warm, 13), (unreachable, 2), (objecting, 2), (ready, 7), (withdrawn, 1), (offered, 5), (overdue, 2),
    (sent_back, 5), (nurtured, 7), (woken, 2), (ready_again, 2), (accepted, 7), (qualified, 7), (won, 5), (referred, 2),
    (won_and_back, 1), (lost, 4), (lost_and_back, 1), (disqualified, 6),
)  # fmt: skip
BY_NAME: dict[str, Plot] = {plot.__name__: plot for plot, _often in PLOTS} | {
    "worked_example": worked_example, "hand_raised": hand_raised,
}  # fmt: skip
TWICE = frozenset({won_and_back, lost_and_back})


def programme(dice: Random) -> Sequence[Plot]:
    """Return a hundred plots in random order; the world tells them again and again."""
    plots = [plot for plot, often in PLOTS for _ in range(often)]
    dice.shuffle(plots)
    return plots
