"""A merge never widens what people allowed: a no of either holds, and a yes stays with the address it was given for.

What has to be narrowed is said anew by an event of the merge, so that it is the newest word whatever the order of the
old ones. Un-merging takes these events away again; a no that was said since holds for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from crm import consents
from crm.models import Channel, ConsentEvent, Contact, Suppression

Kind = ConsentEvent.Kind
Key = tuple[str, str]  # purpose, channel
SOURCE = "merge"
#: What an earlier word weighs against a later one: the heavier stays.
WEIGHT = {Kind.CONFIRMED: 0, Kind.EXPIRED: 1, Kind.WITHDRAWN: 2, Kind.OBJECTED: 3}


def narrowed(kept: Contact, merged: Contact, becomes: Contact) -> dict[Key, str]:
    """Return {(purpose, channel): kind} that the merged person must hear anew; `becomes` has the values that stay."""
    one, other = _words(kept), _words(merged)
    wanted: dict[Key, str] = {}
    for mine, theirs in ((one, other), (other, one)):
        for key, kind in mine.items():
            if kind != Kind.CONFIRMED:
                for reached in _reached(key, kind, theirs):
                    wanted[reached] = max(kind, wanted.get(reached, kind), key=lambda k: WEIGHT[Kind(k)])
    for person, said, heard in ((kept, one, other), (merged, other, one)):
        for key, kind in said.items():
            if kind == Kind.CONFIRMED and key not in heard and key not in wanted and not _same(key[1], person, becomes):
                wanted[key] = Kind.EXPIRED
    for purpose, (key, kind) in _last_noes(kept, merged).items():
        if _outweighed(purpose, kind, wanted, kept, merged):
            wanted[key] = max(kind, wanted.pop(key, kind), key=lambda k: WEIGHT[Kind(k)])  # it comes last
    return wanted


def _last_word(contact: Contact) -> dict[str, tuple[Key, ConsentEvent]]:
    """Return the newest word on each purpose, whatever the channel: who may be profiled or tracked is read by it."""
    said = sorted(consents.state(contact).items(), key=lambda item: (item[1].at, item[1].pk))
    return {purpose: ((purpose, channel), event) for (purpose, channel), event in said}


def _last_noes(kept: Contact, merged: Contact) -> dict[str, tuple[Key, str]]:
    """Return {purpose: the heavier of the two last words, where it is a no}."""
    found: dict[str, tuple[Key, str]] = {}
    for contact in (kept, merged):
        for purpose, (key, event) in _last_word(contact).items():
            known = found.get(purpose, (key, Kind.CONFIRMED))
            if WEIGHT[Kind(event.kind)] > WEIGHT[Kind(known[1])]:
                found[purpose] = (key, event.kind)
    return found


def _outweighed(purpose: str, no: str, wanted: dict[Key, str], kept: Contact, merged: Contact) -> bool:
    """Whether a lighter word would be the newest on this purpose after the merge."""
    if any(key[0] == purpose for key in wanted):
        return True
    last = [event for contact in (kept, merged) if (event := _last_word(contact).get(purpose, (None, None))[1])]
    newest = max(last, key=lambda event: (event.at, event.pk))
    return WEIGHT[Kind(newest.kind)] < WEIGHT[Kind(no)]


def _words(contact: Contact) -> dict[Key, str]:
    return {key: event.kind for key, event in consents.state(contact).items()}


def _reached(key: Key, kind: str, theirs: dict[Key, str]) -> Iterable[Key]:
    """Return where a no of one has to be said anew: wherever the other said yes to that purpose, or a lesser no."""
    purpose, channel = key
    yes = [other for other, kind in theirs.items() if other[0] == purpose and kind == Kind.CONFIRMED]
    if not yes and theirs.get(key, kind) == kind:
        return []
    return {key} | ({other for other in yes if channel in ("", other[1])})


def _same(channel: str, person: Contact, becomes: Contact) -> bool:
    """Whether what was allowed on `channel` was allowed for the address that stays."""
    if channel == Channel.EMAIL:
        return person.email_key == becomes.email_key
    if channel in (Channel.PHONE, Channel.MESSENGER):
        return person.phone_key == becomes.phone_key
    if channel == Channel.POST:
        return (person.street, person.postcode, person.city) == (becomes.street, becomes.postcode, becomes.city)
    return True


def write(contact: Contact, wanted: dict[Key, str], *, by: Any, at: Any, evidence: dict[str, Any]) -> list[int]:
    """Say `wanted` of the merged person and return the ids of the events."""
    events = [
        ConsentEvent(
            contact=contact, purpose=purpose, channel=channel, kind=kind, at=at, source=SOURCE, by=by, evidence=evidence
        )
        for (purpose, channel), kind in wanted.items()
    ]
    consents.note_many(events)
    return [event.pk for event in events]


def suppress(becomes: Contact, entry: int) -> dict[str, Any]:
    """Put the addresses that stay on the suppression list, because one of the two was; return what undoes it."""
    known: dict[str, Any] = {"new": [], "lifted": {}}
    for kind, value in (("email", becomes.email_key), ("phone", becomes.phone_key)):
        if not value:
            continue
        reason = f"{SOURCE}:{entry}"
        row, is_new = Suppression.objects.get_or_create(
            hmac=consents.fingerprint(value), kind=kind, defaults={"key_id": "1", "reason": reason}
        )
        if is_new:
            known["new"].append(row.pk)
        elif row.lifted_at:
            known["lifted"][row.pk] = [row.lifted_at.isoformat(), row.reason]
            Suppression.objects.filter(pk=row.pk).update(lifted_at=None, reason=reason)
    return known


def take_back(entry: int, known: dict[str, Any]) -> None:
    """Take away what the merge said and suppressed; the gate is open."""
    rows = ConsentEvent.objects.filter(pk__in=known.get("events", []), source=SOURCE)
    rows._raw_delete(rows.db)
    ours = Suppression.objects.filter(reason=f"{SOURCE}:{entry}", lifted_at=None)
    suppressed = known.get("suppressed") or {"new": [], "lifted": {}}
    ours.filter(pk__in=suppressed["new"]).delete()
    for pk, (lifted_at, reason) in suppressed["lifted"].items():
        ours.filter(pk=pk).update(lifted_at=datetime.fromisoformat(lifted_at), reason=reason)


def pass_on(kept: Contact, merged: Contact, since: Any) -> None:
    """Say to the merged one as well what was refused since the merge: a no was said by the person, whoever that is."""
    fresh = kept.consent_events.filter(at__gte=since, kind__in=[Kind.WITHDRAWN, Kind.OBJECTED]).exclude(source=SOURCE)
    consents.note_many(
        ConsentEvent(
            contact=merged, purpose=event.purpose, channel=event.channel, kind=event.kind, at=event.at,
            source=event.source, by=event.by, evidence=event.evidence,
        )
        for event in fresh.select_related("by")
    )  # fmt: skip
