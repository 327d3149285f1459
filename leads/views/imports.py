"""Imports: the list of them, a new one, and what became of one: progress, result, undo."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import keyset, roles, spreadsheet_cells
from crm.models import User
from crm.requests import SignedInRequest
from crm.workdays import local_date
from leads.import_forms import UploadForm
from leads.imports import MappingError, ReadingError, batches, checking, drafts, files, undoing
from leads.models import ImportBatch, ImportRow

State = ImportBatch.State
SAMPLE = (
    ("First name", "Last name", "E-mail", "Phone", "Company", "Job title", "City", "Lead since", "Stage", "Note"),
    ("Ada", "Lovelace", "ada@engines.example", "+44 20 7946 0018", "Engines Ltd", "Head of Procurement", "London",
     "2026-05-04", "lead", "Asked for a price list"),
    ("Jörg", "Müller", "joerg@mueller.example", "+49 30 1234567", "Müller & Söhne", "Geschäftsführer", "Köln",
     "2026-05-11", "mql", ""),
)  # fmt: skip


def importer(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let in who may import; the others are told who can."""

    @login_required
    @wraps(view)
    def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not roles.may_import(request.user):
            raise PermissionDenied(_("Marketing, sales leads and admins can import lists."))
        return view(request, *args, **kwargs)

    return guarded


def find(pk: int) -> ImportBatch:
    """Return the import, with whose it is; 404 when there is none."""
    return get_object_or_404(ImportBatch.objects.select_related("created_by"), pk=pk)


# --- The list and a new one -----------------------------------------------------------------------


@importer
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """All imports, the newest first."""
    rows = ImportBatch.objects.select_related("created_by").defer("mapping", "findings", "corrections")
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",), size=30)
    return render(request, "leads/imports.html", {"page": page})


@importer
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: SignedInRequest) -> HttpResponse:
    """Step 1: a file or a pasted table."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        try:
            batch = _kept(form, request.user)
        except ReadingError as error:
            form.add_error("file" if form.cleaned_data["file"] else "pasted", str(error))
        else:
            return redirect("import_look", pk=batch.pk)
    context = {"form": form, "steps": step_list(None, "upload")}
    return render(request, "leads/imports/upload.html", context, status=422 if form.is_bound else 200)


def _kept(form: UploadForm, user: User) -> ImportBatch:
    file: UploadedFile | None = form.cleaned_data["file"]
    if file:
        return drafts.begin(file.chunks(), file_name=file.name or "", by=user)
    return drafts.begin([form.cleaned_data["pasted"].encode()], file_name=_("pasted table"), by=user)


@importer
@require_safe
def sample(request: SignedInRequest) -> HttpResponseBase:
    """A small list to begin with."""
    return _as_csv(SAMPLE, "baton-sample.csv")


def step_list(batch: ImportBatch | None, here: str) -> list[dict[str, Any]]:
    """Return the five steps for the head of the page: the words, where they lead, and which is the present one."""
    words = {
        "upload": _("Upload"), "look": _("Look"), "columns": _("Columns"), "basis": _("Source and legal basis"),
        "check": _("Check and import"),
    }  # fmt: skip
    furthest = drafts.STEPS.index(batch.choices.get("step", "look")) if batch else 0
    return [
        {"name": name, "label": words[name], "here": name == here, "batch": batch,
         "open": bool(batch) and 0 < place <= furthest, "done": place < drafts.STEPS.index(here)}
        for place, name in enumerate(drafts.STEPS)
    ]  # fmt: skip


# --- One import -----------------------------------------------------------------------------------


@importer
@require_safe
def page(request: SignedInRequest, pk: int) -> HttpResponse:
    """How far it is, or what became of it; one that is being prepared leads to its furthest step."""
    batch = find(pk)
    if batch.state in ImportBatch.PREPARED and batch.choices:
        return redirect(f"import_{batch.choices.get('step', 'look')}", pk=pk)
    if batch.seen_at is None and batch.state not in ImportBatch.AT_WORK and batch.created_by == request.user:
        ImportBatch.objects.filter(pk=pk).update(seen_at=timezone.now())
    context = {
        "batch": batch, "progress": batches.progress(batch), "at_work": batch.state in ImportBatch.AT_WORK,
        "groups": _told(batch) if batch.state in ImportBatch.ENDED else [],
    } | notice_of(batch)  # fmt: skip
    template = "leads/imports/_state.html" if request.htmx and request.htmx.target == "state" else "leads/import.html"
    return render(request, template, context)


def notice_of(batch: ImportBatch) -> dict[str, Any]:
    """Return what the page needs to help with Art. 14: the text and by when it is due; nothing where it is not."""
    if not batch.choices or not drafts.comes_from_others(batch) or not batch.choices.get("received_on"):
        return {}
    due = drafts.due_date(drafts.date.fromisoformat(batch.choices["received_on"]))
    return {"notice": drafts.notice(batch), "due": due, "overdue": due < local_date(timezone.now())}


def _told(batch: ImportBatch) -> list[dict[str, Any]]:
    """Return what the rows had to tell, grouped, from the first thousand rows with something to tell."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    rows = batch.lines.exclude(messages=[]).order_by("number").values_list("number", "messages")
    for number, told in rows[:1000]:
        for message in told:
            if message["level"] == "note":
                continue
            group = groups.setdefault(
                (message["column"], message["text"]),
                {"column": message["column"], "text": message["text"], "level": message["level"], "rows": []},
            )
            group["rows"].append(number)
    return list(groups.values())[:20]


