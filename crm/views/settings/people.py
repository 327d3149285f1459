"""Who works here: the list, an invitation, one person, and sending them away."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import keyset, sessions, staff
from crm.models import User
from crm.settings_forms.staff import PersonForm
from crm.signin import password_link
from crm.views.settings.entrance import for_admins, show

LINK = "invitation_link"


def _chosen(request: HttpRequest) -> QuerySet[User]:
    people = User.objects.select_related("team").filter(is_active=request.GET.get("away") != "1")
    question = request.GET.get("q", "").strip()
    return people.filter(Q(name__icontains=question) | Q(email__icontains=question)) if question else people


@for_admins
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who may sign in, or those who no longer may (?away=1)."""
    page = keyset.page(_chosen(request), request.GET.get("after", ""), order=("name", "id"))
    return show(request, "settings/people.html", {"page": page, "q": request.GET.get("q", "")})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Add a person; they choose their password by a link."""
    form = PersonForm(request.POST or None)
    if form.is_valid():
        user, link = staff.invite(form.cleaned_data, by=request.user, link_for=password_link)  # type: ignore[arg-type]
        _hand_over(request, user, link)
        return redirect("settings_person", user.pk)
    return show(request, "settings/person.html", {"form": form}, status=422 if form.is_bound else 200)


@for_admins
@require_POST
def invite_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a new link; the older ones still hold until one of them is used."""
    user = get_object_or_404(User, pk=pk, is_active=True)
    link = password_link(user)
    staff.send_invitation(user, by=request.user, link=link)  # type: ignore[arg-type]
    _hand_over(request, user, link)
    return redirect("settings_person", pk)


def _hand_over(request: HttpRequest, user: User, link: str) -> None:
    """Say that the mail is on its way; where no mail server is set, keep the link for the next page, once."""
    if staff.mail_leaves():
        messages.success(request, _("The link is on its way to %(email)s.") % {"email": user.email})
    else:
        request.session[LINK] = [user.pk, link]


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they may do, where they are signed in, and how to send them away."""
    user = get_object_or_404(User.objects.select_related("team"), pk=pk)
    form = PersonForm(request.POST or None, person=user)
    if form.is_valid():
        try:
            changed = staff.change(user, form.cleaned_data, by=request.user)  # type: ignore[arg-type]
        except staff.LastAdmin:
            form.add_error("role", _("Somebody must stay admin. Give the role to another person first."))
        else:
            if changed:
                messages.success(request, _("Saved. It holds from their next click on."))
            return redirect("settings_person", pk)
    kept = request.session.pop(LINK, None)
    link = kept[1] if kept and kept[0] == pk else ""
    context = {
        "form": form, "person": user, "link": link, "sessions": sessions.living(user)[:20],
        "holdings": staff.holdings(user) if user.is_active else [],
    }  # fmt: skip
    return show(request, "settings/person.html", context, status=422 if form.errors else 200)


@for_admins
@require_POST
def send_away(request: HttpRequest, pk: int) -> HttpResponse:
    """End the person's sessions and let them in no more; the name must be typed (E6)."""
    user = get_object_or_404(User, pk=pk, is_active=True)
    if request.POST.get("typed", "").strip().casefold() != user.name.casefold():
        messages.error(request, _("The name did not match; nothing was changed."))
        return redirect("settings_person", pk)
    try:
        ended = staff.send_away(user, by=request.user)  # type: ignore[arg-type]
    except staff.LastAdmin:
        messages.error(request, _("Somebody must stay admin. Give the role to another person first."))
        return redirect("settings_person", pk)
    told = ngettext("%(count)d session ended.", "%(count)d sessions ended.", ended) % {"count": ended}
    messages.success(request, _("%(name)s may no longer sign in.") % {"name": user.name} + " " + told)
    return redirect("settings_people")


@for_admins
@require_POST
def bring_back(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk, is_active=False)
    staff.bring_back(user, by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("%(name)s may sign in again.") % {"name": user.name})
    return redirect("settings_person", pk)


@for_admins
@require_POST
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign the person out everywhere; they may sign in again."""
    user = get_object_or_404(User, pk=pk)
    mine = request.session.session_key if user.pk == request.user.pk else None
    ended = staff.end_sessions(user, by=request.user, but=mine)  # type: ignore[arg-type]
    messages.success(
        request, ngettext("%(count)d session ended.", "%(count)d sessions ended.", ended) % {"count": ended}
    )
    return redirect("settings_person", pk)
