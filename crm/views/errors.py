"""Pages for what went wrong, in words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from crm.api import problems


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_program(request):
        return problems.plain(request, 400, _("The request could not be understood."))
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {"why": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def wrong_method(request: HttpRequest, refused: HttpResponseNotAllowed) -> HttpResponse:
    """Say why an address that only takes forms shows nothing; what `refused` says of its methods is kept."""
    answer = render(request, "405.html", status=405)
    answer.headers["Allow"] = refused.headers["Allow"]
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """Say so without asking the database, which may be what failed."""
    if _is_program(request):
        return problems.plain(request, 500, _("Something broke on our side. Nothing was written."))
    return HttpResponse(render_to_string("500.html", {"request": request}), status=500)


def too_many(request: HttpRequest) -> HttpResponse:
    answer = render(request, "429.html", status=429)
    answer.headers["Retry-After"] = "60"
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403.html", {"csrf": True}, status=403)


def _is_program(request: HttpRequest) -> bool:
    return request.path.startswith("/api/v1/")
