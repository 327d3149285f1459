"""The forms strangers see: no cookie, no storage, no foreign host; they work without JavaScript and inside a frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from csp.constants import NONE, SELF
from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from crm.models import Workspace
from crm.signin import client_address
from crm.views.errors import too_many
from leads import form_look, form_tokens, gated_files, submissions
from leads.models import CaptureForm
from leads.public_form import TRAP, PublicForm
from leads.submissions import Sender, Sent

View = Callable[..., HttpResponse]


def open_to_all(view: View) -> View:
    """Let the form's own sites frame the answer, keep every cache away, and say nothing that sets a cookie."""

    @xframe_options_exempt
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            response = framed_by(gone(request), [])
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return shown


def gone(request: HttpRequest) -> HttpResponse:
    """Say that there is nothing, alike for what never was and what is closed (I45)."""
    context = {"language": translation.get_language(), "workspace": Workspace.objects.first() or Workspace()}
    return render(request, "public/gone.html", context, status=404)


def framed_by(response: HttpResponse, sites: list[str], *, goes_to: str = "") -> HttpResponse:
    """Let exactly `sites` frame the answer (I45), and let its form lead to `goes_to` besides ourselves."""
    replaced: dict[str, list[str]] = {"frame-ancestors": sites or [NONE]}
    if goes_to:
        parts = urlsplit(goes_to)
        replaced["form-action"] = [SELF, f"{parts.scheme}://{parts.netloc}"]
    response._csp_replace = replaced  # type: ignore[attr-defined]
    return response


def language_for(request: HttpRequest, capture: CaptureForm) -> str:
    """Return the language to speak: ?lang=, the browser's, the workspace's, or the form's first (F8)."""
    written = capture.languages or [settings.LANGUAGE_CODE]
    for wish in (request.GET.get("lang"), translation.get_language_from_request(request)):
        if wish in written:
            return wish
    workspace = Workspace.objects.values_list("language", flat=True).first()
    return workspace if workspace in written else written[0]


def is_at_home(request: HttpRequest, capture: CaptureForm) -> bool:
    """Whether a POST comes from our own page or from a site of the form; without the header nobody can tell."""
    origin = request.headers.get("Origin")
    ours = f"{request.scheme}://{request.get_host()}"
    return origin is None or origin in {ours, settings.SITE_URL, *capture.sites}


def frame(request: HttpRequest, capture: CaptureForm, language: str) -> dict[str, Any]:
    """Return what every public page of a form shows around its content."""
    query = request.GET.copy()
    others = []
    for code in capture.languages:
        if code != language:
            query["lang"] = code
            others.append((code, translation.get_language_info(code)["name_local"], f"?{query.urlencode()}"))
    return {
        "capture": capture,
        "text": capture.texts.get(language, {}),
        "language": language,
        "others": others,
        "embed": "embed" in request.GET,
        "workspace": Workspace.objects.first() or Workspace(),
    }


@csrf_exempt  # no cookie may be set here; the signed token of the rendered page and the Origin stand in for it
@open_to_all
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; what is sent is answered alike for everybody."""
    capture = get_object_or_404(CaptureForm.objects.public().select_related("kind", "campaign", "source"), slug=slug)
    language = language_for(request, capture)
    with translation.override(language):
        answer = _take(request, capture, language) if request.method == "POST" else _show(request, capture, language)
    answer.headers["Content-Language"] = language
    return framed_by(answer, capture.sites, goes_to=capture.then_url)


def _show(
    request: HttpRequest,
    capture: CaptureForm,
    language: str,
    filled: PublicForm | None = None,
    token: str | None = None,
) -> HttpResponse:
    token = token or form_tokens.issue(capture, form_tokens.context_of(request))
    context = frame(request, capture, language) | {
        "form": filled or PublicForm(capture, language),
        "token": token,
        "trap": TRAP,
        "action": request.get_full_path(),
    }
    return render(request, "public/form.html", context, status=400 if filled else 200)


def _take(request: HttpRequest, capture: CaptureForm, language: str) -> HttpResponse:
    if not is_at_home(request, capture):
        raise Http404
    filled = PublicForm(capture, language, request.POST)
    token = request.POST.get("token", "")
    try:
        rendering = form_tokens.read(capture, token)
    except ValueError:
        filled.add_error(None, _("This page was open for more than a day. Please send it once more."))
        return _show(request, capture, language, filled)
    if not filled.is_valid():
        return _show(request, capture, language, filled, token)
    sent = Sent(filled.typed(), filled.agreed_to(), language, rendering, trapped=bool(request.POST.get(TRAP)))
    try:
        submissions.receive(capture, sent, Sender(client_address(request), request.headers.get("User-Agent", "")))
    except submissions.Flood:
        return too_many(request)
    return _go_on(request, capture, language, mail=capture.waits_for_confirmation or bool(sent.texts))


def _go_on(request: HttpRequest, capture: CaptureForm, language: str, *, mail: bool) -> HttpResponse:
    """Lead to the next step; it depends on what was typed, never on whom we know."""
    if capture.then_url and not capture.waits_for_confirmation:
        return HttpResponseRedirect(capture.then_url)
    told = {"lang": language} | ({"mail": "1"} if mail else {}) | ({"embed": "1"} if "embed" in request.GET else {})
    answer = redirect("public_form_thanks", slug=capture.slug)
    answer["Location"] += f"?{urlencode(told)}"
    answer.status_code = 303
    return answer


@open_to_all
@require_safe
def thanks(request: HttpRequest, slug: str) -> HttpResponse:
    """What happens next: the same page for everybody, with or without a mail."""
    capture = get_object_or_404(CaptureForm.objects.public().select_related("kind"), slug=slug)
    language = language_for(request, capture)
    with translation.override(language):
        context = frame(request, capture, language) | {"mail": "mail" in request.GET, "sender": _sender()}
        answer = render(request, "public/thanks.html", context)
    answer.headers["Content-Language"] = language
    return framed_by(answer, capture.sites)


def _sender() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">")


@open_to_all
@require_safe
def look(request: HttpRequest, slug: str) -> HttpResponse:
    """The form's colours and font as the documented variables."""
    capture = get_object_or_404(CaptureForm, slug=slug)
    return HttpResponse(form_look.stylesheet(capture.look), content_type="text/css")


@open_to_all
@require_safe
def embed_script(request: HttpRequest) -> HttpResponse:
    """The script a site includes: it puts the form into a frame and lets it have its height."""
    source = (Path(settings.BASE_DIR) / "static" / "js" / "embed.js").read_text(encoding="utf-8")
    answer = HttpResponse(source, content_type="text/javascript; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@require_safe
def download(request: HttpRequest, slug: str, ticket: str) -> HttpResponse:
    """The file of a form for who has confirmed: never shown inside the browser, never under its own path."""
    try:
        file = gated_files.for_ticket(slug, ticket)
    except (signing.BadSignature, LookupError) as error:
        raise Http404 from error
    answer = HttpResponse(bytes(file.content), content_type=file.content_type)
    answer.headers["Content-Disposition"] = gated_files.disposition(file.name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer._csp_replace = {"default-src": [NONE], "sandbox": True}  # type: ignore[attr-defined]
    return answer
