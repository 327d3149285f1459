"""Telephone numbers: as typed for people, in E.164 for comparing."""

from __future__ import annotations

import phonenumbers

MASKED = frozenset("xX*#•")


def is_masked(number: str) -> bool:
    """Tell whether digits were hidden by the source (984XXXXXXX): such a number reaches nobody."""
    return bool(MASKED & set(number))


def phone_key(number: str, country: str = "") -> str:
    """Return E.164 ('+4930123'), or '' when `number` is no possible number in `country` (default DE)."""
    if not number or is_masked(number):
        return ""
    try:
        parsed = phonenumbers.parse(number, country or "DE")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
