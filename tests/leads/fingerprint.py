"""One hash of what the database says about people, so that two runs, or before and after, can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import models

from crm.models import (
    Activity,
    Company,
    CompanyKey,
    ConsentEvent,
    Contact,
    ContactKey,
    LegalBasis,
    OutboxMessage,
    ProfileChange,
    Team,
)
from leads.models import Finding, Handoff, ImportBatch, ImportRow, Lead, StageChange, Standing

#: Clocks, counters of changes, and what the engine writes by itself in the background.
LEFT_OUT = {
    "created_at", "updated_at", "changed_at", "received_at", "logged_at", "started_at", "finished_at",
    "claimed_until", "worked", "version", "score", "grade", "rank", "scored_at", "stored_as", "trouble", "mapping",
}  # fmt: skip
PEOPLE: tuple[type[models.Model], ...] = (
    Team, Company, CompanyKey, Contact, ContactKey, LegalBasis, ConsentEvent, Activity, Lead, Standing, Finding,
    Handoff, OutboxMessage,
)  # fmt: skip
#: What only grows; an undo adds to it.
LOGS: tuple[type[models.Model], ...] = (ProfileChange, StageChange)
RECORD: tuple[type[models.Model], ...] = (ImportBatch, ImportRow)


def parts(
    tables: tuple[type[models.Model], ...] = PEOPLE, named: Mapping[date | datetime, str] | None = None
) -> dict[str, str]:
    """Return a hash per table; a row's id counts as its place, for a killed transaction leaves gaps.

    Instants and days that are `named` count as their name: two runs of what takes "now" then compare.
    """
    places = {
        model: {
            pk: place for place, pk in enumerate(model._default_manager.order_by("pk").values_list("pk", flat=True))
        }
        for model in (*PEOPLE, *LOGS, *RECORD)
    }
    return {model.__name__: _of(model, places, named or {}) for model in tables}


def whole(*, logs: bool = True, named: Mapping[date | datetime, str] | None = None) -> str:
    """Return one hash of all of it, with the logs and the record of the imports when `logs`."""
    tables = (*PEOPLE, *LOGS, *RECORD) if logs else PEOPLE
    return hashlib.sha256(json.dumps(parts(tables, named)).encode()).hexdigest()


def _of(model: type[models.Model], places: dict[Any, dict[Any, int]], named: Mapping[date | datetime, str]) -> str:
    digest = hashlib.sha256()
    columns = [field for field in model._meta.concrete_fields if field.name not in LEFT_OUT]
    dated = {"at"} if model in {ProfileChange, ConsentEvent} else set()
    for row in model._default_manager.order_by("pk").iterator(chunk_size=2000):
        cells = []
        for field in columns:
            value = getattr(row, field.attname)
            target = model if field.primary_key and not field.remote_field else field.related_model
            if field.name in dated:
                continue
            if field.name in {"after", "before"}:  # they hold ids
                value = sorted(value)
            if isinstance(value, date):
                value = named.get(value, value)
            cells.append(places[target].get(value) if target in places else value)
        digest.update(json.dumps(cells, default=str).encode())
    return digest.hexdigest()
