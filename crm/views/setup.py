"""The first page of an empty installation."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from crm import first_start
from crm.settings_forms.setup import SetupForm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
def setup(request: HttpRequest) -> HttpResponse:
    """Make the workspace, its teams and its admin, and sign them in; gone as soon as somebody is there (I55)."""
    if not first_start.is_empty():
        raise Http404
    form = SetupForm(request.POST or None)
    if not form.is_valid():
        return render(request, "setup.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        admin = first_start.begin(form.beginning())
    except first_start.AlreadySetUp:
        raise Http404 from None
    record_authentication(request, admin, "password")
    login(request, admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    return redirect("/")
