"""The workspace's own fields, as far as contacts and companies have them."""

from __future__ import annotations

from crm.models import Company, Contact
from scoring import special_categories

LOOKED_AT = 1000  # the newest of either; a field nobody had lately is still known, only not offered
_MODELS = {"custom.": (Contact, "custom"), "company.": (Company, "custom")}


def offered() -> list[str]:
    """Return the keys of own fields a criterion may ask, such as 'custom.Branch'; forbidden ones are left out."""
    found: set[str] = set()
    for prefix, (model, column) in _MODELS.items():
        rows = model._default_manager.exclude(**{column: {}}).order_by("-pk").values_list(column, flat=True)
        found |= {prefix + name for row in rows[:LOOKED_AT] if isinstance(row, dict) for name in row}
    allowed = {key for key in found if not special_categories.refusal(key.partition(".")[2])}
    return sorted(key for key in allowed if len(key) <= 80)


def exists(key: str) -> bool:
    """Whether anybody has the own field `key`."""
    prefix, _dot, name = key.partition(".")
    model, column = _MODELS[f"{prefix}."]
    return model._default_manager.filter(**{f"{column}__has_key": name}).exists()
