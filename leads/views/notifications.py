"""What a person was told: the list, opening one, and which mails they want."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import keyset
from crm.requests import SignedInRequest
from leads import notifications
from leads.models import Notification
from leads.notification_forms import WishesForm


@login_required
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """The newest first; leads one may no longer read are left out."""
    rows = Notification.objects.shown_to(request.user).select_related("by", "lead__contact__company", "lead__standing")
    unread = rows.unread()
    if only := request.GET.get("only") == "unread":
        rows = unread
    page = keyset.page(rows, request.GET.get("after", ""), order=("-at", "-id"))
    context = {"page": page, "told": notifications.read(page.rows), "only_unread": only, "any_unread": unread.exists()}
    return render(request, "leads/notifications.html", context)


@login_required
@require_POST
def open_one(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mark one as read and go to its lead."""
    row = get_object_or_404(Notification.objects.shown_to(request.user), pk=pk)
    notifications.mark_read(request.user, row.pk)
    return redirect("lead", row.lead_id)


@login_required
@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    notifications.mark_read(request.user)
    return redirect("notifications")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def wishes(request: SignedInRequest) -> HttpResponse:
    """Which mails the person wants: at once, once a day, none."""
    form = WishesForm(request.POST or None, user=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("notification_wishes")
    status = 422 if form.is_bound else 200
    return render(request, "leads/notification_wishes.html", {"form": form}, status=status)
