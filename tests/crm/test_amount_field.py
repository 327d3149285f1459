"""Amounts are read as the reader's language writes them, and never shrink a thousandfold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.template import Context, Template
from django.utils import translation

from crm.amount_field import AmountField

READINGS = [
    ("en", "48,000.50", "48000.50"), ("en", "48000", "48000"), ("en", "1,234,567", "1234567"), ("en", "4.5", "4.5"),
    ("de", "48.000,50", "48000.50"), ("de", "48.000", "48000"), ("de", "1.234.567,8", "1234567.8"),
    ("de", "4,5", "4.5"),
    ("de", "48 000", "48000"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "typed", "meant"), READINGS)
def test_an_amount_is_read_as_it_was_meant(language: str, typed: str, meant: str) -> None:
    with translation.override(language):
        assert AmountField().clean(typed) == Decimal(meant)


@pytest.mark.parametrize(("language", "typed"), [("en", "4,80,00"), ("de", "4.80.00"), ("de", "vier")])
def test_what_is_no_amount_is_refused(language: str, typed: str) -> None:
    with translation.override(language), pytest.raises(ValidationError):
        AmountField().clean(typed)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_number_in_an_address_stays_a_number(language: str) -> None:
    with translation.override(language):
        assert Template("?open=criterion-{{ pk }}").render(Context({"pk": 2764})) == "?open=criterion-2764"
