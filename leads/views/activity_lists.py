"""A list of what people did elsewhere: looked at first, then stored; each row with what became of it."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from crm.requests import SignedInRequest
from leads import activity_lists
from leads.activity_list_forms import ActivityListForm
from leads.views.imports import importer

SHOWN = 200


@importer
@require_http_methods(["GET", "HEAD", "POST"])
def activity_list(request: SignedInRequest) -> HttpResponseBase:
    """Check the list (act=check) or store it (act=store); the checked list stands in the form again."""
    if request.method != "POST":
        return _page(request, ActivityListForm(initial={"about": request.GET.get("about", "")}))
    form = ActivityListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    text, asked = form.cleaned_data["text"], form.asked()
    stores = request.POST.get("act") == "store"
    try:
        result = activity_lists.take(text, asked, by=request.user) if stores else activity_lists.plan(text, asked)
    except activity_lists.Unreadable as error:
        form.add_error("file" if request.FILES else "pasted", str(error))
        return _page(request, form, status=422)
    again = request.POST.copy()
    again["pasted"] = text
    shown = ActivityListForm(initial={"about": asked.about}) if stores else ActivityListForm(initial=again.dict())
    return _page(request, shown, result=result, stored=stores)


def _page(
    request: SignedInRequest, form: ActivityListForm, *, result: activity_lists.Result | None = None,
    stored: bool = False, status: int = 200,
) -> HttpResponse:  # fmt: skip
    refused = result.refused if result else []
    context = {
        "form": form, "result": result, "is_stored": stored, "refused": refused[:SHOWN],
        "more": max(0, len(refused) - SHOWN), "rows": len(result.lines) if result else 0,
        "may_store": bool(result and result.stored and not stored),
    }  # fmt: skip
    return render(request, "leads/imports/activities.html", context, status=status)
