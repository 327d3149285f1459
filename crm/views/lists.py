"""What all lists share: the page, its filters, columns, saved views."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import listing
from crm.lists import actions, kinds, pages, views_kept
from crm.lists.asking import Asked
from crm.lists.kinds import Filter, ListKind
from crm.models import SavedView, User
from crm.requests import SignedInRequest

PARTS = {"list": "lists/_list.html", "more": "lists/_rows.html"}


def asked_in(kind: ListKind, request: SignedInRequest, query: QueryDict | None = None) -> Asked:
    """Return what the address (or `query`) asks of the list, with the reader's columns."""
    liked = views_kept.preference(kind, request.user)
    return Asked.read(kind, request.GET if query is None else query, request.user, remembered=liked.columns)


def show(request: SignedInRequest, kind: ListKind, **context: Any) -> HttpResponse:
    """Answer with a list: the whole page, or the part that htmx asks for."""
    liked = views_kept.preference(kind, request.user)
    if not request.GET and liked.view and not request.htmx:
        return redirect(views_kept.asked_by(liked.view, kind, request.user).address)
    asked = Asked.read(kind, request.GET, request.user, remembered=liked.columns)
    page = pages.read(asked, request.GET.get("after", ""))
    template = PARTS.get(request.htmx.target or "", "lists/page.html") if request.htmx else "lists/page.html"
    context |= {"kind": kind, "asked": asked, "page": page, "heads": _heads(asked), "actions": True}
    if template != "lists/_rows.html":
        context |= {"chips": asked.chips(), "actions": actions.of(kind.key, request.user)}
    if template == "lists/page.html":
        views = views_kept.of(kind, request.user)
        context |= {"views": _tabs(asked, views), "all_url": f"{kind.url}?view=all", **_current(asked, views)}
    return render(request, template, context)


def _heads(asked: Asked) -> list[dict[str, Any]]:
    return [
        {"column": column, "sorted": asked.sorted_by(column), "url": asked.resorted(column) if column.order else ""}
        for column in asked.shown
    ]


def _tabs(asked: Asked, views: Any) -> list[dict[str, Any]]:
    return [
        {
            "label": view.name, "url": views_kept.asked_by(view, asked.kind, asked.user).address,
            "current": str(view.pk) == asked.view, "of": "" if view.owner_id == asked.user.pk else view.owner.name,
        }
        for view in views
    ]  # fmt: skip


def _current(asked: Asked, views: Any) -> dict[str, Any]:
    """Return the view the address names, and whether it now asks for something else."""
    view = next((view for view in views if str(view.pk) == asked.view), None)
    if view is None:
        return {"view": None, "changed": asked.narrowed or bool(asked.sort)}
    kept = views_kept.asked_by(view, asked.kind, asked.user)
    return {"view": view, "changed": kept.pairs() != asked.also(columns=asked.columns or kept.columns).pairs()}


# --- Filters --------------------------------------------------------------------------------------


@login_required
@require_safe
def filters(request: SignedInRequest, kind: str) -> HttpResponse:
    """What a list can be narrowed by: a popover, or a page of its own."""
    found = kinds.find(kind)
    asked = asked_in(found, request)
    form = FilterForm(asked)
    kept = [pair for pair in asked.pairs() if pair[0] in {"q", "cols", "view"}]
    template = "lists/_filter_form.html" if request.htmx else "lists/filters.html"
    return render(request, template, {"kind": found, "asked": asked, "form": form, "kept": kept})


class FilterForm(forms.Form):
    """The filters of a list, sent by GET; "any" is a choice, so nothing here is optional."""

    use_required_attribute = False

    def __init__(self, asked: Asked) -> None:
        super().__init__(initial=asked.values | {"sort": asked.sort or asked.kind.sort}, auto_id="filter_%s")
        for one in asked.kind.filters:
            if one.key != "company":
                self.fields[one.key] = _field(one, asked.user)
        self.fields["sort"] = forms.ChoiceField(label=_("Order"), choices=_orders(asked.kind))
        for field in self.fields.values():
            field.needed = True  # type: ignore[attr-defined]


