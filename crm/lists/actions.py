"""What can be done to many rows of a list at once: who may, what it asks, and what it does to one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from crm import roles
from crm.models import User
from crm.models.list_job import EXPORT

Words = str | Promise


class RowRefused(Exception):
    """One row was left as it was; the message is a sentence for the person."""


class ActionForm(forms.Form):
    """What an action asks: nothing. `params` is what is kept of it: plain JSON, ids and texts."""

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "act_%s"} | kwargs)
        self.by = by

    def params(self) -> dict[str, Any]:
        return {}

    def words(self) -> str:
        """Return what was chosen, for the list of jobs; '' for nothing."""
        return ""


class ExportForm(ActionForm):
    """Which kind of file."""

    format = forms.ChoiceField(
        label=gettext_lazy("File"),
        choices=[("csv", gettext_lazy("CSV, for other programs")), ("xlsx", gettext_lazy("Excel (XLSX)"))],
        initial="xlsx", widget=forms.RadioSelect,
    )  # fmt: skip

    def params(self) -> dict[str, Any]:
        return {"format": self.cleaned_data["format"]}

    def words(self) -> str:
        return self.cleaned_data["format"].upper()


def _nothing(params: dict[str, Any]) -> Any:
    return params


@dataclass(frozen=True)
class Action:
    """One thing that can be done to rows of a list.

    `ready` turns the kept params into what `apply` works with, once per chunk. `apply` changes one row for a person
    and returns what `undo` needs, plain JSON; both raise RowRefused. Without `undo` it cannot be taken back.
    """

    key: str
    kind: str
    label: Words
    allowed: Callable[[User], bool]
    apply: Callable[[Any, Any, User], dict[str, Any]]
    form: Callable[..., Any] = ActionForm
    ready: Callable[[dict[str, Any]], Any] = _nothing
    undo: Callable[[Any, dict[str, Any], User], None] | None = None
    tells: Words = ""
    danger: bool = False


ACTIONS: dict[tuple[str, str], Action] = {}


def register(action: Action) -> Action:
    """Add an action to a list."""
    ACTIONS[action.kind, action.key] = action
    return action


def _not_by_row(row: Any, params: Any, by: User) -> dict[str, Any]:
    raise NotImplementedError("an export is written as a whole")


def _export(kind: str) -> Action:
    return Action(EXPORT, kind, gettext_lazy("Export"), roles.may_export, _not_by_row, ExportForm)


def of(kind: str, user: User) -> list[Action]:
    """Return what `user` may do to rows of the list, export last."""
    own = [action for (name, _key), action in ACTIONS.items() if name == kind and action.allowed(user)]
    return [*own, _export(kind)] if roles.may_export(user) else own


def find(kind: str, key: str, user: User) -> Action:
    """Return the action; Http404 when there is none this person may use."""
    for action in of(kind, user):
        if action.key == key:
            return action
    raise Http404


def known(kind: str, key: str) -> Action | None:
    """Return the action by its key alone, whoever may use it."""
    return _export(kind) if key == EXPORT else ACTIONS.get((kind, key))
