"""What can be done to many leads at once: the moves of the life cycle through its one door, and their source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import roles
from crm.lists.actions import Action, ActionForm, RowRefused, register
from crm.models import Contact, Team, User
from leads import assignment, editing, lifecycle, rights
from leads.forms import BY_RULES, MOVE_FORMS, MoveForm
from leads.lead_forms import sources
from leads.models import Lead, Reason, Source
from leads.stages import Verb

LINKED = {"reason": Reason, "team": Team, "assignee": User}

# --- Moves ----------------------------------------------------------------------------------------


def _form_of(verb: str) -> type[forms.Form]:
    """Return the form a move asks with, for nobody in particular, so that many leads share its answers."""
    asks = MOVE_FORMS.get(verb, MoveForm)

    class BulkMove(asks):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
            super().__init__(*args, lead=Lead(contact=Contact()), by=by, **kwargs)

        def params(self) -> dict[str, Any]:
            """Return what is kept: ids, days as text, the note."""
            told = self.details()
            kept = {name: told[name].pk for name in LINKED if name in told}
            day = {"wake_on": told["wake_on"].isoformat()} if "wake_on" in told else {}
            return kept | day | {name: told[name] for name in ("note", BY_RULES) if told.get(name)}

        def words(self) -> str:
            told = self.details()
            named = [str(told[name]) for name in ("reason", "assignee", "team", "wake_on") if told.get(name)]
            return ", ".join([*named, _("by the rules")] if told.get(BY_RULES) else named)

    return BulkMove


def _details(params: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a Move that were kept; a reason or a person that is gone by now is missing."""
    found: dict[str, Any] = {name: params[name] for name in ("note", BY_RULES) if params.get(name)}
    for name, model in LINKED.items():
        if name in params and (row := model._default_manager.filter(pk=params[name]).first()):
            found[name] = row
    if "wake_on" in params:
        found["wake_on"] = date.fromisoformat(params["wake_on"])
    return found


def _mover(verb: str) -> Callable[[Lead, Any, User], dict[str, Any]]:
    def move(lead: Lead, details: dict[str, Any], by: User) -> dict[str, Any]:
        try:
            change = lifecycle.advance(lead, verb, by=by, **_by_the_rules(lead, verb, details))
        except lifecycle.Refused as refused:
            raise RowRefused(" ".join(refused.reasons)) from refused
        return {"seq": change.seq}

    return move


def _by_the_rules(lead: Lead, verb: str, details: dict[str, Any]) -> dict[str, Any]:
    """Return the details of the move, with whom the rules name for this lead where they were asked to."""
    if not details.get(BY_RULES):
        return details
    given = {name: value for name, value in details.items() if name != BY_RULES}
    try:
        return given | assignment.by_the_rules(lead, verb)
    except assignment.NobodyInSales as error:
        raise RowRefused(_("There is no team in sales to give it to.")) from error


def _take_back(lead: Lead, before: dict[str, Any], by: User) -> None:
    """Undo the move, if it is still the lead's last one."""
    if lead.version != before["seq"]:
        raise RowRefused(_("Moved again since."))
    try:
        lifecycle.advance(lead, Verb.UNDO, by=by)
    except lifecycle.Refused as refused:
        raise RowRefused(" ".join(refused.reasons)) from refused


def _anybody(user: User) -> bool:
    return user.is_active


MOVES: tuple[tuple[Verb, Callable[[User], bool]], ...] = (
    (Verb.HAND_OFF, roles.is_marketing),
    (Verb.REASSIGN, roles.leads_sales),
    (Verb.NURTURE, roles.is_marketing),
    (Verb.WAKE, roles.is_marketing),
    (Verb.SEND_BACK, roles.is_sales),
    (Verb.DISQUALIFY, _anybody),
)
LABELS: dict[str, str | Promise] = {
    Verb.HAND_OFF: gettext_lazy("Hand over to a person or a queue"),
    Verb.REASSIGN: gettext_lazy("Re-assign to another owner or queue"),
}
TELLS = gettext_lazy(
    "Each lead passes the same guards as a single move. What is not possible stays as it is and is listed."
)
for _verb, _allowed in MOVES:
    register(
        Action(
            str(_verb), "leads", LABELS.get(_verb, _verb.label), _allowed, _mover(_verb), _form_of(_verb), _details,
            _take_back, TELLS, danger=_verb == Verb.DISQUALIFY,
        )
    )  # fmt: skip


# --- Source ---------------------------------------------------------------------------------------


class SourceForm(ActionForm):
    """Source, campaign or occasion; what is left empty stays as each lead has it."""

    source = forms.ModelChoiceField(
        Source.objects.none(), label=gettext_lazy("Source"), required=False,
        empty_label=gettext_lazy("as it is"),
    )  # fmt: skip
    source_detail = forms.CharField(label=gettext_lazy("Campaign or occasion"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = sources()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("source") and not cleaned.get("source_detail"):
            self.add_error("source", _("Choose a source, or enter a campaign or occasion."))
        return cleaned

    def params(self) -> dict[str, Any]:
        chosen: Source | None = self.cleaned_data["source"]
        detail = self.cleaned_data["source_detail"].replace("\x00", "")
        return ({"source_id": chosen.pk} if chosen else {}) | ({"source_detail": detail} if detail else {})

    def words(self) -> str:
        told = self.cleaned_data
        return ", ".join(str(part) for part in (told["source"], told["source_detail"]) if part)


def _set_source(lead: Lead, values: dict[str, Any], by: User) -> dict[str, Any]:
    """Write the new values and return {field: [old, new]}."""
    if not rights.may_edit(by, lead):
        raise RowRefused(rights.who_may_edit(lead))
    old = {name: getattr(lead, name) for name in values}
    try:
        changed = editing.change(lead, values, revision=lead.revision, by=by)
    except editing.Stale as stale:
        raise RowRefused(_("Changed by somebody else meanwhile.")) from stale
    if not changed:
        raise RowRefused(_("It had this source already."))
    return {name: [old[name], value] for name, value in changed.items()}


def _put_source_back(lead: Lead, before: dict[str, Any], by: User) -> None:
    if any(getattr(lead, name) != new for name, (_old, new) in before.items()):
        raise RowRefused(_("Changed again since."))
    _set_source(lead, {name: old for name, (old, _new) in before.items()}, by)


register(
    Action(
        "set_source", "leads", gettext_lazy("Set source or campaign"), _anybody, _set_source, SourceForm,
        undo=_put_source_back,
    )
)  # fmt: skip
