"""All tokens of the workspace: whose, for what, until when; an admin revokes any of them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import api_tokens, keyset
from crm.models import ApiToken
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_safe
def all_tokens(request: HttpRequest) -> HttpResponse:
    rows = ApiToken.objects.select_related("user")
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",))
    return show(request, "settings/tokens.html", {"page": page})


@for_admins
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk)
    if api_tokens.revoke(token, by=request.user):  # type: ignore[arg-type]
        messages.success(request, _("The token is revoked. Programs that use it are refused from now on."))
    return redirect("settings_tokens")
