"""The facts of a lead that no move makes: source, amount, the next step as a program writes it.

Written where nobody was faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from django.db import transaction

from crm.models import User
from leads import steps
from leads.models import Lead

FIELDS = ("next_step", "next_step_on", "source_id", "source_detail", "amount", "currency")


class Stale(Exception):
    """The lead was moved or changed meanwhile; nothing was written."""

    def __init__(self, current: Lead) -> None:
        self.current = current
        super().__init__("changed meanwhile")

    @property
    def by(self) -> User | None:
        """Who was first: whose edit is newer than the last move, else who moved it; None for the system."""
        last = self.current.last_change
        if last is None or self.current.changed_at > last.logged_at:
            return self.current.edited_by
        return last.by


def change(lead: Lead, values: Mapping[str, Any], *, revision: int, by: User) -> dict[str, Any]:
    """Write what differs and return it. `revision` is the one the caller has read, `lead` what they were shown.

    Raises Stale when the lead was moved or changed since.
    """
    changed = {name: value for name, value in values.items() if getattr(lead, name) != value}
    same = Lead.objects.filter(pk=lead.pk, version=lead.version, edits=lead.edits)
    of_a_step = changed.keys() & {"next_step", "next_step_on"}
    with transaction.atomic() if of_a_step else nullcontext():  # one statement needs none, and a job writes thousands
        if lead.revision != revision or (changed and not same.update(**changed, **steps.mark(by))):
            raise Stale(Lead.objects.get(pk=lead.pk))
        if of_a_step:
            steps.follow([lead.pk])
    return changed


def replace(lead: Lead, values: Mapping[str, Any], *, seen: Mapping[str, Any], by: User) -> bool:
    """Write `values` when the lead still holds what the reader has `seen`; return whether it did."""
    return bool(Lead.objects.filter(pk=lead.pk, **seen).update(**values, **steps.mark(by)))
