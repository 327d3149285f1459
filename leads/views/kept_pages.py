"""Pages that some may read and marketing keeps: for the others they do not exist, who only reads is told so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise

from crm import roles
from crm.models import User

View = Callable[..., HttpResponse]
Guard = Callable[[View], View]


def readers(admits: Callable[[User], bool]) -> Guard:
    """Return the guard of a page for whom `admits` says so; 404 for the others."""

    def guard(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not admits(request.user):  # type: ignore[arg-type]
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return guard


def keepers(for_readers: Guard, refusal: str | Promise) -> Guard:
    """Return the guard that lets in marketing and admins among the readers; the others get `refusal`."""

    def guard(view: View) -> View:
        @for_readers
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not roles.is_marketing(request.user):  # type: ignore[arg-type]
                raise PermissionDenied(refusal)
            return view(request, *args, **kwargs)

        return guarded

    return guard
