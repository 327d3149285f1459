"""The ideal customer profile and the personas: whom we want, as saved groups of criteria."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.requests import SignedInRequest
from scoring import personas as domain
from scoring import signing
from scoring.forms import PersonaForm
from scoring.models import Persona
from scoring.versions import Stale
from scoring.views.editing import for_drafters


@login_required
@require_safe
def personas(request: SignedInRequest) -> HttpResponse:
    rows = [(persona, domain.told(persona)) for persona in Persona.objects.all()]
    context = {"rows": rows, "may_draft": signing.may_draft(request.user)}
    return render(request, "scoring/personas.html", context)


@for_drafters
@require_http_methods(["GET", "HEAD", "POST"])
def persona(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(Persona, pk=pk) if pk else None
    form = PersonaForm.of(request.POST or None, row, domain.digest(row) if row else "")
    status: int = 200
    extra: dict[str, Any] = {}
    if request.method == "POST":
        status = 422
        if form.is_valid():
            conditions = form.asked()
            if not form.errors:
                try:
                    domain.save(row, form.said(), conditions, by=request.user, seen=form.cleaned_data["seen"])
                except ValidationError as error:
                    form.take(error)
                except Stale as stale:
                    form.add_error(None, str(stale))
                    status, extra = 409, _stored(row)
                else:
                    messages.success(request, _("Saved."))
                    return redirect("personas")
    return render(request, "scoring/persona.html", {"form": form, "persona": row} | extra, status=status)


def _stored(row: Persona | None) -> dict[str, Any]:
    """Return what is stored now, so that the reader sees both and may write over it knowingly."""
    if row is None:
        return {}
    fresh = Persona.objects.get(pk=row.pk)
    return {"stored": fresh, "stored_conditions": domain.told(fresh), "stored_seen": domain.digest(fresh)}


@for_drafters
@require_POST
def remove(request: SignedInRequest, pk: int) -> HttpResponse:
    domain.remove(get_object_or_404(Persona, pk=pk), by=request.user)
    messages.success(request, _("Removed."))
    return redirect("personas")
