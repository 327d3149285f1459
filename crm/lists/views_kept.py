"""Saved views: a list's address under a name, private or shared, and the one a person's list opens with."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import QueryDict
from django.utils.translation import gettext as _

from crm import roles
from crm.lists.asking import Asked
from crm.lists.kinds import ListKind
from crm.models import ListPreference, SavedView, User

MOST = 50


class NotKept(Exception):
    """The view was not written; the message is a sentence for the person."""


def asked_by(view: SavedView, kind: ListKind, user: User) -> Asked:
    """Return what a view asks, as `user` sees the list."""
    return Asked.read(kind, QueryDict(view.query), user).also(view=str(view.pk))


def keep(
    asked: Asked, *, name: str, shared: bool, view: SavedView | None = None, version: int | None = None
) -> SavedView:
    """Keep what is asked under `name`, as a new view or in place of `view` at `version`; NotKept says why not."""
    name = " ".join(name.split())
    query = asked.also(view="", columns=tuple(column.key for column in asked.shown)).query
    try:
        with transaction.atomic():
            if view is None:
                return _begin(asked, name, shared, query)
            kept = SavedView.objects.filter(pk=view.pk, version=view.version if version is None else version)
            if not kept.update(name=name, shared=shared, query=query, version=F("version") + 1):
                raise NotKept(_("Somebody else changed this view meanwhile. Nothing was written."))
            if not shared:
                _let_go(view)
    except IntegrityError as error:
        raise NotKept(_("You have a view with this name already.")) from error
    view.refresh_from_db()
    return view


def _begin(asked: Asked, name: str, shared: bool, query: str) -> SavedView:
    if SavedView.objects.filter(owner=asked.user, kind=asked.kind.key).count() >= MOST:
        raise NotKept(_("You have %(most)d views of this list. Remove one first.") % {"most": MOST})
    return SavedView.objects.create(kind=asked.kind.key, name=name, owner=asked.user, shared=shared, query=query)


def _let_go(view: SavedView) -> None:
    """Others can no longer begin with a view that is private now."""
    ListPreference.objects.filter(view=view).exclude(user=view.owner_id).update(view=None)


def may_change(user: User, view: SavedView) -> bool:
    """One's own; an admin also those that are shared."""
    return view.owner_id == user.pk or (view.shared and roles.is_admin(user))


def of(kind: ListKind, user: User) -> Sequence[SavedView]:
    """Return the views of a list that `user` may use: their own first."""
    views = SavedView.objects.filter(kind=kind.key).visible_to(user).select_related("owner")
    return sorted(views[: 4 * MOST], key=lambda view: (view.owner_id != user.pk, view.name.casefold(), view.pk))


def preference(kind: ListKind, user: User) -> ListPreference:
    """Return how `user` likes this list; one that is not stored when they never said."""
    kept = ListPreference.objects.filter(user=user, kind=kind.key).select_related("view").first()
    return kept or ListPreference(user=user, kind=kind.key, columns=[])


def choose_columns(kind: ListKind, user: User, columns: Sequence[str]) -> None:
    """Remember the columns; none are the usual ones."""
    ListPreference.objects.update_or_create(user=user, kind=kind.key, defaults={"columns": list(columns)})


def begin_with(kind: ListKind, user: User, view: SavedView | None) -> None:
    """Let the list open with `view`, or with everything."""
    ListPreference.objects.update_or_create(user=user, kind=kind.key, defaults={"view": view})
