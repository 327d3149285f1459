"""The steps of an import between upload and start: look, columns, their words, source and legal basis, check."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.requests import SignedInRequest
from leads.import_forms import BasisForm, LookForm
from leads.imports import MappingError, ReadingError, Table, batches, drafts, files, guessing, targets
from leads.imports.reading import as_text, sheets
from leads.models import ImportBatch, MappingTemplate, Source
from leads.stages import Stage
from leads.views.imports import find, importer, step_list

State = ImportBatch.State
CHECKED_AT_ONCE = 400 * 1024  # bytes of a list that is checked while the person waits


def step(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """A step of one import in the making; when it has begun meanwhile, its page says so."""

    @importer
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def prepared(request: SignedInRequest, pk: int) -> HttpResponse:
        batch = find(pk)
        if batch.state not in ImportBatch.PREPARED or not batch.choices:
            return redirect("import", pk=pk)
        try:
            return view(request, batch)
        except drafts.TooLate:
            messages.error(request, _("This import has begun meanwhile."))
        except ReadingError as error:
            messages.error(request, str(error))
            return redirect("import_upload")
        return redirect("import", pk=pk)

    return prepared


def _posted(request: SignedInRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _show(request: SignedInRequest, batch: ImportBatch, name: str, context: dict[str, Any], status: int = 200) -> Any:
    shown = {"batch": batch, "steps": step_list(batch, name)} | context
    return render(request, f"leads/imports/{name}.html", shown, status=status)


# --- Step 2: look ---------------------------------------------------------------------------------


@step
def look(request: SignedInRequest, batch: ImportBatch) -> HttpResponse:
    """How the list is read, with its first ten rows; each guess can be switched."""
    trouble, file = "", dict(batch.mapping.get("file", {}))
    try:
        table = batches.table_of(batch)
        looks = guessing.look(table)
    except ReadingError as error:  # an encoding that does not fit: say so, and go back to guessing
        trouble, table = str(error), Table(files.path_of(batch.stored_as))
        looks, file = guessing.look(table), {}
    order = guessing.date_order(looks)
    german = table.delimiter == ";" or order == guessing.DAY
    numbers, numbers_unclear = guessing.number_format(looks, german=german)
    initial = {
        "encoding": table.encoding, "delimiter": table.delimiter, "sheet": table.sheet, "named": "header" not in file,
        "dates": batch.choices.get("dates") or (order if order != guessing.UNCLEAR else ""),
        "numbers": batch.choices.get("numbers") or numbers,
    }  # fmt: skip
    names = sheets(table.path) if table.is_workbook else []
    form = LookForm(_posted(request), initial=initial, table=table, dates=order, sheets=names)
    if request.method == "POST" and form.is_valid():
        goes_on = "again" not in request.POST
        if goes_on:
            form.must_choose()
        if form.is_valid():
            _read_so(batch, form, table)
            return redirect("import_columns" if goes_on else "import_look", pk=batch.pk)
    context = {
        "form": form, "table": table, "looks": looks, "rows": [[as_text(c) for c in line.cells] for line in
        table.sample(10)], "trouble": trouble, "numbers_unclear": numbers_unclear, "first_row": table.sample(1),
    }  # fmt: skip
    return _show(request, batch, "look", context, status=422 if form.is_bound else 200)


def _read_so(batch: ImportBatch, form: LookForm, table: Table) -> None:
    """Note how the list is to be read; other columns than before are proposed anew."""
    given = form.cleaned_data
    file = {name: given[name] for name in ("encoding", "delimiter", "sheet") if given.get(name)}
    if not given["named"]:
        file["header"] = drafts.numbered(len(table.columns))
    mapping = batch.mapping | {"file": file}
    if file.get("sheet") != batch.mapping["file"].get("sheet") or bool(file.get("header")) != (
        "header" in batch.mapping["file"]
    ):
        mapping.pop("columns", None)
    chosen = {name: given[name] for name in ("dates", "numbers") if given.get(name)}
    try:
        Table(table.path, **file)
    except ReadingError as error:
        form.add_error("encoding" if "encoding" in form.fields else "sheet", str(error))
        raise
    drafts.save(batch, mapping=mapping, choices=drafts.reached(batch, "columns") | chosen)


# --- Step 3: columns ------------------------------------------------------------------------------


@step
def columns(request: SignedInRequest, batch: ImportBatch) -> HttpResponse:
    """What each column means; proposed by its name and its cells."""
    looks = guessing.look(batches.table_of(batch))
    if request.method == "POST":
        if "template" in request.POST:
            return _take_template(request, batch)
        mapping, trouble = _picked(request, batch, looks)
        if not trouble:
            if name := request.POST.get("save_as", "").strip()[:120]:
                drafts.keep_template(batch, name, by=request.user)
                messages.success(request, _("Kept as the template “%(name)s”.") % {"name": name})
            return redirect("import_words" if drafts.worded(mapping) else "import_basis", pk=batch.pk)
    else:
        trouble = ""
    shown = drafts.chosen(batch, looks)
    rows: list[dict[str, Any]] = [
        {"look": one, "place": place, "picked": shown[one.header]} for place, one in enumerate(looks)
    ]
    context = {
        "rows": rows, "groups": targets.groups(), "templates": MappingTemplate.objects.all()[:50], "trouble": trouble,
        "choices": batch.choices, "KEPT": drafts.KEPT, "unmatched": sum(not row["picked"]["to"] for row in rows),
        "stages": [choice for choice in Stage.choices if choice[0] != Stage.LEAD],
    }  # fmt: skip
    return _show(request, batch, "columns", context, status=422 if trouble else 200)


def _picked(request: SignedInRequest, batch: ImportBatch, looks: list[guessing.Look]) -> tuple[dict[str, Any], str]:
    """Note the columns that were posted; return the mapping and a sentence about what it lacks, or ''."""
    posted = request.POST
    known = {key for _group, rows in targets.groups() for key, _label in rows} | {drafts.LEAVE_OUT, drafts.KEPT}
    picked = {}
    for place, one in enumerate(looks):
        to = posted.get(f"to-{place}", "")
        picked[one.header] = (to if to in known else "", posted.get(f"name-{place}", ""))
    batch.choices |= {
        "system": drafts.system_name(posted.get("system", "")) if posted.get("system") else batch.choices["system"],
        "match_email": "match_email" in posted, "leads": "leads" in posted, "existing_only": "existing_only" in posted,
        "stage": posted["stage"] if posted.get("stage") in Stage.values else "",
    }  # fmt: skip
    mapping = drafts.with_columns(batch, looks, picked)
    drafts.save(batch, mapping=mapping, choices=drafts.reached(batch, "basis"))
    return mapping, _missing(mapping, [to for to, _name in picked.values()])


def _missing(mapping: dict[str, Any], picked: list[str]) -> str:
    """Return a sentence about what a mapping still lacks, '' when it can be used."""
    once = [to for to in picked if to and to not in {targets.OWN, targets.OWN_COMPANY, drafts.KEPT, "note"}]
    twice = sorted({to for to in once if once.count(to) > 1 and not to.startswith((targets.ACTIVITY, "lead.source"))})
    if twice:
        words = {key: label for _group, rows in targets.groups() for key, label in rows}
        return _("Two columns mean “%(target)s”. Leave one out or make it an own field.") % {"target": words[twice[0]]}
    if not mapping["columns"]:
        return _("Say of at least one column what it means.")
    try:
        batches.Mapping.from_dict(mapping)
    except MappingError as error:
        return str(error)
    return ""


def _take_template(request: SignedInRequest, batch: ImportBatch) -> HttpResponse:
    pk = request.POST["template"]
    template = get_object_or_404(MappingTemplate, pk=int(pk) if pk.isascii() and pk.isdigit() else 0)
    fitting = drafts.apply_template(batch, template)
    told = {"name": template.name, "count": fitting}
    messages.success(request, _("The template “%(name)s” fits %(count)d columns of this list.") % told)
    return redirect("import_columns", pk=batch.pk)


@importer
@require_POST
def drop_template(request: SignedInRequest, pk: int) -> HttpResponse:
    """Delete a kept mapping."""
    MappingTemplate.objects.filter(pk=pk).delete()
    messages.success(request, _("The template is gone."))
    return redirect("imports")


@step
def words(request: SignedInRequest, batch: ImportBatch) -> HttpResponse:
    """What the list's words for stages and sources mean here."""
    table = batches.table_of(batch)
    parts: list[dict[str, Any]] = []
    for number, (header, to) in enumerate(drafts.worded(batch.mapping)):
        found, more = guessing.words_of(table, header)
        known = batch.choices.get("words", {}).get(header)
        meant = known or drafts.guessed_words([word for word, _count in found], to)
        rows = [{"word": w, "count": n, "name": f"w-{number}-{i}", "meant": meant.get(w, "")}
                for i, (w, n) in enumerate(found)]  # fmt: skip
        parts.append({"header": header, "to": to, "rows": rows, "more": more, "options": _options(to)})
    if not parts:
        return redirect("import_basis", pk=batch.pk)
    if request.method == "POST":
        for part in parts:
            allowed = {key for key, _label in part["options"]}
            posted = {row["word"]: request.POST.get(row["name"], "") for row in part["rows"]}
            meant = {word: key if key in allowed else "" for word, key in posted.items()}
            mapping, choices = drafts.with_words(batch, part["header"], meant)
            drafts.save(batch, mapping=mapping, choices=choices)
        return redirect("import_basis", pk=batch.pk)
    shown = {"batch": batch, "steps": step_list(batch, "columns"), "parts": parts}
    return render(request, "leads/imports/words.html", shown)


