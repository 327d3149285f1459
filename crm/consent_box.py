"""Consent as a table: purpose by channel, what was last said and when; and whether we may call or write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.models import Channel, ConsentEvent, Contact, LegalBasis, Purpose
from crm.phone import is_masked
from crm.templatetags.formats import relative_day

CHANNELS = (Channel.EMAIL, Channel.PHONE, Channel.POST)
Kind = ConsentEvent.Kind


@dataclass(frozen=True)
class Line:
    """One purpose: the newest word per channel, in the order of CHANNELS; None where nothing was ever said."""

    purpose: str
    label: str
    cells: tuple[ConsentEvent | None, ...]


def newest(events: Sequence[ConsentEvent]) -> dict[tuple[str, str], ConsentEvent]:
    """Return the newest word per (purpose, channel); a request counts only until it is answered."""
    last: dict[tuple[str, str], ConsentEvent] = {}
    for event in sorted(events, key=lambda e: (e.at, e.pk)):
        key = (event.purpose, event.channel)
        if event.kind == Kind.USED or (event.kind == Kind.REQUESTED and key in last):
            continue
        last[key] = event
    return last


def table(events: Sequence[ConsentEvent]) -> list[Line]:
    """Return one line per purpose; what was said for any channel holds for each that heard nothing newer."""
    last = newest(events)

    def cell(purpose: str, channel: str) -> ConsentEvent | None:
        said = [event for event in (last.get((purpose, channel)), last.get((purpose, ""))) if event]
        return max(said, key=lambda e: (e.at, e.pk)) if said else None

    return [Line(key, str(label), tuple(cell(key, channel) for channel in CHANNELS)) for key, label in Purpose.choices]


def _objection(events: Sequence[ConsentEvent], channel: str) -> ConsentEvent | None:
    line = next(line for line in table(events) if line.purpose == Purpose.OFFER)
    event = line.cells[CHANNELS.index(Channel(channel))]
    return event if event and event.kind in {Kind.OBJECTED, Kind.WITHDRAWN} else None


def why_no_call(contact: Contact, events: Sequence[ConsentEvent]) -> str:
    """Return why this person cannot be called, as one sentence; '' when they can."""
    if not contact.phone:
        return _("No phone number is known.")
    if is_masked(contact.phone) or not contact.phone_key:
        return _("This phone number cannot be dialled.")
    if event := _objection(events, Channel.PHONE):
        return _("Calls were refused on %(day)s.") % {"day": relative_day(timezone.localdate(event.at))}
    return ""


def why_no_mail(contact: Contact, events: Sequence[ConsentEvent]) -> str:
    """Return why this person cannot be written to by e-mail, as one sentence; '' when they can."""
    if not contact.email_key:
        return _("No e-mail address is known.")
    if event := _objection(events, Channel.EMAIL):
        return _("E-mail was refused on %(day)s.") % {"day": relative_day(timezone.localdate(event.at))}
    return ""


def basis(bases: Sequence[LegalBasis]) -> LegalBasis | None:
    """Return the newest legal basis for offers, else for anything."""
    ordered = sorted(bases, key=lambda b: (b.purpose == Purpose.OFFER, b.since, b.pk))
    return ordered[-1] if ordered else None
