"""An amount as people type it: 48,000.50 in English, 48.000,50 in German."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.formats import get_format


def ungrouped(text: str) -> str:
    """Take the thousands separators of the reader's language out; a group that has not three digits is none."""
    whole, separator, cents = "".join(text.split()).partition(get_format("DECIMAL_SEPARATOR"))
    first, *groups = whole.split(get_format("THOUSAND_SEPARATOR"))
    if groups and all(len(group) == 3 and group.isdecimal() for group in groups):
        whole = first + "".join(groups)
    return f"{whole}{separator}{cents}"


class AmountField(forms.DecimalField):
    """A decimal field that reads grouped figures. Written here because the site groups no numbers by itself:
    one in an address must stay a number.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 14, "decimal_places": 2, "localize": True} | kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(ungrouped(value) if isinstance(value, str) else value)
