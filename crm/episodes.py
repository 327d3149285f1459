"""The leads of a contact, as pages of crm show them: the seam through which leads tells, since crm knows no leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.models import User


@dataclass(frozen=True)
class Episode:
    """One pass of one contact through the life cycle."""

    contact_id: int
    contact: str
    url: str
    number: int
    stage: str
    is_open: bool
    since: datetime
    owner: User | None = None
    team: str = ""
    source: str = ""
    score: int | None = None
    grade: str = ""
    next_step: str = ""


# contact ids (a list or a subquery) and the reader → the episodes they may see, newest first
Teller = Callable[[Any, User], list[Episode]]
_teller: Teller | None = None


def provide(teller: Teller) -> None:
    """Register the one provider."""
    global _teller
    _teller = teller


def of(contact_ids: Any, reader: User) -> list[Episode]:
    """Return the episodes of these contacts that `reader` may see, newest first, in one query."""
    return _teller(contact_ids, reader) if _teller else []


def open_by_contact(contact_ids: list[int], reader: User) -> dict[int, Episode]:
    """Return {contact id: its open episode} for a list."""
    return {episode.contact_id: episode for episode in of(contact_ids, reader) if episode.is_open}
