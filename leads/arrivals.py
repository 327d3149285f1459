"""Somebody arrives by a form: known or new, blanks filled and nothing overwritten, an activity and a lead."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from crm import activities, contacts
from crm.company_names import company_named
from crm.email_address import email_key, is_shared
from crm.models import Contact, LegalBasis, User
from crm.text import search_key
from leads import capture
from leads.capture_fields import CUSTOM, known
from leads.models import CaptureForm, Lead, Source, Submission

FEED = "form"
Values = dict[str, str]


def arrive(submission: Submission) -> Contact:
    """Return the contact of a submission after making or completing it, with its activity and its open lead.

    Runs in the caller's transaction, which lets submissions of one address pass in turn.
    """
    form, typed = submission.form, dict(submission.values)
    contact, differing = settle(typed, source=FEED, is_demo=False)
    detail = form.campaign.name if form.campaign else submission.context.get("event", "")
    enter(contact, source=form.source, at=submission.submitted_at, detail=detail[:200])
    _note_basis(contact, submission)
    told = _told(form, submission.language, typed) | submission.context | ({"told": differing} if differing else {})
    activities.record(
        contact, form.kind_id, at=submission.submitted_at, properties=told, source=form.slug, feed=FEED,
        message_id=submission.key, by=submission.captured_by,
    )  # fmt: skip
    return contact


def settle(typed: Values, *, source: str, by: User | None = None, is_demo: bool = False) -> tuple[Contact, Values]:
    """Return the contact of what was typed, made or completed, and what was typed otherwise than we know it."""
    contact = find(typed)
    company = typed.get("company", "")
    if contact is None:
        values = _values(typed)
        found = company_named(company, by=by)
        if found:
            values["company_id"] = found.pk
        return contacts.create_contact(values, by=by, source=source, is_demo=is_demo), {}
    return contact, _fill_blanks(contact, typed, source=source, by=by)


def find(typed: Values) -> Contact | None:
    """Return the contact with this address; of a shared mailbox (info@…) only who has the same name as well."""
    key = email_key(typed.get("email", ""))
    if not key:
        return None
    name = search_key(f"{typed.get('last_name', '')} {typed.get('first_name', '')}")
    same = list(Contact.objects.filter(email_key=key).exclude(email_key="").with_company().order_by("pk")[:20])
    if is_shared(key):
        return next((contact for contact in same if name and contact.name_key == name), None)
    return next((contact for contact in same if name and contact.name_key == name), same[0] if same else None)


def _values(typed: Values) -> dict[str, Any]:
    """Return the contact's columns of what was typed."""
    values: dict[str, Any] = {}
    own: dict[str, str] = {}
    for name, value in typed.items():
        column = known(name).column
        if name.startswith(CUSTOM):
            own[name.removeprefix(CUSTOM)] = value
        elif column and column != "company_id":
            values[column] = value
    return values | ({"custom": own} if own else {})


def _fill_blanks(contact: Contact, typed: Values, *, source: str, by: User | None) -> Values:
    """Write what we did not know; return what was typed and differs from what stays."""
    blanks: dict[str, Any] = {}
    differing: Values = {}
    for name, value in _values(typed).items():
        if name == "custom":
            new = {key: text for key, text in value.items() if not contact.custom.get(key)}
            differing |= {key: text for key, text in value.items() if contact.custom.get(key) not in (None, "", text)}
            if new:
                blanks["custom"] = {**contact.custom, **new}
        elif not getattr(contact, name):
            blanks[name] = value
        elif name != "email" and getattr(contact, name) != value:
            differing[name] = value
    company = typed.get("company", "")
    if company and contact.company is None:
        found = company_named(company, by=by)
        blanks["company_id"] = found.pk if found else None
    elif company and contact.company and contact.company.name_key != search_key(company):
        differing["company"] = company
    if blanks:
        contacts.update_contact(contact, blanks, by=by, source=source)
    return differing


def enter(contact: Contact, *, source: Source | None, at: datetime, detail: str = "", by: User | None = None) -> Lead:
    """Return the contact's open lead; a new one begins when there is none, never before the last one ended."""
    last = contact.leads.order_by("-episode").first()
    begins = timezone.now() if last and last.stage_since > at else at
    try:
        return capture.open_lead(contact, source=source, at=begins, source_detail=detail, by=by)
    except capture.AlreadyOpen as known_lead:
        return known_lead.lead


def _note_basis(contact: Contact, submission: Submission) -> None:
    """A request is a basis for answering it; a download, a newsletter or a prize draw alone allows no offers (P08)."""
    form = submission.form
    asked = submission.context.get("asked", False) if submission.captured_by_id else not form.waits_for_confirmation
    basis = LegalBasis.Basis.REQUEST if asked else LegalBasis.Basis.UNKNOWN
    if basis == LegalBasis.Basis.UNKNOWN and contact.legal_bases.exists():
        return
    since = timezone.localdate(submission.submitted_at)
    LegalBasis.objects.create(contact=contact, basis=basis, since=since, source=FEED, note=form.name[:300])


def _told(form: CaptureForm, language: str, typed: Values) -> dict[str, Any]:
    told = {
        "form": form.slug,
        "title": form.text("title", language),
        "text": typed.get("message", ""),
        "campaign": form.campaign.key if form.campaign else "",
    }
    return {name: value for name, value in told.items() if value}
