"""The scorecard that Baton ships as version 1: the numbers of the source documents, signed "shipped".

10 for a white paper, 20 for a webinar; docs/scoring.md tells why the bars stand where they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop as shipped

from crm.models import Contact
from scoring import pointer, publishing
from scoring.models import Criterion, CriterionGroup, Dimension, PublishRun, Scorecard, ScorecardVersion, Signature

KEY = "main"
Kind = Criterion.Kind
State = ScorecardVersion.State

# key, label, dimension, minimum, maximum
GROUPS: tuple[tuple[str, str, str, int, int], ...] = (
    ("role", shipped("Role"), Dimension.FIT, -40, 40),
    ("company", shipped("Company"), Dimension.FIT, -20, 60),
    ("content", shipped("Content and events"), Dimension.ENGAGEMENT, 0, 70),
    ("website", shipped("Website and mail"), Dimension.ENGAGEMENT, 0, 40),
    ("direct", shipped("Talks and requests"), Dimension.ENGAGEMENT, 0, 60),
    ("against", shipped("Signals against"), Dimension.ENGAGEMENT, -40, 0),
)
INDUSTRIES = [
    "Mechanical engineering", "Machinery", "Maschinenbau", "Automotive", "Automobilindustrie", "Logistics", "Logistik",
    "Manufacturing", "Industrial manufacturing", "Chemicals", "Chemie", "Energy", "Energie", "Software",
    "IT services", "Information technology", "Electronics", "Elektrotechnik", "Medical technology", "Medizintechnik",
    "Refrigeration machinery", "Food", "Lebensmittel", "Construction", "Bau",
]  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """One shipped criterion."""

    key: str
    label: str
    group: str
    points: int
    details: dict[str, Any] = field(default_factory=dict)


def _fact(key: str, label: str, group: str, points: int, fact: str, operator: str, value: Any = None) -> Ask:
    kind = Kind.MISSING if operator == "is_missing" else Kind.PROFILE
    return Ask(key, label, group, points, {"kind": kind, "fact": fact, "operator": operator, "value": value})


def _did(key: str, label: str, group: str, points: int, activity: str, **details: Any) -> Ask:
    return Ask(key, label, group, points, {"kind": Kind.ENGAGEMENT, "activity_kind_id": activity} | details)


FIT: tuple[Ask, ...] = (
    _fact("top", shipped("Decides: C-level, vice president or director"), "role", 25, "seniority", "in",
          ["c_level", "vp", "director"]),
    _fact("head", shipped("Leads a department"), "role", 20, "seniority", "is", "head"),
    _fact("manager", shipped("Manager"), "role", 15, "seniority", "is", "manager"),
    _fact("student", shipped("Student or trainee"), "role", -30, "seniority", "is", "student"),
    _fact("function", shipped("Works in marketing, sales or general management"), "role", 10, "function", "in",
          ["marketing", "sales", "management"]),
    _fact("title_missing", shipped("Job title is missing"), "role", 0, "job_title", "is_missing"),
    _fact("free_mail", shipped("Uses a free e-mail provider"), "role", -8, "free_mail", "is", True),
    _fact("mid_size", shipped("Mid-size company, 50 to 999 people"), "company", 20, "employees", "between", [50, 999]),
    _fact("large", shipped("Large company, 1,000 people and more"), "company", 15, "employees", "at_least", 1000),
    _fact("micro", shipped("Company of fewer than 10 people"), "company", -10, "employees", "at_most", 9),
    _fact("size_missing", shipped("Company size is missing"), "company", 0, "employees", "is_missing"),
    _fact("industry", shipped("Industry we serve"), "company", 15, "industry", "in", INDUSTRIES),
    _fact("industry_missing", shipped("Industry is missing"), "company", 0, "industry", "is_missing"),
    _fact("dach", shipped("Country is Germany, Austria or Switzerland"), "company", 10, "country", "in",
          ["DE", "AT", "CH"]),
    _fact("low_trust", shipped("Came from a source of low trust"), "company", -15, "low_trust", "is", True),
)  # fmt: skip
ENGAGEMENT: tuple[Ask, ...] = (
    _did("white_paper", shipped("White paper"), "content", 10, "white_paper", half_life=180, cap=40),
    _did("case_study", shipped("Case study"), "content", 10, "case_study", half_life=180, cap=30),
    _did("price_list", shipped("Price list"), "content", 15, "price_list", half_life=90, cap=30),
    _did("video", shipped("Video"), "content", 3, "video_view", half_life=90, cap=9),
    _did("webinar", shipped("Webinar attended"), "content", 20, "webinar_attended", half_life=180, cap=40),
    _did("webinar_registered", shipped("Webinar registered"), "content", 5, "webinar_registered", half_life=90, cap=10),
    _did("event", shipped("Event attended"), "content", 15, "event_attended", half_life=180, cap=30),
    _did("fair_talk", shipped("Talk at a fair"), "content", 15, "fair_talk", half_life=180, cap=30),
    _did("newsletter", shipped("Newsletter sign-up"), "website", 5, "newsletter_signup", max_count=1),
    _did("newsletter_click", shipped("Click in an e-mail"), "website", 2, "email_clicked", window=180, half_life=30,
         cap=10),
    _did("product", shipped("Product page"), "website", 3, "product_view", window=90, half_life=30, cap=12),
    _did("pricing", shipped("Pricing page"), "website", 8, "pricing_view", window=30, half_life=14, max_count=3),
    _did("social", shipped("Follows us"), "website", 2, "social_follow", window=365, max_count=1),
    _did("contact_form", shipped("Contact form"), "direct", 20, "contact_form", window=365, half_life=90, cap=30),
    _did("question", shipped("Question asked"), "direct", 10, "question", window=365, half_life=90, cap=20),
    _did("reply", shipped("Answered an e-mail"), "direct", 10, "email_replied", window=180, half_life=60, cap=20),
    _did("call", shipped("Called us"), "direct", 15, "call_in", window=180, half_life=60, cap=30),
    _did("meeting", shipped("Meeting"), "direct", 15, "meeting", window=365, half_life=90, cap=30),
    _did("demo", shipped("Demo request"), "direct", 40, "demo_request", window=90, max_count=1, kind=Kind.HAND_RAISE),
    _did("intent", shipped("Researched our topics elsewhere"), "direct", 5, "intent", window=90, half_life=30, cap=15),
    _did("careers", shipped("Careers page"), "against", -10, "careers_view", window=180, max_count=1),
    _did("unsubscribed", shipped("Unsubscribed"), "against", -20, "unsubscribed", window=365, max_count=1),
    _did("bounced", shipped("E-mail came back"), "against", -15, "email_bounced", window=365, max_count=1),
    _did("complained", shipped("Reported an e-mail as spam"), "against", -30, "email_complained", max_count=1),
)  # fmt: skip
SALES_SIGNALS: tuple[Ask, ...] = (
    _did("signal_pricing", shipped("Looked at the prices"), "", 1, "pricing_view", window=7, kind=Kind.SALES_SIGNAL),
    _did("signal_product", shipped("Looked at a product"), "", 1, "product_view", window=7, kind=Kind.SALES_SIGNAL),
    _did("signal_question", shipped("Asked a concrete question"), "", 1, "question", window=30, kind=Kind.SALES_SIGNAL),
    _did("signal_price_list", shipped("Downloaded the price list"), "", 1, "price_list", window=30,
         kind=Kind.SALES_SIGNAL),
    Ask("signal_decides", shipped("Decides: C-level, vice president or director"), "", 1,
        {"kind": Kind.SALES_SIGNAL, "fact": "seniority", "operator": "in", "value": ["c_level", "vp", "director"]}),
)  # fmt: skip


def ship() -> PublishRun | None:
    """Put version 1 in force when there is no scorecard yet; return the pass that scores what is there already."""
    if ScorecardVersion.objects.exists():
        return None
    with transaction.atomic():
        card, _new = Scorecard.objects.get_or_create(key=KEY, defaults={"name": shipped("Lead scoring")})
        version = ScorecardVersion.objects.create(scorecard=card, number=1)
        draw_up(version)
        for side in Signature.Side:
            Signature.objects.create(version=version, side=side, kind=Signature.Kind.SHIPPED)
        publishing.prepare(version)
        for state in (State.IN_REVIEW, State.APPROVED):
            version.state = state
            version.save(update_fields=["state"])
        publishing.put_in_force(version, by=None)
        run = pointer.turn(version, cause=PublishRun.Cause.PUBLISH)
        assert run is not None
        publishing.start_full(run) if Contact.objects.exists() else publishing.end(run)
    return run


def draw_up(version: ScorecardVersion) -> None:
    """Write the shipped groups and criteria into a draft."""
    groups = {
        key: CriterionGroup.objects.create(
            version=version, key=key, label=label, dimension=dimension, minimum=low, maximum=high, position=place
        )
        for place, (key, label, dimension, low, high) in enumerate(GROUPS)
    }
    Criterion.objects.bulk_create(
        Criterion(
            version=version, key=ask.key, label=ask.label, group=groups.get(ask.group), points=ask.points,
            position=place, **ask.details,
        )
        for place, ask in enumerate((*FIT, *ENGAGEMENT, *SALES_SIGNALS))
    )  # fmt: skip
