"""Words that people search for, and how many rows fit: searched as names are spelled, counted to a limit."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from crm.text import search_key

MOST_COUNTED = 10_000
LONGEST_QUERY = 200


def asked(text: str) -> str:
    """Return the words a person searches for, as far as we read them: no NUL, at most 200 characters."""
    return text.replace("\x00", "").strip()[:LONGEST_QUERY]


def matches(query: str, *columns: str) -> Q:
    """Return the condition that each word of `query` occurs in one of the folded `columns`; % and _ mean themselves."""
    wanted = Q()
    for word in search_key(query).split():
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{column}__contains": word})
        wanted &= anywhere
    return wanted


def row_id(text: str) -> int:
    """Return the id an address names; 0 for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def counted(rows: QuerySet[Any]) -> int:
    """Return how many rows there are; one more than MOST_COUNTED stands for more."""
    return rows.order_by()[: MOST_COUNTED + 1].count()
