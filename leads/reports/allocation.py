"""Dividing money so that the parts are the whole, to the cent. Pure: cents in, cents out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def split(cents: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Return `cents` divided by `weights`, the parts in their order; they add up to `cents`.

    Largest remainder (Hamilton): each part is its exact share cut to the cent, and the cents that are left go to the
    largest remainders, of equal ones to the first. ValueError for a negative weight, or when all are zero.
    """
    if len(weights) == 1 and weights[0] > 0:
        return [cents]
    total = sum(weights, Fraction(0))
    if any(weight < 0 for weight in weights) or total <= 0:
        raise ValueError("money is divided by weights that are not negative and not all zero")
    exact = [cents * Fraction(weight) / total for weight in weights]
    parts = [share.numerator // share.denominator for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_remainder[: cents - sum(parts)]:
        parts[place] += 1
    return parts


def split_by(cents: int, weights: Mapping[Key, int | Fraction]) -> dict[Key, int]:
    """Return `cents` divided over the keys of `weights`; parts of nothing are left out. ValueError as in `split`."""
    parts = zip(weights, split(cents, list(weights.values())), strict=True)
    return {key: part for key, part in parts if part}


def within(cents: int, first: date, last: date, start: date, end: date) -> int:
    """Return what of `cents`, spread over the days `first` to `last`, falls on `start` to `end`, in cents.

    All days are included. They are equal weights of `split`: the cents that are left over stand on the first days.
    So the parts of periods that lie side by side add up to `cents`.
    """
    days = (last - first).days + 1
    since = min(max((start - first).days, 0), days)
    until = min(max((end - first).days + 1, since), days)
    each, left = divmod(cents, days)
    return each * (until - since) + min(until, left) - min(since, left)
