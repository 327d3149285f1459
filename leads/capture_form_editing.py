"""Building a form: what was typed becomes a draft to look at, and a version when it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm.models import ConsentText, Workspace
from leads import capture_fields
from leads.models import SIGN_UPS, CaptureForm, Submission

LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)
MANY = 5
TEXT_NAMES = ("eyebrow", "title", "intro", "points", "heading", "button", "thanks")
FIRST_FIELDS: tuple[dict[str, Any], ...] = ({"name": "email", "required": True}, {"name": "first_name"})
State = Submission.State


@dataclass(frozen=True)
class Numbers:
    """How a form does. Who only looks is not counted: nobody is tracked."""

    sent: int = 0
    taken: int = 0
    waiting: int = 0
    quarantined: int = 0


def numbers(form_ids: list[int]) -> dict[int, Numbers]:
    """Return the numbers of each form in one query."""
    rows = (
        Submission.objects.filter(form__in=form_ids)
        .order_by()
        .values("form")
        .annotate(
            sent=Count("pk"),
            taken=Count("pk", filter=Q(state__in=[State.DONE, State.TAKEN])),
            waiting=Count("pk", filter=Q(state=State.PENDING)),
            quarantined=Count("pk", filter=Q(state=State.QUARANTINED)),
        )
    )
    found = {row["form"]: Numbers(row["sent"], row["taken"], row["waiting"], row["quarantined"]) for row in rows}
    return {pk: found.get(pk, Numbers()) for pk in form_ids}


def consent_keys() -> dict[str, set[str]]:
    """Return what can be asked for, such as 'newsletter:email', each with the languages it is written in."""
    found: dict[str, set[str]] = {}
    for text in ConsentText.objects.order_by("purpose", "channel"):
        found.setdefault(text.key, set()).add(text.language)
    return found


def is_ours(address: str, sites: list[str]) -> bool:
    """Whether a web address lies on one of our registered sites (I48)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return f"{parts.scheme}://{parts.netloc}".lower() in sites


def moved(rows: list[dict[str, Any]], act: str) -> list[dict[str, Any]]:
    """Return the rows of fields after a button: 'up-2', 'down-0' or 'drop-1'; as they were for any other."""
    verb, _dash, place = act.partition("-")
    here = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    if not 0 <= here < len(rows):
        return rows
    rows = list(rows)
    there = {"up": here - 1, "down": here + 1}.get(verb, here)
    row = rows.pop(here)
    return rows if verb == "drop" else [*rows[: max(there, 0)], row, *rows[max(there, 0) :]]


def added(rows: list[dict[str, Any]], name: str, label: str) -> list[dict[str, Any]]:
    """Return the rows with one more field: of the catalogue, or an own one called `label`; none comes twice."""
    if name == "own":
        name = capture_fields.custom_name(label)
    elif name not in capture_fields.KNOWN:
        return rows
    if not name or any(row["name"] == name for row in rows):
        return rows
    told: dict[str, Any] = {"name": name, "required": False, "label": {}, "purpose": {}}
    if name.startswith(capture_fields.CUSTOM):
        told["label"] = dict.fromkeys(LANGUAGES, label)
    return [*rows, told]


def field_problem(row: Mapping[str, Any], languages: list[str]) -> str:
    """Return why a field cannot be asked for as it stands, '' when it can: every own field says what for (P28)."""
    if not row["name"].startswith(capture_fields.CUSTOM):
        return ""
    for language in languages:
        if not row["label"].get(language) or not row["purpose"].get(language):
            return _("An own field needs its words and its purpose in every language of the form.")
    return ""


def warnings(form: CaptureForm, *, hands_out: bool) -> Iterator[str]:
    """Yield what a careful colleague would say about a form that can be kept as it is (P05, P28)."""
    workspace = Workspace.objects.first() or Workspace()
    gated = form.kind_id in SIGN_UPS and form.kind_id != "newsletter_signup"
    if gated and form.consents:
        yield _(
            "A download must not depend on a consent. The file is sent with or without a tick, and the form says so."
        )
    if gated and not hands_out and not form.then_url:
        yield _("Nothing is handed out after the confirmation: add a file, or a page to go on to.")
    if len(form.fields) > MANY:
        yield _("%(count)d fields: every one costs sign-ups, and each needs its purpose.") % {"count": len(form.fields)}
    if not workspace.privacy_url:
        yield _("There is no link to a privacy notice. An admin adds it under Settings, Public pages.")
    if not workspace.imprint_url:
        yield _("There is no link to an imprint. An admin adds it under Settings, Public pages.")
    known = consent_keys()
    for key in form.consents:
        for language in form.languages:
            if language not in known.get(key, set()):
                with override(language):
                    spoken = dict(settings.LANGUAGES)[language]
                yield _("“%(consent)s” has no words in %(language)s and is not asked for there.") % {
                    "consent": key, "language": spoken,
                }  # fmt: skip
