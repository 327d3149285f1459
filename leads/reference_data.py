"""The shipped rows of the managed lists. What a workspace changed stays as it is."""

from __future__ import annotations

from django.utils.translation import gettext_noop as shipped

from leads.models import Checklist, Reason, Source
from leads.qualification import BANT

# key, label, kind, low trust
SOURCES: tuple[tuple[str, str, str, bool], ...] = (
    ("newsletter", shipped("Newsletter sign-up"), "form", False),
    ("content", shipped("Gated download"), "content", False),
    ("webinar", shipped("Webinar"), "event", False),
    ("event", shipped("Event"), "event", False),
    ("contact_form", shipped("Contact form"), "form", False),
    ("demo_request", shipped("Demo request"), "form", False),
    ("landing_page", shipped("Landing page"), "form", False),
    ("trade_fair", shipped("Trade fair"), "fair", False),
    ("street", shipped("Street promotion"), "fair", False),
    ("call_in", shipped("Inbound call"), "call", False),
    ("call_out", shipped("Outbound call"), "call", False),
    ("referral", shipped("Referral"), "referral", False),
    ("partner", shipped("Partner"), "partner", False),
    ("influencer", shipped("Influencer"), "influencer", False),
    ("review_platform", shipped("Review platform"), "review", False),
    ("organic_search", shipped("Organic search"), "search", False),
    ("paid_search", shipped("Paid search"), "ads", False),
    ("display", shipped("Display advertising"), "ads", False),
    ("social", shipped("Social media"), "social", False),
    ("email", shipped("E-mail"), "other", False),
    ("direct", shipped("Direct visit"), "direct", False),
    ("purchased_list", shipped("Purchased list"), "list", True),
    ("third_party_intent", shipped("Third-party intent"), "other", True),
    ("import", shipped("Import"), "import", False),
    ("by_hand", shipped("Added by hand"), "other", False),
    ("unknown", shipped("Unknown"), "other", False),
    ("other", shipped("Other"), "other", False),
)
REASONS: tuple[tuple[str, str, str], ...] = (
    ("send_back", "too_early", shipped("Too early")),
    ("send_back", "no_budget_this_year", shipped("No budget this year")),
    ("send_back", "not_reached", shipped("Not reached after several calls")),
    ("send_back", "wrong_person", shipped("Wrong person")),
    ("send_back", "no_interest_now", shipped("No interest at present")),
    ("send_back", "data_incomplete", shipped("Data incomplete")),
    ("lose", "competitor", shipped("Chose a competitor")),
    ("lose", "no_budget", shipped("No budget")),
    ("lose", "no_decision", shipped("No decision, project stopped")),
    ("lose", "no_fit", shipped("We do not fit the need")),
    ("lose", "unreachable", shipped("No longer reachable")),
    ("disqualify", "junk", shipped("Junk or test entry")),
    ("disqualify", "student", shipped("Student or private person")),
    ("disqualify", "competitor", shipped("Competitor")),
    ("disqualify", "duplicate", shipped("Duplicate")),
    ("disqualify", "no_fit", shipped("Never a fit")),
    ("qualify_for_marketing", "known_need", shipped("Need known from a talk")),
    ("qualify_for_marketing", "target_account", shipped("Target account")),
    ("qualify_for_marketing", "asked_for_contact", shipped("Asked to be contacted")),
)


def ship() -> None:
    """Add the shipped sources, reasons and the checklist that are missing."""
    known = set(Source.objects.values_list("key", flat=True))
    Source.objects.bulk_create(
        Source(key=key, label=label, kind=kind, low_trust=low, position=place, shipped=True)
        for place, (key, label, kind, low) in enumerate(SOURCES)
        if key not in known
    )
    present = set(Reason.objects.values_list("kind", "key"))
    Reason.objects.bulk_create(
        Reason(kind=kind, key=key, label=label, position=place, shipped=True)
        for place, (kind, key, label) in enumerate(REASONS)
        if (kind, key) not in present
    )
    Checklist.objects.get_or_create(pk=1, defaults={"dimensions": BANT})
