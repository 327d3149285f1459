"""What one row of an import will do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.activities import Happening
from crm.models import Company, Contact
from leads.imports.columns import Arrival, Message
from leads.models import ImportRow, Lead

Outcome = ImportRow.Outcome
LONGEST_MESSAGE_ID = 100


@dataclass(slots=True)
class Plan:
    """What one row will do."""

    arrival: Arrival
    outcome: str = Outcome.UNCHANGED
    contact: Contact | None = None
    is_new: bool = False
    gets_key: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    company: Company | None = None
    company_fills: dict[str, Any] = field(default_factory=dict)
    lead: Lead | None = None
    opens: bool = False
    enters: tuple[str, datetime] | None = None
    fills: dict[str, Any] = field(default_factory=dict)
    deeds: list[Happening] = field(default_factory=list)
    objections: list[tuple[str, str, str]] = field(default_factory=list)
    gets_basis: bool = False
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def say(self, level: str, text: str, column: str = "", value: str = "") -> None:
        self.arrival.messages.append(Message(level, column, value, text))

    @property
    def does_something(self) -> bool:
        return bool(
            self.changes
            or self.company_fills
            or self.opens
            or self.enters
            or self.fills
            or self.deeds
            or self.objections
        )


def message_id(key: str, header: str) -> str:
    """Return under which id a row's activity is known: the row's identity and the column."""
    plain = f"{key}:{header}"
    return plain if len(plain) <= LONGEST_MESSAGE_ID else hashlib.sha256(plain.encode()).hexdigest()
