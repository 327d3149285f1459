"""Nurture for marketers: the groups, who is in them, what may be sent, and the two lists behind that."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import keyset, listing, roles
from crm.requests import SignedInRequest
from leads import nurture
from leads.boards import MARKETING
from leads.models import NurtureContent, NurtureTopic, Phase
from leads.nurture_forms import ContentForm, TopicForm
from leads.views.kept_pages import keepers, readers

KINDS = {"topics": (NurtureTopic, TopicForm), "contents": (NurtureContent, ContentForm)}


for_readers = readers(MARKETING.admits)
for_keepers = keepers(for_readers, gettext_lazy("Topics and contents are kept by marketing."))


@for_readers
@require_safe
def index(request: SignedInRequest) -> HttpResponse:
    """Every topic with its groups, and what may be sent to each."""
    lines = nurture.overview(request.user)
    stamp = nurture.basis(line.topic for line in lines if line.topic)
    context = {
        "lines": lines, "phases": Phase.choices, "keeps": roles.is_marketing(request.user),
        "waiting": nurture.behind(stamp)[:10_000].count(), "has_topics": len(lines) > 1,
    }  # fmt: skip
    return render(request, "leads/nurture/index.html", context)


@for_readers
@require_safe
def group(request: SignedInRequest, phase: str, pk: int = 0) -> HttpResponse:
    """The leads of one group; topic 0 is for those none was recognised for."""
    topic = get_object_or_404(NurtureTopic, pk=pk) if pk else None
    if phase not in Phase.values:
        raise Http404
    members = nurture.members(request.user, topic, phase)
    line = next(line for line in nurture.overview(request.user) if line.topic == topic)
    context = {
        "topic": topic, "cell": next(cell for cell in line.cells if cell.phase == phase),
        "page": keyset.page(members, request.GET.get("after", ""), order=("-id",)),
    }  # fmt: skip
    return render(request, "leads/nurture/group.html", context)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, which: str, pk: int | None = None) -> HttpResponse:
    """A new topic or content, or one to change; refused when somebody was faster."""
    if which not in KINDS:
        raise Http404
    model, form_class = KINDS[which]
    row: Any = get_object_or_404(model, pk=pk) if pk else model()
    if not pk and request.method != "POST":
        row.topic_id = listing.row_id(request.GET.get("topic", "")) if which == "contents" else None
        row.phase = request.GET.get("phase", "") if which == "contents" else ""
    form = form_class(request.POST or None, instance=row)
    status, stale = 200, False
    if form.is_bound:
        status = 400
        if form.is_valid():
            row.version = form.cleaned_data["version"] or 0
            if nurture.save(row, form.values()):
                messages.success(request, _("Saved."))
                return redirect("nurture")
            row = get_object_or_404(model, pk=pk)
            data = request.POST.copy()
            data["version"] = str(row.version)
            form, status, stale = form_class(data, instance=row), 409, True
    context = {"form": form, "which": which, "row": row if pk else None, "stale": stale, "now": str(row)}
    return render(request, "leads/nurture/edit.html", context, status=status)


@for_keepers
@require_POST
def remove(request: SignedInRequest, which: str, pk: int) -> HttpResponse:
    """Take a topic (with its contents) or a content off the list."""
    if which not in KINDS:
        raise Http404
    get_object_or_404(KINDS[which][0], pk=pk).delete()
    messages.success(request, _("Taken off the list."))
    return redirect("nurture")
