"""The workshop of forms: a list with their numbers, an editor with a preview beside it, the snippet to embed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_safe

from crm import consent_texts, keyset, roles
from crm.models import ConsentText, Workspace
from crm.requests import SignedInRequest
from leads import capture_fields, fair_capture, form_look
from leads import capture_form_editing as editing
from leads.capture_form_forms import (
    LOOK,
    TEXTS,
    CaptureFormForm,
    ConsentTextForm,
    FieldRows,
    from_rows,
    to_initial,
)
from leads.models import CaptureForm
from leads.public_form import TRAP, PublicForm

View = Callable[..., HttpResponse]


def for_marketing(view: View) -> View:
    """Let marketers and admins in; others may read the list, and are told who can help."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not roles.is_marketing(request.user):
            raise PermissionDenied(_("Only marketing builds forms."))
        return view(request, *args, **kwargs)

    return guarded


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """All forms with what came of them."""
    forms = CaptureForm.objects.exclude(slug__in=fair_capture.SLUGS).select_related("kind")
    page = keyset.page(forms, request.GET.get("after", ""), order=("name", "id"))
    told = editing.numbers([form.pk for form in page.rows])
    context = {
        "page": page,
        "rows": [(form, told[form.pk]) for form in page.rows],
        "builds": roles.is_marketing(request.user),
        "doubtful": _doubtful(request),
    }
    return render(request, "forms/index.html", context)


def _doubtful(request: SignedInRequest) -> int:
    from leads.models import Submission

    if not roles.is_marketing(request.user):
        return 0
    return Submission.objects.filter(state=Submission.State.QUARANTINED).count()


@for_marketing
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """One form to build; the buttons of its rows change what is shown, only saving changes the form."""
    row = get_object_or_404(CaptureForm, pk=pk) if pk else CaptureForm(fields=list(editing.FIRST_FIELDS))
    if request.method != "POST":
        return _shown(request, row, CaptureFormForm(instance=row), row.fields)
    formset = FieldRows(request.POST, prefix="row")
    rows = from_rows(formset)
    act = request.POST.get("act", "save")
    if act != "save":
        rows = _changed(rows, act, request)
        return _shown(request, row, _as_typed(request, row), rows, unsaved=True)
    form = CaptureFormForm(request.POST, request.FILES, instance=row)
    form.is_valid()
    form.shape(rows)
    if not formset.is_valid():
        form.add_error(None, _("At most twelve fields, each with a label of at most 80 characters."))
    if form.errors:
        return _shown(request, row, form, rows, status=422)
    saved = form.record(request.user)
    messages.success(request, _("Saved."))
    return redirect("capture_form", pk=saved.pk)


def _changed(rows: list[dict[str, Any]], act: str, request: HttpRequest) -> list[dict[str, Any]]:
    if act == "add":
        return editing.added(rows, request.POST.get("add", ""), request.POST.get("add_label", "").strip()[:40])
    return editing.moved(rows, act)


def _as_typed(request: HttpRequest, row: CaptureForm) -> CaptureFormForm:
    """Return the form showing what was typed, without judging it."""
    blank = CaptureFormForm(instance=row)
    typed = {
        name: field.widget.value_from_datadict(request.POST, request.FILES, name)
        for name, field in blank.fields.items()
        if name != "file"
    }
    return CaptureFormForm(instance=row, initial=typed)


def _shown(
    request: HttpRequest, row: CaptureForm, form: CaptureFormForm, rows: list[dict[str, Any]], *,
    unsaved: bool = False, status: int = 200,
) -> HttpResponse:  # fmt: skip
    taken = {one["name"] for one in rows}
    hands_out = hasattr(row, "file") if row.pk else False
    context = {
        "row": row,
        "form": form,
        "rows": FieldRows(initial=to_initial(rows), prefix="row"),
        "choices": [known for known in capture_fields.KNOWN.values() if known.name not in taken],
        "unsaved": unsaved,
        "warnings": list(editing.warnings(row, hands_out=hands_out)) if row.pk else [],
        "file": getattr(row, "file", None) if row.pk else None,
        "languages": [(code, translation.get_language_info(code)["name_translated"]) for code in editing.LANGUAGES],
    }
    answer = render(request, "forms/edit.html", context, status=status)
    answer._csp_replace = {"frame-src": [SELF]}  # type: ignore[attr-defined]
    return answer


@for_marketing
@xframe_options_sameorigin
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: SignedInRequest, pk: int | None = None) -> HttpResponse:
    """The form as strangers would see it, from what is typed or from what is kept; nothing can be sent from it."""
    row = get_object_or_404(CaptureForm, pk=pk) if pk else CaptureForm(fields=list(editing.FIRST_FIELDS))
    if request.method == "POST":
        _imagine(row, request)
    language = request.POST.get("preview_language") or request.GET.get("lang", "")
    written = row.languages or list(editing.LANGUAGES)
    language = language if language in editing.LANGUAGES else written[0]
    with translation.override(language):
        context = {
            "capture": row,
            "text": row.texts.get(language, {}),
            "language": language,
            "workspace": Workspace.objects.first() or Workspace(),
            "form": PublicForm(row, language),
            "trap": TRAP,
            "preview": True,
            "look": {name: value for name, value in row.look.items() if value},
        }
        answer = render(request, "forms/preview.html", context)
    answer._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]
    return answer


def _imagine(row: CaptureForm, request: HttpRequest) -> None:
    """Put what is typed into an unsaved form, as far as it can be shown."""
    told = _as_typed(request, row).initial
    known = {known.name for known in capture_fields.KNOWN.values()}
    row.texts = {code: {name: told.get(f"{code}_{name}") or "" for name in TEXTS} for code in editing.LANGUAGES}
    row.look = {name: told.get(f"look_{name}") or "" for name in LOOK}
    row.consents = list(told.get("consents_asked") or [])
    row.kind_id = str(told.get("kind") or "contact_form")
    rows = from_rows(FieldRows(request.POST, prefix="row"))
    row.fields = [one for one in rows if one["name"] in known or one["name"].startswith(capture_fields.CUSTOM)][:12]


@for_marketing
@require_safe
def look_preview(request: SignedInRequest) -> HttpResponse:
    """The stylesheet of a look that is being chosen; '' while it cannot be read."""
    look = {name: request.GET.get(name, "")[:120] for name in LOOK}
    return HttpResponse(form_look.stylesheet(look), content_type="text/css")


@for_marketing
@require_safe
def embed(request: SignedInRequest, pk: int) -> HttpResponse:
    """How a form gets into a web site: the snippet, the address, the variables."""
    row = get_object_or_404(CaptureForm, pk=pk)
    context = {"row": row, "first": (row.languages or ["en"])[0], "site": settings.SITE_URL}
    return render(request, "forms/embed.html", context)


@for_marketing
@require_http_methods(["GET", "HEAD", "POST"])
def texts(request: SignedInRequest) -> HttpResponse:
    """The words of consent with their versions; new words become the next one."""
    form = ConsentTextForm(request.POST or None, initial={"language": request.user.language, "channel": "email"})
    if request.method == "POST" and form.is_valid():
        text = consent_texts.publish(**form.cleaned_data, by=request.user)
        messages.success(request, _("Version %(number)d holds from now on.") % {"number": text.version})
        return redirect("consent_texts")
    rows = ConsentText.objects.select_related("created_by").order_by("purpose", "channel", "language", "-version")
    page = keyset.page(rows, request.GET.get("after", ""), order=("purpose", "channel", "language", "-version"))
    return render(request, "forms/texts.html", {"form": form, "page": page}, status=422 if form.is_bound else 200)
