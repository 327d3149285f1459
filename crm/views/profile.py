"""What the pages of contacts and companies share: refusals, conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from crm.forms import ProfileForm
from crm.models import Company, Contact
from crm.requests import SignedInRequest


@dataclass(frozen=True)
class Difference:
    """One field in which two people's versions differ."""

    name: str
    label: str
    mine: Any
    theirs: Any


def not_yours(request: SignedInRequest, who: str) -> HttpResponse:
    """Answer that the reader may look but not change, and who can."""
    return render(request, "crm/not_yours.html", {"who": who}, status=403)


def settled(posted: QueryDict, stored: dict[str, Any]) -> QueryDict:
    """Return the form's data after a conflict: of the fields in doubt, the stored value where the reader took it.

    A conflict page posts `take_<field>` = mine or theirs beside the reader's own values.
    """
    data = posted.copy()
    for name, value in stored.items():
        if data.get(f"take_{name}") == "theirs":
            data[name] = "" if value is None else str(value)
    return data


def differences(form: ProfileForm, stored: dict[str, Any]) -> list[Difference]:
    """Return the fields whose typed value differs from the stored one, in the order of the form."""
    return [
        Difference(name, str(field.label), form.cleaned_data.get(name), stored[name])
        for name, field in form.fields.items()
        if name != "version" and (form.cleaned_data.get(name) or "") != (stored[name] or "")
    ]


def conflict(
    request: SignedInRequest, form: ProfileForm, current: Contact | Company, stored: dict[str, Any]
) -> HttpResponse:
    """Answer that somebody was faster: both values of each field side by side, nothing written.

    When both typed the same there is nothing to choose.
    """
    back = "contact" if isinstance(current, Contact) else "company"
    differing = differences(form, stored)
    if not differing:
        messages.success(request, _("Saved."))
        return redirect(back, pk=current.pk)
    context = {
        "title": str(current),
        "differing": differing,
        "version": current.version,
        "mine": [(name, form.data.get(name, "")) for name in form.fields if name != "version"],
        "last": current.changes.select_related("by").order_by("-pk").first(),
        "back": back,
        "pk": current.pk,
    }
    return render(request, "crm/conflict.html", context, status=409)
