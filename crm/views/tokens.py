"""One's own tokens for programs: made and shown once, replaced, revoked (E3)."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm import api_tokens
from crm.models import ApiToken
from crm.settings_forms.tokens import TokenForm
from crm.signin import proved_recently

MADE = "token_made"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """My tokens; a POST makes one and answers with its text, which is stored nowhere."""
    form = TokenForm(request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not proved_recently(request):
        return reauthentication_required(tokens)(request)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    if _made_before(request, given["once"]):
        return redirect("tokens")
    user = request.user
    token, text = api_tokens.issue(user, given["scopes"], name=given["name"], days=given["days"], by=user)  # type: ignore[arg-type]
    return _page(request, TokenForm(), new=token, text=text)


def _made_before(request: HttpRequest, once: str) -> bool:
    """Whether this rendering of the form has made its token already, as when the page is loaded again."""
    if request.session.get(MADE) == once:
        messages.info(
            request,
            _("This token is made already. It cannot be shown again; if it got lost, revoke it and make another."),
        )
        return True
    request.session[MADE] = once
    return False


def _page(
    request: HttpRequest, form: TokenForm, *, status: int = 200, new: ApiToken | None = None, text: str = ""
) -> HttpResponse:
    rows = ApiToken.objects.filter(user=request.user).order_by("-id")[:200]  # type: ignore[misc]
    context = {"form": form, "rows": rows, "new": new, "text": text}
    return render(request, "settings/own_tokens.html", context, status=status)


@login_required
@require_POST
def replace(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a successor; both are valid for a week."""
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    if not proved_recently(request):
        return reauthentication_required(replace)(request, pk)
    try:
        new, text = api_tokens.rotate(token, by=request.user)  # type: ignore[arg-type]
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("tokens")
    return _page(request, TokenForm(), new=new, text=text)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of mine at once."""
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    if api_tokens.revoke(token, by=request.user):  # type: ignore[arg-type]
        messages.success(request, _("The token is revoked. Programs that use it are refused from now on."))
    return redirect("tokens")
