"""Work on many rows: confirm what is meant, begin, watch, stop, undo, and fetch an exported file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import audit, keyset, listing, render_token
from crm.lists import actions, exporting, files, jobs, kinds
from crm.lists.actions import Action, ActionForm
from crm.lists.asking import Asked
from crm.models import ListJob
from crm.requests import SignedInRequest
from crm.views import lists

MOST_PICKED = 5_000


def _meant(request: SignedInRequest, asked: Asked) -> tuple[list[int], bool]:
    """Return the rows a request means, in the list's order, and whether it means all that fit."""
    if request.POST.get("all"):
        return jobs.selected(asked, None), True
    named = [listing.row_id(pk) for value in request.POST.getlist("ids") for pk in value.split(",")]
    return jobs.selected(asked, [pk for pk in dict.fromkeys(named) if pk][:MOST_PICKED]), False


@login_required
@require_POST
def prepare(request: SignedInRequest, kind: str) -> HttpResponse:
    """Rows were chosen and what to do with them: show how many that are, and ask what the action needs."""
    found = kinds.find(kind)
    asked = lists.asked_in(found, request, QueryDict(request.POST.get("query", "")))
    if not request.POST.get("action"):
        messages.error(request, _("Choose what to do with the rows."))
        return redirect(asked.address)
    action = actions.find(found.key, request.POST["action"], request.user)
    ids, everything = _meant(request, asked)
    if not ids:
        messages.error(request, _("Choose at least one row."))
        return redirect(asked.address)
    return _ask(request, asked, action, ids, everything, action.form(by=request.user))


def _ask(
    request: SignedInRequest, asked: Asked, action: Action, ids: list[int], everything: bool, form: Any, *,
    status: int = 200, meanwhile: int | None = None,
) -> HttpResponse:  # fmt: skip
    context = {
        "kind": asked.kind, "asked": asked, "action": action, "form": form, "count": len(ids), "everything": everything,
        "ids": "" if everything else ",".join(map(str, ids)),
        "token": request.POST.get("token") or render_token.issue(),
        "is_export": action.key == actions.EXPORT, "meanwhile": meanwhile, "most": exporting.MOST_IN_WORKBOOK,
        "words": asked.kind.counted(len(ids)), "undoable": action.undo is not None,
    }  # fmt: skip
    return render(request, "lists/jobs/confirm.html", context, status=status)


@login_required
@require_POST
def begin(request: SignedInRequest, kind: str) -> HttpResponse:
    """Freeze the rows and begin; asked again when by now it would be another number of them."""
    found = kinds.find(kind)
    asked = lists.asked_in(found, request, QueryDict(request.POST.get("query", "")))
    action = actions.find(found.key, request.POST.get("action", ""), request.user)
    form: ActionForm = action.form(request.POST, by=request.user)
    ids, everything = _meant(request, asked)
    try:
        token = render_token.read(request.POST.get("token", ""))
    except ValueError:
        messages.error(request, _("This form is no longer valid. Please send it once more."))
        return redirect(asked.address)
    if again := ListJob.objects.filter(token=token, by=request.user).first():
        return redirect("list_job", pk=again.pk)
    if not ids:
        messages.error(request, _("Choose at least one row."))
        return redirect(asked.address)
    if not form.is_valid():
        return _ask(request, asked, action, ids, everything, form, status=400)
    seen = listing.row_id(request.POST.get("count", ""))
    if seen != len(ids):
        return _ask(request, asked, action, ids, everything, form, status=409, meanwhile=seen)
    if form.cleaned_data.get("format") == "xlsx" and len(ids) > exporting.MOST_IN_WORKBOOK:
        form.add_error("format", _("A workbook holds at most 100,000 rows here. Choose CSV."))
        return _ask(request, asked, action, ids, everything, form, status=400)
    words = " · ".join(part for part in (str(action.label), form.words()) if part)
    job = jobs.begin(asked, action, form.params(), ids, token=token, words=words, everything=everything)
    jobs.at_once(job)
    return redirect("list_job", pk=job.pk)


# --- Looking --------------------------------------------------------------------------------------


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """One's own jobs, newest first; an admin sees everybody's."""
    rows = ListJob.objects.visible_to(request.user).select_related("by")
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",), size=30)
    return render(request, "lists/jobs/index.html", {"page": page, "kinds": kinds.KINDS})


def find(request: SignedInRequest, pk: int) -> ListJob:
    """Return the job, if this person may see it."""
    return get_object_or_404(ListJob.objects.visible_to(request.user).select_related("by"), pk=pk)


@login_required
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """How far a job is, or what became of every row."""
    job = find(request, pk)
    wanted = request.GET.get("outcome", "")
    lines = job.lines.filter(outcome=wanted) if wanted in jobs.Outcome.values else job.lines.all()
    found = keyset.page(lines, request.GET.get("after", ""), order=("number",), size=100)
    kind = kinds.find(job.kind)
    names = {
        row.pk: kind.name_of(row)
        for row in kind.related(kind.rows(request.user)).filter(pk__in=[line.object_id for line in found.rows])
    }
    context = {
        "job": job, "kind": kind, "progress": jobs.progress(job), "page": found, "outcome": wanted,
        "lines": [(line, names.get(line.object_id, "")) for line in found.rows],
        "asked": Asked.read(kind, QueryDict(job.query), request.user), "row_url": kind.row_url,
        "mine": job.by_id == request.user.pk, "undoable": jobs.may_be_undone(job),
        "keep": f"outcome={wanted}" if wanted else "",
    }  # fmt: skip
    is_part = request.htmx and request.htmx.target == "state"
    return render(request, "lists/jobs/_state.html" if is_part else "lists/jobs/page.html", context)


# --- Deciding -------------------------------------------------------------------------------------


@login_required
@require_POST
def act(request: SignedInRequest, pk: int, verb: str) -> HttpResponse:
    """Stop, resume or undo one's own job."""
    job = get_object_or_404(ListJob.objects.select_related("by"), pk=pk, by=request.user)
    does: dict[str, Callable[[ListJob], None]] = {"stop": jobs.stop, "resume": jobs.resume, "undo": jobs.undo}
    try:
        does[verb](job)
    except jobs.NotPossible as error:
        messages.error(request, str(error))
    else:
        if verb != "stop":
            jobs.at_once(job)
    return redirect("list_job", pk=pk)


@login_required
@require_safe
def file(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """The exported file, for who asked for it, for 24 hours; every download is in the audit log."""
    job = get_object_or_404(ListJob.objects.select_related("by"), pk=pk, by=request.user, action=actions.EXPORT)
    if not job.has_file or not actions.roles.may_export(request.user):
        return render(request, "lists/jobs/gone.html", {"job": job, "kind": kinds.find(job.kind)}, status=410)
    try:
        content = files.path_of(job.stored_as).open("rb")
    except FileNotFoundError:
        return render(request, "lists/jobs/gone.html", {"job": job, "kind": kinds.find(job.kind)}, status=410)
    if request.method == "GET":
        audit.record(request.user, "export.downloaded", f"list_job:{job.pk}", rows=job.done)
    answer = FileResponse(
        content, as_attachment=True, filename=exporting.file_name(job),
        content_type=exporting.TYPES[job.params["format"]],
    )  # fmt: skip
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
