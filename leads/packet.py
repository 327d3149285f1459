"""The handoff packet: what sales got to see, frozen at the offer, and what has changed since.

It holds keys, ids and facts; sentences are made when somebody reads it, in their language. What names the person or
quotes them goes when they are erased (`forget`), what the reports count on stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as gl

from crm import consent_box
from crm.models import Activity, ActivityKind, Channel, ConsentEvent, Purpose
from crm.templatetags.formats import relative_day
from crm.timeline import TITLES, cut
from leads import explanations
from leads.models import Handoff, Lead, Move

Group = ActivityKind.Group
TOUCHED = (Group.WEB, Group.CONTENT, Group.EVENT, Group.CALL, Group.FORM, Group.SOCIAL)
READ = (Group.CONTENT,)
LOOKED_AT = 100  # so many of the newest activities are looked through
TOUCHES, ASSETS, QUESTIONS, LONGEST = 5, 6, 5, 500
FRESH = timedelta(days=60)
#: What stays of a packet when its person is erased: what was counted and why it went to whom, nobody's words.
IMPERSONAL = ("score", "grade", "reasons", "assigned")


# --- Freezing -------------------------------------------------------------------------------------


def freeze(lead: Lead, move: Move) -> dict[str, Any]:
    """Return the packet as of `move`: JSON of keys, numbers, times and the person's own words."""
    with translation.override("en"):
        explanation = explanations.explain([lead.pk]).get(lead.pk)
    done = list(_newest(lead, move.at))
    return {
        "score": explanation.score if explanation else None,
        "grade": explanation.grade if explanation else "",
        "reasons": [[reason.label, reason.points] for reason in explanation.reasons[:8]] if explanation else [],
        "touches": [[t.kind_id, t.occurred_at.isoformat()] for t in done if t.kind.group in TOUCHED][:TOUCHES],
        "assets": _each_once(t for t in done if t.kind.group in READ)[:ASSETS],
        "questions": [_text(t) for t in done if t.kind_id == "question"][:QUESTIONS],
        "opening": _opening_of(done, move.at),
        "consent": _consent(lead, move.at),
        "note": move.note.strip(),
        "assigned": move.details.get("assigned", {}),
    }


def _newest(lead: Lead, at: datetime) -> Iterable[Activity]:
    rows = lead.contact.activities.filter(occurred_at__lte=at).exclude(kind__group__in=[Group.MAIL, Group.DATA])
    answered = lead.contact.activities.filter(occurred_at__lte=at, kind="email_replied")
    found = [*_cut(rows), *_cut(answered)]
    return sorted(found, key=lambda t: (t.occurred_at, t.pk), reverse=True)


def _cut(rows: Any) -> Iterable[Activity]:
    newest: Iterable[Activity] = rows.select_related("kind").order_by("-occurred_at", "-id")[:LOOKED_AT]
    return newest


def _said(activity: Activity) -> dict[str, Any]:
    return activity.properties if isinstance(activity.properties, dict) else {}


def _text(activity: Activity) -> str:
    return str(_said(activity).get("text", ""))[:LONGEST]


def _title(activity: Activity) -> str:
    said = _said(activity)
    return next((cut(said[name])[:LONGEST] for name in TITLES if isinstance(said.get(name), str) and said[name]), "")


def _told(activity: Activity) -> list[str]:
    return [activity.kind_id, _title(activity), activity.occurred_at.isoformat()]


def _each_once(read: Iterable[Activity]) -> list[list[str]]:
    """Return [kind, title, instant] of what was read, newest first; what was read twice stands there once."""
    told: dict[tuple[str, str], list[str]] = {}
    for activity in read:
        told.setdefault((activity.kind_id, _title(activity)), _told(activity))
    return list(told.values())


def _consent(lead: Lead, at: datetime) -> list[list[str]]:
    events = [event for event in lead.contact.consent_events.all() if event.at <= at]
    last = consent_box.newest(events)
    return [[purpose, channel, event.kind, event.at.isoformat()] for (purpose, channel), event in sorted(last.items())]


# --- The opening ----------------------------------------------------------------------------------

# kind → how a first sentence may begin; the strongest first. What raises a hand comes before what shows interest.
HANDS: dict[str, str | Promise] = {
    "question": gl("Begin with their question (%(day)s): “%(text)s”"),
    "demo_request": gl("They asked for a demo (%(day)s): offer a date."),
    "contact_form": gl("They wrote to us (%(day)s): answer that first."),
    "email_replied": gl("They answered a mail (%(day)s): pick up their answer."),
    "call_in": gl("They called (%(day)s): pick up that call."),
    "fair_talk": gl("You talked at %(title)s (%(day)s): pick up that talk."),
}
SIGNS: dict[str, str | Promise] = {
    "price_list": gl("They took the price list (%(day)s): ask what they compare."),
    "pricing_view": gl("They looked at prices (%(day)s): ask what they compare."),
    "webinar_attended": gl("They attended %(title)s (%(day)s): ask what they took from it."),
    "event_attended": gl("They came to %(title)s (%(day)s): ask what they took from it."),
    "case_study": gl("They read %(title)s (%(day)s): ask what is alike at their place."),
    "white_paper": gl("They read %(title)s (%(day)s): ask what they were looking for."),
    "video_view": gl("They watched %(title)s (%(day)s): ask what they were looking for."),
    "product_view": gl("They looked at %(title)s (%(day)s): ask what they need it for."),
}


