"""E-mail addresses: checked without DNS, and a key for comparing them."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from crm.text import fold

SHARED_MAILBOXES = frozenset(
    [
        "info",
        "kontakt",
        "contact",
        "office",
        "mail",
        "post",
        "hello",
        "hallo",
        "sales",
        "vertrieb",
        "support",
        "service",
        "admin",
    ]
)


def email_key(address: str) -> str:
    """Return the address for comparing: NFKC, trimmed, casefolded, host in ASCII; '' for ''.

    `+tag` and dots stay: removing them would join different people (privacy.md).
    """
    local, at, host = fold(address.strip()).rpartition("@")
    if not at:
        return ""
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        pass
    return f"{local}@{host}"


def valid_email(address: str) -> str:
    """Return `address` normalised for storing; ValueError with a sentence when it is none."""
    try:
        return validate_email(
            address.strip(), check_deliverability=False, allow_quoted_local=False, test_environment=True
        ).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


def is_shared(address: str) -> bool:
    """Tell whether the mailbox belongs to an office rather than a person (info@…)."""
    return email_key(address).partition("@")[0] in SHARED_MAILBOXES
