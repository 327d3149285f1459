"""The rules of crm's own relations to a contact."""

from __future__ import annotations

from typing import Any

from crm.merging.rules import Derived, Merging, Moved, Shelved, rule
from crm.models import (
    Activity,
    ConsentEvent,
    Contact,
    ContactKey,
    ContactMerge,
    Disclosure,
    LegalBasis,
    OutboxMessage,
    PossibleDuplicate,
    ProfileChange,
    ResearchSurge,
    TrackedId,
)


class Activities(Moved):
    """All go back that came from the merged one, and what arrived since under an anonymous id of theirs."""

    def part(self, merging: Merging, known: list[int]) -> None:
        super().part(merging, known)
        theirs = TrackedId.objects.filter(contact=merging.merged).values("value")
        since = self.rows(merging.kept.pk).filter(received_at__gte=merging.entry.at)  # type: ignore[union-attr]
        since.exclude(anonymous_id="").filter(anonymous_id__in=theirs).update(contact=merging.merged)


class Pairs(Shelved):
    """Pairs with the merged one wait until both are here again; the other of a pair may be gone by then."""

    def fits(self, values: dict[str, Any]) -> bool:
        return Contact.objects.filter(pk__in=[values["low_id"], values["high_id"]]).count() == 2


for _model in (ContactKey, LegalBasis, Disclosure, OutboxMessage):
    rule(Moved(_model, "contact"))
rule(Moved(TrackedId, "contact"))
rule(Activities(Activity, "contact"))  # after TrackedId: what arrived since is told apart by these
rule(Moved(ConsentEvent, "contact"))
rule(Moved(ContactMerge, "kept"))
rule(Shelved(ProfileChange, "contact"))
rule(Pairs(PossibleDuplicate, "low"))
rule(Pairs(PossibleDuplicate, "high"))
rule(Derived(ResearchSurge, "contact"))