def _field(one: Filter, user: User) -> forms.Field:
    if one.choices:
        return forms.ChoiceField(label=one.label, choices=[("", _("any")), *one.choices(user)])
    if one.day:
        return forms.DateField(label=one.label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    return forms.CharField(label=one.label, max_length=120)


def _orders(kind: ListKind) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for column in kind.orders:
        both = [
            (column.key, _("%(column)s, rising") % {"column": column.label}),
            (f"-{column.key}", _("%(column)s, falling") % {"column": column.label}),
        ]
        found += reversed(both) if column.falls_first else both
    return found


# --- Columns --------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: SignedInRequest, kind: str) -> HttpResponse:
    """Choose the columns and their order; remembered for this person."""
    found = kinds.find(kind)
    asked = asked_in(found, request)
    if request.method == "POST":
        chosen = [] if "usual" in request.POST else _chosen(request.POST, found)
        views_kept.choose_columns(found, request.user, chosen)
        return redirect(asked.also(columns=()).address if asked.pairs() else f"{found.url}?view=all")
    shown = [column.key for column in asked.shown]
    rest = [column for column in found.columns if column.key not in shown]
    rows = [(column, True) for column in asked.shown] + [(column, False) for column in rest]
    context = {"kind": found, "asked": asked, "rows": [(n, *row) for n, row in enumerate(rows, start=1)]}
    return render(request, "lists/columns.html", context)


def _chosen(posted: QueryDict, kind: ListKind) -> list[str]:
    """Return the ticked columns by the places typed beside them."""
    ticked = [column.key for column in kind.columns if column.key in posted.getlist("show")]

    def place(key: str) -> tuple[int, int]:
        typed = posted.get(f"place-{key}", "")
        return (int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 999, ticked.index(key))

    return sorted(ticked, key=place)


# --- Saved views ----------------------------------------------------------------------------------


class ViewForm(forms.ModelForm):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = SavedView
        fields = ["name", "shared"]
        help_texts = {
            "shared": gettext_lazy("On: everybody finds it here; what they see follows from their own rights.")
        }


@login_required
@require_safe
def views(request: SignedInRequest, kind: str) -> HttpResponse:
    """All views of a list that the reader may use, to begin with, change or remove."""
    found = kinds.find(kind)
    rows = [
        (view, views_kept.asked_by(view, found, request.user), views_kept.may_change(request.user, view))
        for view in views_kept.of(found, request.user)
    ]
    liked = views_kept.preference(found, request.user)
    return render(request, "lists/views.html", {"kind": found, "rows": rows, "first": liked.view_id})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_view(request: SignedInRequest, kind: str) -> HttpResponse:
    """Keep what the address asks under a name."""
    return _keep(request, asked_in(kinds.find(kind), request), None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def view(request: SignedInRequest, pk: int) -> HttpResponse:
    """Rename or share a view, or, with a query, let it ask for something else."""
    found = get_object_or_404(SavedView.objects.visible_to(request.user).select_related("owner"), pk=pk)
    if not views_kept.may_change(request.user, found):
        raise PermissionDenied(_("%(name)s or an admin can change this view.") % {"name": found.owner.name})
    kind = kinds.find(found.kind)
    kept = Asked.read(kind, QueryDict(found.query), request.user)
    return _keep(request, asked_in(kind, request) if request.GET else kept, found)


def _keep(request: SignedInRequest, asked: Asked, found: SavedView | None) -> HttpResponse:
    form = ViewForm(
        request.POST if request.method == "POST" else None,
        initial={"name": found.name, "shared": found.shared, "version": found.version} if found else {},
    )
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            kept = views_kept.keep(asked, name=told["name"], shared=told["shared"], view=found, version=told["version"])
        except views_kept.NotKept as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("View saved."))
            return redirect(views_kept.asked_by(kept, asked.kind, request.user).address)
    context = {"kind": asked.kind, "asked": asked, "form": form, "view": found, "back": asked.address}
    return render(request, "lists/view.html", context, status=400 if form.is_bound else 200)


@login_required
@require_POST
def remove_view(request: SignedInRequest, pk: int) -> HttpResponse:
    """Remove a view; whoever began with it sees everything again."""
    found = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)
    if not views_kept.may_change(request.user, found):
        raise PermissionDenied
    found.delete()
    messages.success(request, _("The view “%(name)s” was removed.") % {"name": found.name})
    return redirect("list_views", kind=found.kind)


@login_required
@require_POST
def begin_with(request: SignedInRequest, kind: str) -> HttpResponse:
    """Let the reader's list open with a view, or with everything."""
    found = kinds.find(kind)
    pk = listing.row_id(request.POST.get("view", ""))
    chosen = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk, kind=found.key) if pk else None
    views_kept.begin_with(found, request.user, chosen)
    words = {"list": found.title, "view": chosen.name if chosen else ""}
    sentence = _("“%(list)s” opens with “%(view)s” now.") if chosen else _("“%(list)s” opens with everything now.")
    messages.success(request, sentence % words)
    return redirect("list_views", kind=found.key)