def _opening_of(done: Sequence[Activity], at: datetime) -> dict[str, str]:
    """Return what the first sentence may take up: the newest raised hand of 60 days, else the newest sign."""
    fresh = [t for t in done if at - t.occurred_at <= FRESH]
    for kinds in (HANDS, SIGNS):
        for touch in fresh:
            if touch.kind_id in kinds and (touch.kind_id != "question" or _text(touch)):
                when = touch.occurred_at.isoformat()
                return {"kind": touch.kind_id, "title": _title(touch), "text": _text(touch)[:200], "at": when}
    return {}


def opening(packet: dict[str, Any]) -> str:
    """Return the suggested first step in the reader's language, '' when nothing speaks for one."""
    told = packet.get("opening") or {}
    sentence = HANDS.get(told.get("kind", "")) or SIGNS.get(told.get("kind", ""))
    if sentence is None:
        return ""
    kind = ActivityKind.objects.filter(pk=told["kind"]).first()
    title = f"“{told['title']}”" if told.get("title") else f"“{kind}”"
    return str(sentence) % {"day": _day(told["at"]), "title": title, "text": told.get("text", "")}


def _day(at: str) -> str:
    return relative_day(timezone.localdate(datetime.fromisoformat(at)))


# --- Reading --------------------------------------------------------------------------------------


def frozen_reasons(packet: dict[str, Any]) -> list[str]:
    """Return what lifted the lead, strongest first, in the reader's language: "Whitepaper ×2"."""
    found = []
    for label, _points in packet.get("reasons") or []:
        what, cross, times = label.rpartition(" ×")
        found.append(f"{_(what)}{cross}{times}" if cross and times.isdecimal() else _(label))
    return found


def assets(packet: dict[str, Any]) -> list[tuple[str, datetime]]:
    """Return what was read or watched, newest first, each with its instant."""
    told = packet.get("assets") or []
    kinds = {kind.key: str(kind) for kind in ActivityKind.objects.filter(pk__in=[key for key, _title, _at in told])}
    return [(title or kinds.get(key, key), datetime.fromisoformat(at)) for key, title, at in told]


def consent(packet: dict[str, Any]) -> list[str]:
    """Return the consent state at the offer, one phrase per purpose and channel."""
    return [
        _consent_words(purpose, channel, kind, datetime.fromisoformat(at))
        for purpose, channel, kind, at in packet.get("consent") or []
    ]


def _consent_words(purpose: str, channel: str, kind: str, at: datetime) -> str:
    words = {
        "purpose": Purpose(purpose).label, "channel": Channel(channel).label, "state": ConsentEvent.Kind(kind).label,
        "day": relative_day(timezone.localdate(at)),
    }  # fmt: skip
    return _("%(purpose)s, %(channel)s: %(state)s, %(day)s") % words


# --- What has changed since -----------------------------------------------------------------------


@dataclass(frozen=True)
class Since:
    """What is different today; `tone` is "late" where sales has to know before the next step."""

    words: str
    tone: str = ""


def since(
    handoff: Handoff, lead: Lead, *, score: int | None, grade: str, events: Sequence[ConsentEvent]
) -> list[Since]:
    """Return what has changed since the offer: score and grade, what the person did and asked, what they allowed."""
    return [
        *_score_since(handoff.packet or {}, score, grade),
        *_done_since(lead, handoff.offered_at),
        *_consent_since(events, handoff.offered_at),
    ]


def _score_since(packet: dict[str, Any], score: int | None, grade: str) -> Iterator[Since]:
    then = packet.get("score")
    if then is None or score is None or (then, packet.get("grade")) == (score, grade):
        return
    words = {"then": then, "now": score, "grade_then": packet.get("grade"), "grade": grade}
    yield Since(_("Score %(then)d %(grade_then)s is now %(now)d %(grade)s.") % words)


def _done_since(lead: Lead, at: datetime) -> Iterator[Since]:
    rows = lead.contact.activities.filter(occurred_at__gt=at, kind__inbound=True).select_related("kind")
    done = list(rows.order_by("-occurred_at", "-id")[: LOOKED_AT + 1])
    if not done:
        return
    count = f"{LOOKED_AT}+" if len(done) > LOOKED_AT else str(len(done))
    newest = {"count": count, "kind": done[0].kind, "day": relative_day(timezone.localdate(done[0].occurred_at))}
    yield Since(_("New activities: %(count)s. The newest: %(kind)s, %(day)s.") % newest)
    for question in [t for t in done if t.kind_id == "question" and _text(t)][:2]:
        yield Since(_("Asked since: “%(text)s”") % {"text": cut(_text(question))})


def _consent_since(events: Sequence[ConsentEvent], at: datetime) -> Iterator[Since]:
    ended = {ConsentEvent.Kind.WITHDRAWN, ConsentEvent.Kind.OBJECTED, ConsentEvent.Kind.EXPIRED}
    for (purpose, channel), event in sorted(consent_box.newest(events).items()):
        if event.at > at:
            yield Since(_consent_words(purpose, channel, event.kind, event.at), "late" if event.kind in ended else "")


# --- Forgetting -----------------------------------------------------------------------------------


def forget(contact_id: int) -> int:
    """Empty every packet about this person in place, the open one too; return how many. The gate has to be open."""
    touched = 0
    for handoff in Handoff.objects.filter(lead__contact=contact_id).only("packet"):
        kept = {name: handoff.packet[name] for name in IMPERSONAL if name in handoff.packet}
        touched += Handoff.objects.filter(pk=handoff.pk).update(packet=kept)
    return touched
