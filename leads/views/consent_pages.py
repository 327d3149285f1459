"""The page behind the link of a mail: it confirms and withdraws by a button, never by being looked at (I46)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.models import Contact, Workspace
from crm.signin import client_address
from leads import confirming, gated_files, opt_in, submissions, withdrawing
from leads.models import Submission
from leads.views.public_forms import gone


@csrf_exempt  # the token in the address is the authority; the page sets no cookie, and mail tools post one click
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest, token: str) -> HttpResponse:
    """What waits, what holds, and a button for each; the word of the token decides what is shown."""
    submission = opt_in.find(token)
    contact = submission.contact if submission else withdrawing.whose(token)
    if submission is None and contact is None:
        return gone(request)
    language = _language(request, submission, contact)
    with translation.override(language):
        if request.method == "POST":
            answer = _act(request, token, submission, contact)
        else:
            answer = render(request, "public/consent.html", _told(request, token, submission, contact, language))
    answer.headers["Referrer-Policy"], answer.headers["Content-Language"] = "no-referrer", language
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _language(request: HttpRequest, submission: Submission | None, contact: Contact | None) -> str:
    wishes = [request.GET.get("lang"), submission.language if submission else "", contact.language if contact else ""]
    known = dict(settings.LANGUAGES)
    return next((wish for wish in wishes if wish in known), translation.get_language_from_request(request))


def _told(
    request: HttpRequest, token: str, submission: Submission | None, contact: Contact | None, language: str
) -> dict[str, Any]:
    waiting = opt_in.waiting(submission) if submission else []
    is_over = bool(submission and opt_in.is_over(submission))
    ready = opt_in.ready(submission) if submission else []
    done = request.GET.get("done", "")
    return {
        "token": token,
        "language": language,
        "waiting": [] if is_over else waiting,
        "is_over": is_over and bool(waiting),
        "ready": [(one, _link(one)) for one in ready],
        "given": withdrawing.given(contact) if contact else [],
        "done": done if done in {"confirmed", "withdrawn"} else "",
        "workspace": Workspace.objects.first() or Workspace(),
    }


def _link(one: opt_in.Request) -> tuple[str, str]:
    """Return (kind, what leads on) of something confirmed: a ticket for its file, or the page to go on to."""
    if hasattr(one.form, "file"):
        return "file", gated_files.ticket(one.submission)
    return ("page", one.form.then_url) if one.form.then_url else ("", "")


def _unsubscribe(submission: Submission | None, contact: Contact | None, ip: str) -> None:
    """Take back every consent to e-mail, and what still waits for a confirmation; a mail program posted one click."""
    if contact:
        keys = [f"{purpose}:{channel}" for purpose, channel, _event in withdrawing.given(contact) if channel == "email"]
        withdrawing.withdraw(contact, keys, ip=ip)
    if submission:
        submissions.call_off(submission)


def _act(request: HttpRequest, token: str, submission: Submission | None, contact: Contact | None) -> HttpResponse:
    ip = client_address(request)
    done = "confirmed"
    if request.POST.get("List-Unsubscribe") == "One-Click":
        _unsubscribe(submission, contact, ip)
        return HttpResponse(status=200)
    if request.POST.get("act") == "withdraw" and contact:
        withdrawing.withdraw(contact, request.POST.getlist("key"), ip=ip)
        done = "withdrawn"
    elif request.POST.get("act") == "confirm" and submission and not opt_in.is_over(submission):
        ids = [int(pk) for pk in request.POST.getlist("request") if pk.isascii() and pk.isdigit() and len(pk) < 19]
        confirming.confirm(submission, ids, ip=ip)
    answer = redirect("consent", token=token)
    answer["Location"] += f"?done={done}"
    answer.status_code = 303
    return answer