def _options(to: str) -> list[tuple[str, str]]:
    if to == "lead.stage":
        return [(str(key), str(label)) for key, label in Stage.choices]
    return [(source.key, str(source)) for source in Source.objects.filter(active=True)]


# --- Step 4: source and legal basis ---------------------------------------------------------------


@step
def basis(request: SignedInRequest, batch: ImportBatch) -> HttpResponse:
    """Where the list comes from, and why it may be held."""
    if "columns" not in batch.mapping:
        return redirect("import_columns", pk=batch.pk)
    form = BasisForm(_posted(request), initial=BasisForm.initial_of(batch))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        received = given["received_on"].isoformat() if given["received_on"] else ""
        choices = drafts.reached(batch, "check") | {
            "detail": given["detail"], "origin": given["origin"], "received_on": received,
        }  # fmt: skip
        source = given["source"].key
        mapping = drafts.with_source(batch.mapping, choices, source)
        mapping = drafts.with_fixed(mapping, "lead.source_detail", given["detail"])
        drafts.save(batch, mapping=mapping, source=source, legal_basis=given["legal_basis"], choices=choices)
        check_now(batch)
        return redirect("import_check", pk=batch.pk)
    purchased = [source.pk for source in Source.objects.filter(low_trust=True)]
    return _show(request, batch, "basis", {"form": form, "purchased": purchased}, 422 if form.is_bound else 200)


