"""What others can be told: the names are stable, docs/webhooks.md has a heading for each. Apps add their own."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Event:
    """One kind of news. Not `offered`: it follows by itself and is not chosen in the settings."""

    name: str
    label: str | Promise
    offered: bool = True


EVENTS: dict[str, Event] = {}


def event(name: str, label: str | Promise, *, offered: bool = True) -> str:
    """Register an event and return its name."""
    EVENTS[name] = Event(name, label, offered)
    return name


def choices() -> list[tuple[str, str]]:
    """Return the events an endpoint can be subscribed to, as (name, words with the name)."""
    return [(one.name, f"{one.label} ({one.name})") for one in EVENTS.values() if one.offered]


ERASED = event("contact.erased", _("A contact was erased"))
TEST = event("webhook.test", _("A test, sent from the settings"), offered=False)
