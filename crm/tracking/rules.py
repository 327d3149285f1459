"""What a page or an event means: the workspace's rules, then a kind of the same name, then the generic kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.text import slugify

from crm.models import ActivityKind, TrackingRule
from crm.text import fold, search_key
from crm.tracking.messages import Message
from crm.tracking.visits import path_of

GENERIC = {
    "track": "custom_event", "page": "page_view", "screen": "screen_view", "identify": "identify", "group": "group",
    "alias": "alias",
}  # fmt: skip
#: An event may name a kind of these groups by its key; mail, calls, notes and intent are for those who know of them.
NAMEABLE = (
    ActivityKind.Group.WEB, ActivityKind.Group.CONTENT, ActivityKind.Group.EVENT, ActivityKind.Group.FORM,
    ActivityKind.Group.SOCIAL,
)  # fmt: skip
PAGE, EVENT = TrackingRule.About.PAGE, TrackingRule.About.EVENT

# about, pattern, kind
SHIPPED: tuple[tuple[str, str, str], ...] = (
    (PAGE, "*/pricing*", "pricing_view"),
    (PAGE, "*/preise*", "pricing_view"),
    (PAGE, "*/product*", "product_view"),
    (PAGE, "*/produkt*", "product_view"),
    (PAGE, "*/career*", "careers_view"),
    (PAGE, "*/jobs*", "careers_view"),
    (PAGE, "*/karriere*", "careers_view"),
    (EVENT, "Product Viewed", "product_view"),
    (EVENT, "Newsletter Subscribed", "newsletter_signup"),
    (EVENT, "White Paper Downloaded", "white_paper"),
    (EVENT, "Whitepaper Downloaded", "white_paper"),
    (EVENT, "Case Study Downloaded", "case_study"),
    (EVENT, "Price List Downloaded", "price_list"),
    (EVENT, "Video Watched", "video_view"),
    (EVENT, "Video Playback Completed", "video_view"),
    (EVENT, "Webinar Registered", "webinar_registered"),
    (EVENT, "Webinar Attended", "webinar_attended"),
    (EVENT, "Event Registered", "event_registered"),
    (EVENT, "Event Attended", "event_attended"),
    (EVENT, "Contact Form Submitted", "contact_form"),
    (EVENT, "Demo Requested", "demo_request"),
    (EVENT, "Question Asked", "question"),
)


@dataclass(frozen=True)
class Rules:
    """The rules in force, in their order, and the kinds an event may name."""

    pages: Sequence[tuple[str, str]]
    events: Sequence[tuple[str, str]]
    named: Mapping[str, str]

    def kind(self, message: Message) -> str:
        """Return the key of the activity kind a message counts as."""
        if message.type == "page":
            return _first(self.pages, fold(path_of(message))) or GENERIC["page"]
        if message.type == "track":
            return _first(self.events, fold(message.name)) or self.named.get(_key(message.name), GENERIC["track"])
        return GENERIC[message.type]


def read() -> Rules:
    """Return the rules in force."""
    rows = list(TrackingRule.objects.order_by("position", "id").values_list("about", "pattern", "kind_id"))
    keys = ActivityKind.objects.filter(group__in=NAMEABLE).values_list("key", flat=True)
    return Rules(
        pages=[(fold(pattern), kind) for about, pattern, kind in rows if about == PAGE],
        events=[(fold(pattern), kind) for about, pattern, kind in rows if about == EVENT],
        named={_key(key): key for key in keys},
    )


def _key(name: str) -> str:
    return slugify(search_key(name)).replace("-", "_")


def _first(rules: Sequence[tuple[str, str]], text: str) -> str:
    return next((kind for pattern, kind in rules if fits(pattern, text)), "")


def fits(pattern: str, text: str) -> bool:
    """Whether `text` reads as `pattern` does; a * stands for anything. In linear time, whatever the pattern."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == text
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def ship() -> None:
    """Give a workspace that has no rules the shipped ones; after that they are its own."""
    if TrackingRule.objects.exists():
        return
    TrackingRule.objects.bulk_create(
        TrackingRule(about=about, pattern=pattern, kind_id=kind, position=place)
        for place, (about, pattern, kind) in enumerate(SHIPPED)
    )