# --- Step 5: check --------------------------------------------------------------------------------


def check_now(batch: ImportBatch) -> None:
    """Have the list checked: a small one at once, a large one by the worker."""
    batches.ask_check(batch)
    if files.path_of(batch.stored_as).stat().st_size <= CHECKED_AT_ONCE and (mine := batches.claimed(batch.pk)):
        batches.work(mine)


@step
def check(request: SignedInRequest, batch: ImportBatch) -> HttpResponse:
    """What would happen, what is wrong, and the places to put it right; POST checks again with the corrections."""
    if not batch.source or not batch.legal_basis:
        return redirect("import_basis", pk=batch.pk)
    if request.method == "POST":
        _correct(request, batch)
        check_now(batch)
        return redirect("import_check", pk=batch.pk)
    if batch.state == State.DRAFT and not batch.trouble:
        check_now(batch)
        batch.refresh_from_db()
    groups = batch.findings.get("groups", [])
    for number, group in enumerate(groups):
        group["number"], group["fixable"] = number, _is_fixable(batch, group)
        group["rest"] = group["count"] - sum(cell["count"] for cell in group["cells"])
    counts = batch.findings.get("counts", {})
    context = {
        "groups": groups, "counts": counts, "progress": batches.progress(batch),
        "checking": batch.state == State.CHECKING,
        "coming": counts.get("created", 0) + counts.get("updated", 0),
        "corrected": sum(len(cells) for cells in batch.corrections.values()),
        "refused": counts.get("failed", 0) + counts.get("skipped", 0),
    }  # fmt: skip
    return _show(request, batch, "check", context)


def _is_fixable(batch: ImportBatch, group: dict[str, Any]) -> bool:
    identity = batch.mapping.get("identity")
    key = identity.get("column") if isinstance(identity, dict) else None
    return group["level"] == "error" and bool(group["column"]) and group["column"] != key


def _correct(request: SignedInRequest, batch: ImportBatch) -> None:
    """Note the corrected cells: a cell is replaced wherever its column says the same; 'clear' empties faulty ones."""
    corrections = {column: dict(cells) for column, cells in batch.corrections.items()}
    lenient = set(batch.choices.get("lenient", []))
    for number, group in enumerate(batch.findings.get("groups", [])):
        if not _is_fixable(batch, group):
            continue
        if f"clear-{number}" in request.POST:
            lenient.add(group["column"])
        for place, cell in enumerate(group["cells"]):
            corrected = request.POST.get(f"fix-{number}-{place}", cell["value"])
            if corrected != cell["value"] and len(cell["value"]) < 200:
                into = corrections.setdefault(group["column"], {})
                original = next((old for old, new in into.items() if new == cell["value"]), cell["value"])
                into[original] = corrected[:500]
    drafts.save(batch, corrections=corrections, choices=batch.choices | {"lenient": sorted(lenient)})
