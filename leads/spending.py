"""Spend is booked, changed and removed here and nowhere else: checked, versioned, every change in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils.translation import gettext as _

from crm import audit
from crm.models import User, Workspace
from crm.text import clean
from leads.models import Campaign, Spend

FIELDS = ("campaign_id", "side", "kind", "amount", "currency", "starts_on", "ends_on", "invoice", "note")
LONGEST = 3660  # days; a period of more than ten years is a slip of the keyboard


class Stale(Exception):
    """Somebody changed or removed the row meanwhile; nothing was written."""

    def __init__(self, current: Spend | None) -> None:
        self.current = current
        super().__init__(_("Changed by somebody else meanwhile."))


def currency() -> str:
    """Return the one currency spend is booked in."""
    return Workspace.objects.values_list("currency", flat=True).first() or "EUR"


def told(row: Spend) -> dict[str, Any]:
    """Return what the audit log says of a row, in plain values; of the note only whether there is one."""
    return {name: _plain(name, getattr(row, name)) for name in FIELDS}


def _plain(name: str, value: Any) -> Any:
    if name == "note":
        return "…" if value else ""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else value


def _checked(row: Spend, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set the values that differ on `row` and return them; ValidationError by field."""
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise KeyError(f"Spend has no field {sorted(unknown)[0]} to write")
    given = {name: clean(value) if isinstance(value, str) else value for name, value in values.items()}
    changed = {name: value for name, value in given.items() if row._state.adding or getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    row.clean_fields(exclude=["campaign", "created_by"])
    if row.ends_on < row.starts_on:
        raise ValidationError({"ends_on": [_("The period ends before it begins.")]})
    if (row.ends_on - row.starts_on).days >= LONGEST:
        raise ValidationError({"ends_on": [_("A period lasts ten years at most.")]})
    ours = currency()
    if changed.keys() & {"amount", "currency"} and row.currency != ours:
        message = _("Spend is booked in %(currency)s. Baton knows no exchange rates: enter what your bank booked.")
        raise ValidationError({"currency": [message % {"currency": ours}]})
    if "campaign_id" in changed and row.campaign_id and not Campaign.objects.filter(pk=row.campaign_id).exists():
        raise ValidationError({"campaign_id": [_("There is no such campaign.")]})
    return changed


def book(values: Mapping[str, Any], *, by: User | None, is_demo: bool = False) -> Spend:
    """Store a new row and return it; ValidationError by field. `currency` is the workspace's where it is left out."""
    row = Spend(created_by=by, is_demo=is_demo)
    _checked(row, {"currency": currency()} | dict(values))
    with transaction.atomic():
        row.save()
        audit.record(by, "spend.booked", f"spend:{row.pk}", **told(row))
    return row


def change(row: Spend, values: Mapping[str, Any], *, by: User | None, version: int) -> dict[str, Any]:
    """Write what differs and return it; ValidationError by field, Stale when `version` is not the row's by now."""
    with transaction.atomic():
        current = _of_version(row, version)
        before = told(current)
        changed = _checked(current, values)
        if not changed:
            return {}
        if not Spend.objects.filter(pk=row.pk, version=version).update(version=F("version") + 1, **changed):
            raise Stale(Spend.objects.filter(pk=row.pk).first())
        after = told(current)
        audit.record(by, "spend.changed", f"spend:{row.pk}", **{name: [before[name], after[name]] for name in changed})
    row.refresh_from_db()
    return changed


def remove(row: Spend, *, by: User | None, version: int) -> None:
    """Take a row out of the ledger; the audit log keeps what it said. Stale as in `change`."""
    with transaction.atomic():
        said = told(_of_version(row, version))
        if not Spend.objects.filter(pk=row.pk, version=version).delete()[0]:
            raise Stale(Spend.objects.filter(pk=row.pk).first())
        audit.record(by, "spend.removed", f"spend:{row.pk}", **said)


def _of_version(row: Spend, version: int) -> Spend:
    current = Spend.objects.filter(pk=row.pk).first()
    if current is None or current.version != version:
        raise Stale(current)
    return current


def total(rows: QuerySet[Spend]) -> Decimal:
    """Return what `rows` add up to in the workspace's currency."""
    return rows.filter(currency=currency()).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def booked(campaigns: Sequence[int]) -> dict[int, Decimal]:
    """Return {campaign: what was booked on it, both sides, in the workspace's currency}, in two queries."""
    rows = Spend.objects.filter(campaign_id__in=campaigns, currency=currency()).order_by()
    return dict(rows.values_list("campaign_id").annotate(sum=Sum("amount")))
