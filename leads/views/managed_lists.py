"""Settings about leads: reasons, sources, column limits and the qualification checklist."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import keyset
from crm.models import Workspace
from crm.views.settings.entrance import for_admins, show
from leads import managed_lists, qualification
from leads.managed_list_forms import ChecklistForm, ColumnLimitsForm, ReasonForm, SourceForm
from leads.models import AssignmentRule, Reason, Source

Managed = Reason | Source | AssignmentRule
MODELS: dict[str, type[Managed]] = {"reasons": Reason, "sources": Source, "assignment": AssignmentRule}
PAGES = {Reason: "settings_reasons", Source: "settings_sources", AssignmentRule: "settings_assignment"}
ORDER = ("position", "id")


def _row(which: str, pk: int) -> Any:
    if which not in MODELS:
        raise Http404
    return get_object_or_404(MODELS[which], pk=pk)


@for_admins
@require_safe
def reasons(request: HttpRequest) -> HttpResponse:
    """The reasons of one kind of move (?kind=lose)."""
    kind = request.GET.get("kind", Reason.Kind.SEND_BACK)
    if kind not in Reason.Kind.values:
        raise Http404
    page = keyset.page(Reason.objects.filter(kind=kind), request.GET.get("after", ""), order=ORDER, size=100)
    context = {"page": page, "kind": kind, "kinds": Reason.Kind.choices, "which": "reasons"}
    return show(request, "settings/reasons.html", context)


@for_admins
@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    page = keyset.page(Source.objects.all(), request.GET.get("after", ""), order=ORDER, size=100)
    return show(request, "settings/sources.html", {"page": page, "which": "sources"})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def reason(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new reason of ?kind=…, or one to rename."""
    kind = request.GET.get("kind", Reason.Kind.SEND_BACK)
    if kind not in Reason.Kind.values:
        raise Http404
    row = get_object_or_404(Reason, pk=pk) if pk else Reason(kind=kind, position=10_000)
    form = ReasonForm(request.POST or None, instance=row)
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        return _back(row)
    return show(request, "settings/reason.html", {"form": form, "row": row}, status=422 if form.is_bound else 200)


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def source(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(Source, pk=pk) if pk else Source(position=10_000)
    form = SourceForm(request.POST or None, instance=row)
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        return _back(row)
    return show(request, "settings/source.html", {"form": form, "row": row}, status=422 if form.is_bound else 200)


@for_admins
@require_POST
def step(request: HttpRequest, which: str, pk: int, direction: str) -> HttpResponse:
    """Move one row up or down by a button."""
    if direction not in {"up", "down"}:
        raise Http404
    row = _row(which, pk)
    managed_lists.step(row, direction, by=request.user)  # type: ignore[arg-type]
    return _back(row)


@for_admins
@require_POST
def visibility(request: HttpRequest, which: str, pk: int) -> HttpResponse:
    """Hide a row from choice, or offer it again."""
    row = _row(which, pk)
    managed_lists.set_active(row, request.POST.get("active") == "1", by=request.user)  # type: ignore[arg-type]
    return _back(row)


def _back(row: Managed) -> HttpResponse:
    answer = redirect(PAGES[type(row)])
    tail = f"#row-{row.pk}"
    answer["Location"] += f"?kind={row.kind}{tail}" if isinstance(row, Reason) else tail
    return answer


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def column_limits(request: HttpRequest) -> HttpResponse:
    form = ColumnLimitsForm(request.POST or None, instance=Workspace.objects.get_or_create(pk=1)[0])
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved."))
        return redirect("settings_columns")
    return show(request, "settings/columns.html", {"form": form}, status=422 if form.is_bound else 200)


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def checklist(request: HttpRequest) -> HttpResponse:
    form = ChecklistForm(request.POST or None, instance=qualification.checklist())
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved. Findings on topics that left the list stay in the lead’s history."))
        return redirect("settings_checklist")
    return show(request, "settings/checklist.html", {"form": form}, status=422 if form.is_bound else 200)