@importer
@require_POST
def act(request: SignedInRequest, pk: int, verb: str) -> HttpResponse:
    """Start, stop, resume or undo an import, or throw away one that was never started."""
    batch = find(pk)
    does: dict[str, Callable[[], object]] = {
        "start": lambda: batches.start(batch, by=request.user),
        "stop": lambda: batches.stop(batch, by=request.user),
        "resume": lambda: batches.resume(batch, by=request.user),
        "undo": lambda: batches.undo(batch, by=request.user),
    }
    try:
        does[verb]()
    except batches.NotPossible as error:
        messages.error(request, str(error))
    return redirect("import", pk=pk)


@importer
@require_POST
def discard(request: SignedInRequest, pk: int) -> HttpResponse:
    """Throw away a list that was uploaded and not imported."""
    batch = find(pk)
    gone, _more = ImportBatch.objects.filter(pk=pk, state__in=ImportBatch.PREPARED).delete()
    if gone:
        files.discard(batch.stored_as)
        messages.success(request, _("The list was thrown away; nothing had been imported."))
    return redirect("imports")


@importer
@require_POST
def informed(request: SignedInRequest, pk: int) -> HttpResponse:
    """Note that the people have been told that we hold their data (Art. 14)."""
    ImportBatch.objects.filter(pk=pk, informed_on=None).update(informed_on=local_date(timezone.now()))
    messages.success(request, _("Noted: the people have been informed."))
    return redirect("import", pk=pk)


@importer
@require_safe
def left(request: SignedInRequest, pk: int) -> HttpResponse:
    """What an undo left as it is, row by row with the reason."""
    batch = find(pk)
    page = keyset.page(undoing.left_rows(batch), request.GET.get("after", ""), order=("number",), size=100)
    people = User.objects.in_bulk({told["by"] for row in page.rows for told in row.left if told.get("by")})
    rows = [(row, undoing.sentences(row, people)) for row in page.rows]
    return render(request, "leads/imports/left.html", {"batch": batch, "rows": rows, "page": page})


# --- Refused rows ---------------------------------------------------------------------------------


@importer
@require_safe
def refused(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """The rows that would not, or did not, come in, as CSV with the reason: to be put right and brought in again."""
    batch = find(pk)
    try:
        job = batches.open_import(batch)
        rows = checking.refused(job) if batch.state in ImportBatch.PREPARED else _refused_since(batch)
        header = [*job.table.columns, _("Row"), _("Reason")]
    except (ReadingError, MappingError) as error:
        messages.error(request, str(error))
        return redirect("import", pk=pk)
    language = translation.get_language()
    lines = ([*cells, number, why] for number, cells, why in rows)
    name = f"baton-import-{batch.pk}-refused.csv"
    return _as_csv(_chain(header, lines), name, language=language or "en")


def _chain(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[Iterable[Any]]:
    yield header
    yield from rows


def _refused_since(batch: ImportBatch) -> Iterator[tuple[int, list[str], str]]:
    """Yield the refused rows of an import that has run, their cells from the kept list."""
    outcomes = [ImportRow.Outcome.FAILED, ImportRow.Outcome.SKIPPED]
    told = batch.lines.filter(outcome__in=outcomes).order_by("number").values_list("number", "messages")
    why = {number: " ".join(f"{m['column']}: {m['text']}".strip(": ") for m in said) for number, said in told}
    for line in batches.table_of(batch):
        if line.number in why:
            yield line.number, [str(cell) for cell in line.cells], why[line.number]


class _Echo:
    """What csv writes into: it hands each line back."""

    @staticmethod
    def write(line: str) -> str:
        return line


def _as_csv(rows: Iterable[Iterable[Any]], name: str, *, language: str = "en") -> StreamingHttpResponse:
    """Return rows as a CSV download with a mark, so that a spreadsheet knows the letters, and without formulas."""

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff"
        with translation.override(language):
            for row in rows:
                yield writer.writerow([spreadsheet_cells.safe(cell) for cell in row])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
