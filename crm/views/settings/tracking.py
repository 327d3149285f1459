"""Write keys, and the rules that say what pages and events mean."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import audit, keyset
from crm.models import TrackingRule, WriteKey
from crm.settings_forms.tracking import TrackingRuleForm, WriteKeyForm
from crm.tracking import keys
from crm.views.settings.entrance import for_admins, show

About = TrackingRule.About


@for_admins
@require_safe
def tracking(request: HttpRequest) -> HttpResponse:
    """The write keys, and the rules of one kind (?about=event)."""
    about = request.GET.get("about", About.PAGE)
    about = about if about in About.values else About.PAGE
    page = keyset.page(
        TrackingRule.objects.filter(about=about).select_related("kind"), request.GET.get("after", ""),
        order=("position", "id"),
    )  # fmt: skip
    context = {"keys": WriteKey.objects.order_by("revoked_at", "id")[:200], "page": page, "about": about}
    return show(request, "settings/tracking.html", context | {"abouts": About.choices})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def write_key(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new key, shown this once, or one to rename."""
    row = get_object_or_404(WriteKey, pk=pk, revoked_at=None) if pk else None
    form = WriteKeyForm(request.POST or None, instance=row)
    context = {"form": form, "row": row}
    if not form.is_valid():
        return show(request, "settings/write_key.html", context, status=422 if form.is_bound else 200)
    if row is None:
        made = keys.create(form.instance, by=request.user)  # type: ignore[arg-type]
        return show(request, "settings/write_key_made.html", {"row": form.instance, "key": made})
    form.record(request.user)  # type: ignore[arg-type]
    messages.success(request, _("Saved."))
    return redirect("settings_tracking")


@for_admins
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(WriteKey, pk=pk)
    keys.revoke(row, by=request.user)  # type: ignore[arg-type]
    messages.success(request, _("The key is taken back. What sends with it is refused from now on."))
    return redirect("settings_tracking")


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(TrackingRule, pk=pk) if pk else None
    form = TrackingRuleForm(request.POST or None, instance=row, initial={"about": request.GET.get("about", About.PAGE)})
    if form.is_valid():
        form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved. It counts for what comes in from now on."))
        return redirect("settings_tracking")
    context = {"form": form, "row": row}
    return show(request, "settings/tracking_rule.html", context, status=422 if form.is_bound else 200)


@for_admins
@require_POST
def remove_rule(request: HttpRequest, pk: int) -> HttpResponse:
    with transaction.atomic():
        row = get_object_or_404(TrackingRule, pk=pk)
        audit.record(request.user, "tracking_rule.removed", f"tracking_rule:{pk}", pattern=row.pattern)  # type: ignore[arg-type]
        row.delete()
    messages.success(request, _("Removed."))
    return redirect("settings_tracking")
