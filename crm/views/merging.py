"""Merging two contacts with a preview field by field, the log entry of a merge, and taking it back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import roles
from crm.listing import row_id
from crm.merging import alike, doing, fields, refusing, undoing
from crm.merging.refusing import Refused
from crm.models import Contact, ContactMerge
from crm.requests import SignedInRequest
from crm.views import profile

TAKE = "take_"


@login_required
def merge(request: SignedInRequest, pk: int, other: int) -> HttpResponse:
    """Show what would stay; on sending, make `other` part of `pk`."""
    people = Contact.objects.visible_to(request.user).with_company()
    kept, merged = get_object_or_404(people, pk=pk), get_object_or_404(people.exclude(pk=pk), pk=other)
    if not roles.may_merge(request.user):
        return profile.not_yours(request, _("Marketing, a sales lead or an admin merges contacts."))
    if request.method != "POST":
        return _preview(request, kept, merged)
    choices = {name.removeprefix(TAKE): side for name, side in request.POST.items() if name.startswith(TAKE)}
    try:
        doing.merge(
            kept, merged, by=request.user, choices=choices, sure="sure" in request.POST, versions=_versions(request),
            note=request.POST.get("note", "").replace("\x00", "").strip()[:300],
        )  # fmt: skip
    except Refused as refused:
        return _refused(request, kept.pk, merged.pk, refused, choices)
    messages.success(request, _("The two are one contact now. You can undo this here."))
    return redirect("contact", pk=kept.pk)


def _versions(request: SignedInRequest) -> tuple[int, int]:
    """Return the versions of both that the reader saw; −1, which nobody has, for what is none."""
    kept, merged = (request.POST.get(name, "") for name in ("kept_version", "merged_version"))
    return tuple(row_id(text) if text == "0" or row_id(text) else -1 for text in (kept, merged))  # type: ignore[return-value]


def _refused(request: SignedInRequest, pk: int, other: int, refused: Refused, choices: dict[str, str]) -> HttpResponse:
    people = {person.pk: person for person in Contact.objects.with_company().filter(pk__in=[pk, other])}
    if len(people) < 2:
        messages.error(request, " ".join(refused.reasons))
        return redirect("contact", pk=pk) if pk in people else redirect("contacts")
    return _preview(request, people[pk], people[other], refused=refused, choices=choices, status=409)


def _preview(
    request: SignedInRequest, kept: Contact, merged: Contact, *, refused: Refused | None = None,
    choices: dict[str, str] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    lines = fields.lines(kept, merged)
    chosen = choices or {}
    context: dict[str, Any] = {
        "kept": kept,
        "merged": merged,
        "asked": [(line, chosen.get(line.name, line.stays)) for line in lines if line.differs],
        "settled": [line for line in lines if not line.differs],
        "reasons": alike.words(alike.reasons(kept, merged)),
        "doubts": refusing.doubts(kept, merged),
        "foretold": doing.foretell(kept, merged),
        "activities": merged.activities.count(),
        "refused": refused if refused and not refused.asks else None,
        "unsure": bool(refused and refused.asks),
        "note": request.POST.get("note", "")[:300],
    }
    return render(request, "crm/merging/merge.html", context, status=status)


@login_required
@require_safe
def entry(request: SignedInRequest, pk: int) -> HttpResponse:
    """What one merge did: who, when, why, which values; and whether it can be undone."""
    found = _find(request, pk)
    return _entry(request, found, refusing.why_together(found))


def _find(request: SignedInRequest, pk: int) -> ContactMerge:
    entries = ContactMerge.objects.select_related("kept__company", "by", "undone_by")
    return get_object_or_404(entries.filter(kept__in=Contact.objects.visible_to(request.user)), pk=pk)


def _entry(request: SignedInRequest, found: ContactMerge, why_not: list[str], *, status: int = 200) -> HttpResponse:
    changed = found.kept_values.get("fields", {})
    context = {
        "entry": found,
        "may_merge": roles.may_merge(request.user),
        "why_not": why_not,
        "reasons": alike.words(found.reasons),
        "changed": [(fields.label(name), change["old"], change["new"]) for name, change in changed.items()
                    if name not in ("custom", "company_id")],
        "rows": len(found.moved.get("crm.Activity.contact", [])),
        "undone": Contact.objects.filter(pk=found.merged_number).first() if found.undone_at else None,
    }  # fmt: skip
    return render(request, "crm/merging/entry.html", context, status=status)


@login_required
@require_POST
def undo(request: SignedInRequest, pk: int) -> HttpResponse:
    """Part the two again; refused, and nothing written, when something contradicts."""
    found = _find(request, pk)
    try:
        merged = undoing.part(found, by=request.user)
    except Refused as refused:
        return _entry(request, _find(request, pk), refused.reasons, status=409)
    messages.success(request, _("Both contacts are here again, each with what is theirs."))
    return redirect("contact", pk=merged.pk)
