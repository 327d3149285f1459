"""The ideal customer profile and the personas: saved groups of criteria, and whom they describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm import audit, consents
from crm.models import User
from scoring import sentences, signing, validation
from scoring.contents import seal
from scoring.facts import Profile, fact, profiles
from scoring.models import Criterion, Persona
from scoring.operators import holds
from scoring.versions import Forbidden, Stale

MOST = 20
MOST_CONDITIONS = 10


def matches(contact_ids: Iterable[int]) -> dict[int, list[Persona]]:
    """Return {contact: the profiles and personas it matches}, the ideal customer first.

    Whoever objects to profiling matches none.
    """
    ids = list(contact_ids)
    known = list(Persona.objects.all())
    if not known or not ids:
        return {contact: [] for contact in ids}
    told = profiles(ids)
    for contact in consents.profiling_objectors(ids):
        told.pop(contact, None)
    return {
        contact: [persona for persona in known if contact in told and describes(persona, told[contact])]
        for contact in ids
    }


def describes(persona: Persona, profile: Profile) -> bool:
    """Whether every condition holds; a persona without conditions describes nobody."""
    return bool(persona.conditions) and all(
        holds(one["operator"], _read(one["fact"], profile), one.get("value")) for one in persona.conditions
    )


def _read(key: str, profile: Profile) -> Any:
    try:
        return fact(key).read(profile)
    except KeyError:
        return None


def told(persona: Persona) -> list[str]:
    """Return the conditions as sentences."""
    return [sentences.asks(Criterion(kind=Criterion.Kind.PROFILE, **condition)) for condition in persona.conditions]


def digest(persona: Persona) -> str:
    """Return what was seen of a persona."""
    return seal([persona.kind, persona.name, persona.description, persona.conditions])


def save(
    persona: Persona | None, said: dict[str, Any], conditions: Sequence[dict[str, Any]], *, by: User, seen: str = ""
) -> Persona:
    """Write a persona; ValidationError by field, Stale when it changed since it was read."""
    if not signing.may_draft(by):
        raise Forbidden(_("Sales reps read personas; marketers, sales leads and admins change them."))
    if len(conditions) > MOST_CONDITIONS:
        raise ValidationError(
            {"conditions": _("A persona has at most %(most)d conditions.") % {"most": MOST_CONDITIONS}}
        )
    values = said | {"conditions": [validation.condition(one) for one in conditions]}
    try:
        with transaction.atomic():
            row = _locked(persona, seen)
            if row is None:
                row = Persona.objects.create(**values)
            else:
                for name, value in values.items():
                    setattr(row, name, value)
                row.save(update_fields=list(values))
            audit.record(by, "persona.saved", f"persona:{row.pk}", **values)
    except IntegrityError:
        raise ValidationError({"name": _("There is a persona of this name already.")}) from None
    return row


def remove(persona: Persona, *, by: User) -> None:
    """Delete a persona; nothing depends on it."""
    if not signing.may_draft(by):
        raise Forbidden(_("Sales reps read personas; marketers, sales leads and admins change them."))
    with transaction.atomic():
        audit.record(by, "persona.removed", f"persona:{persona.pk}", name=persona.name)
        persona.delete()


def _locked(persona: Persona | None, seen: str) -> Persona | None:
    if persona is None:
        if Persona.objects.count() >= MOST:
            raise ValidationError({"name": _("There are at most %(most)d personas.") % {"most": MOST}})
        return None
    row = Persona.objects.select_for_update().get(pk=persona.pk)
    if digest(row) != seen:
        raise Stale(_("Somebody else changed this persona meanwhile."))
    return row
