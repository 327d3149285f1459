"""The editor of a draft: criteria as sentences, groups, bars. Every step is a plain form; htmx only opens in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.models import ActivityKind
from crm.requests import SignedInRequest
from scoring import contents, desk, drafting, reading, signing, versions
from scoring.facts import Fact, fact
from scoring.forms import (
    BarsForm,
    CriterionForm,
    Editing,
    FactForm,
    GroupForm,
    catalogue,
    comparisons,
    criterion_form,
    happenings,
)
from scoring.models import Criterion, ScorecardVersion

View = Callable[..., HttpResponse]


def for_drafters(view: View) -> View:
    """Let those in who may change scorecards: marketers, sales leads, admins."""

    @login_required
    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not signing.may_draft(request.user):
            raise PermissionDenied(_("Sales reps read scorecards; marketers, sales leads and admins change them."))
        return view(request, *args, **kwargs)

    return guarded


def open_version(pk: int) -> ScorecardVersion:
    """Return a version that can be worked on; 404 for one that is frozen or unknown."""
    return get_object_or_404(ScorecardVersion.objects.select_related("scorecard"), pk=pk, state__in=versions.OPEN)


# --- The page -----------------------------------------------------------------------------------------


@for_drafters
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    version = get_object_or_404(ScorecardVersion.objects.select_related("scorecard"), pk=pk)
    if version.state not in versions.OPEN:
        return redirect("scorecard_version", pk)
    return _page(request, version, _opened(request, version, request.GET.get("open", "")))


def _page(
    request: SignedInRequest, version: ScorecardVersion, opened: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "desk": desk.of(version), "card": reading.of(version), "version": version, "opened": opened or {},
        "history": versions.history(version)[:1], "signatures": signing.valid(version),
        "is_alone": signing.is_alone(),
    }  # fmt: skip
    return render(request, "scoring/editor/page.html", context, status=status)


def _opened(request: SignedInRequest, version: ScorecardVersion, what: str) -> dict[str, Any] | None:
    """Return the form that `?open=` asks for: a criterion, a group or the bars."""
    sort, _dash, number = what.partition("-")
    if sort == "bars":
        return {"bars": BarsForm.of(None, version, drafting.seal_of(version))}
    if sort not in {"criterion", "group"} or not number.isdigit():
        return None
    if sort == "group":
        group = get_object_or_404(version.groups, pk=number)
        return {"group": group.pk, "form": GroupForm.of(None, group, drafting.seal_of(group))}
    row = get_object_or_404(version.criteria.select_related("group", "activity_kind"), pk=number)
    form = criterion_form(
        version, _question(row), operator=request.GET.get("operator", ""), row=row, seen=drafting.seal_of(row)
    )
    return {"criterion": row.pk, "form": form, "operators": _operators(form)}


def _question(row: Criterion) -> Fact | ActivityKind:
    """Return what a criterion asks about; a fact that is gone is asked as an own field, so that it can be mended."""
    if row.activity_kind:
        return row.activity_kind
    try:
        return fact(row.fact)
    except KeyError:
        raise Http404 from None


def _operators(form: CriterionForm) -> list[Any]:
    return comparisons(form.asked) if isinstance(form, FactForm) else []


def _back(version: ScorecardVersion, anchor: str = "") -> HttpResponse:
    return redirect(reverse("scorecard_edit", args=[version.pk]) + (f"#{anchor}" if anchor else ""))


def _attempt(request: SignedInRequest, version: ScorecardVersion, change: Callable[[], Any]) -> HttpResponse | None:
    """Run a change that needs no form; a refusal becomes a message."""
    try:
        change()
    except versions.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    except versions.Refused as error:
        messages.error(request, str(error))
        return _back(version)
    return None


def _save(
    request: SignedInRequest,
    version: ScorecardVersion,
    form: Editing,
    change: Callable[[], Any],
    again: Callable[[int], HttpResponse],
) -> HttpResponse | Any:
    """Validate and run a change; its result, or the page that says what was wrong (422) or who was faster (409)."""
    if not form.is_valid():
        return again(422)
    try:
        return change()
    except ValidationError as error:
        form.take(error)
        return again(422)
    except drafting.Conflict as conflict:
        return _conflict(request, version, form, conflict.current)
    except versions.Forbidden as error:
        raise PermissionDenied(str(error)) from error
    except versions.Refused as error:
        form.add_error(None, str(error))
        return again(409)


def _conflict(request: SignedInRequest, version: ScorecardVersion, form: Editing, current: Any) -> HttpResponse:
    """Show what one typed beside what is stored now; sending again writes over it, knowingly."""
    mine, theirs = form.said(), _stored(current)  # type: ignore[attr-defined]
    labels = {name: str(field.label or name) for name, field in form.fields.items()}
    rows = [
        (labels.get(name) or str(contents.LABELS.get(name, name)), mine[name], theirs.get(name))
        for name in mine
        if theirs is not None and name in theirs and mine[name] != theirs[name]
    ] if theirs is not None else []  # fmt: skip
    posted = [(name, one) for name in request.POST for one in request.POST.getlist(name)]
    context = {
        "version": version, "rows": rows, "gone": current is None,
        "last": versions.history(version)[:1],
        "posted": [(name, one) for name, one in posted if name not in {"seen", "csrfmiddlewaretoken"}],
        "seen": drafting.seal_of(current) if current is not None else "",
    }  # fmt: skip
    return render(request, "scoring/editor/conflict.html", context, status=409)


def _stored(current: Any) -> dict[str, Any] | None:
    if current is None:
        return None
    if isinstance(current, ScorecardVersion):
        return contents.of_bars(current)
    if isinstance(current, Criterion):
        return contents.of_criterion(current) | {"label": str(current)}
    return contents.of_group(current) | {"label": str(current)}


# --- Criteria -----------------------------------------------------------------------------------------


@for_drafters
@require_http_methods(["GET", "HEAD", "POST"])
def new_criterion(request: SignedInRequest, pk: int) -> HttpResponse:
    """First the question (?fact= or ?activity=), then its form."""
    version = open_version(pk)
    asked = _asked(request)
    if asked is None:
        context = {"version": version, "facts": catalogue(), "activities": happenings()}
        return render(request, "scoring/editor/choose.html", context)
    operator = request.POST.get("operator") or request.GET.get("operator", "")
    groups = version.groups.filter(dimension="fit" if isinstance(asked, Fact) else "engagement")
    first = request.GET.get("group") or getattr(groups.first(), "key", "")
    form = criterion_form(version, asked, request.POST or None, operator=operator, prefer=first)

    def show(status: int) -> HttpResponse:
        context = {"version": version, "form": form, "asked": asked, "operators": _operators(form)}
        return render(request, "scoring/editor/criterion.html", context, status=status)

    if request.method != "POST":
        return show(200)
    saved = _save(request, version, form, lambda: _added(version, form, request), show)
    if isinstance(saved, HttpResponse):
        return saved
    messages.success(request, _("Added."))
    return _back(version, f"criterion-{saved.pk}")


def _added(version: ScorecardVersion, form: CriterionForm, request: SignedInRequest) -> Criterion:
    return drafting.save_criterion(version, form.said(), by=request.user)


def _asked(request: SignedInRequest) -> Fact | ActivityKind | None:
    """Return what the address asks about; 404 for something unknown."""
    if key := request.GET.get("activity", ""):
        return get_object_or_404(ActivityKind, pk=key[:60])
    key = request.GET.get("fact", "")
    if not key:
        return None
    try:
        return fact(key[:80])
    except KeyError:
        raise Http404 from None


@for_drafters
@require_http_methods(["GET", "HEAD", "POST"])
def criterion(request: SignedInRequest, pk: int, row: int) -> HttpResponse:
    version = open_version(pk)
    if request.method != "POST":
        asked = {"open": f"criterion-{row}"} | ({"operator": o} if (o := request.GET.get("operator")) else {})
        return redirect(f"{reverse('scorecard_edit', args=[pk])}?{urlencode(asked)}#criterion-{row}")
    stored = version.criteria.select_related("group", "activity_kind").filter(pk=row).first()
    if stored is None:
        messages.error(request, _("Somebody has removed this criterion meanwhile."))
        return _back(version)
    form = criterion_form(
        version, _question(stored), request.POST, operator=request.POST.get("operator", ""), row=stored
    )
    seen = request.POST.get("seen", "")

    def show(status: int) -> HttpResponse:
        return _page(request, version, {"criterion": row, "form": form, "operators": _operators(form)}, status)

    def change() -> Criterion:
        return drafting.save_criterion(version, form.said(), by=request.user, pk=row, seen=seen)

    saved = _save(request, version, form, change, show)
    return saved if isinstance(saved, HttpResponse) else _back(version, f"criterion-{row}")


@for_drafters
@require_POST
def remove(request: SignedInRequest, pk: int, what: str, row: int) -> HttpResponse:
    version = open_version(pk)
    seen = request.POST.get("seen", "")
    refused = _attempt(request, version, lambda: drafting.remove(version, what, row, by=request.user, seen=seen))
    if refused is None:
        messages.success(request, _("Removed."))
    return refused or _back(version)


@for_drafters
@require_POST
def move(request: SignedInRequest, pk: int, what: str, row: int) -> HttpResponse:
    version = open_version(pk)
    step = -1 if request.POST.get("to") == "up" else 1
    refused = _attempt(request, version, lambda: drafting.move(version, what, row, step, by=request.user))
    return refused or redirect(f"{reverse('scorecard_edit', args=[pk])}?open={what}-{row}#{what}-{row}")


# --- Groups and bars ------------------------------------------------------------------------------------


@for_drafters
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: SignedInRequest, pk: int, row: int | None = None) -> HttpResponse:
    version = open_version(pk)
    stored = get_object_or_404(version.groups, pk=row) if row else None
    if row and request.method != "POST":
        return redirect(f"{reverse('scorecard_edit', args=[pk])}?open=group-{row}#group-{row}")
    form = GroupForm.of(request.POST or None, stored, "")
    seen = request.POST.get("seen", "")

    def show(status: int) -> HttpResponse:
        if row:
            return _page(request, version, {"group": row, "form": form}, status)
        return render(request, "scoring/editor/group.html", {"version": version, "form": form}, status=status)

    if request.method != "POST":
        return show(200)
    saved = _save(
        request, version, form,
        lambda: drafting.save_group(version, form.said(), by=request.user, pk=row, seen=seen), show,
    )  # fmt: skip
    return saved if isinstance(saved, HttpResponse) else _back(version, f"group-{saved.pk}")


@for_drafters
@require_http_methods(["GET", "HEAD", "POST"])
def bars(request: SignedInRequest, pk: int) -> HttpResponse:
    version = open_version(pk)
    if request.method != "POST":
        return redirect(f"{reverse('scorecard_edit', args=[pk])}?open=bars#bars")
    form = BarsForm.of(request.POST, version, "")

    def show(status: int) -> HttpResponse:
        return _page(request, version, {"bars": form}, status)

    def change() -> bool:
        note, seen = form.cleaned_data["note"], form.cleaned_data["seen"]
        drafting.save_bars(version, form.said(), note=note, by=request.user, seen=seen)
        return True

    saved = _save(request, version, form, change, show)
    return saved if isinstance(saved, HttpResponse) else _back(version, "bars")
