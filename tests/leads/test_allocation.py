"""Money that is divided adds up to what was divided, to the cent, whatever the weights."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from leads.reports.allocation import split, split_by, within

CENTS = st.integers(0, 10**12)
PART = st.builds(Fraction, st.integers(0, 10**6), st.integers(1, 10**4))
WEIGHTS = st.lists(PART, min_size=1, max_size=12)
DAY = st.dates(date(2020, 1, 1), date(2032, 12, 31))

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@quick
@given(CENTS, WEIGHTS)
def test_the_parts_are_the_whole_and_each_is_its_share_within_a_cent(cents: int, weights: list[Fraction | int]) -> None:
    assume(any(weights))
    parts = split(cents, weights)
    total = sum(weights, Fraction(0))
    assert sum(parts) == cents
    assert all(abs(part - cents * weight / total) < 1 for part, weight in zip(parts, weights, strict=True))
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@quick
@given(CENTS, st.dictionaries(st.text(max_size=3), st.integers(1, 99), min_size=1, max_size=9))
def test_a_division_by_names_leaves_out_nothing_but_nothing(cents: int, weights: dict[str, int]) -> None:
    parts = split_by(cents, weights)
    assert (sum(parts.values()), set(parts) <= set(weights), 0 in parts.values()) == (cents, True, False)


def test_of_equal_remainders_the_first_gets_the_cent() -> None:
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(2, [1, 1, 1]) == [1, 1, 0]
    assert split(1000, [3, 0, Fraction(3, 2)]) == [667, 0, 333]


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_money_is_not_divided_by_nothing(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="not negative and not all zero"):
        split(100, weights)


@quick
@given(CENTS, DAY, st.integers(0, 400), st.integers(0, 400), st.integers(0, 400))
def test_days_are_equal_weights(cents: int, first: date, length: int, since: int, more: int) -> None:
    last = first + timedelta(length)
    start = first + timedelta(since - 200)
    end = start + timedelta(more)
    days = split(cents, [1] * (length + 1))
    inside = [part for n, part in enumerate(days) if start <= first + timedelta(n) <= end]
    assert within(cents, first, last, start, end) == sum(inside)


@quick
@given(CENTS, DAY, st.integers(0, 3000), st.lists(DAY, max_size=6))
def test_periods_side_by_side_hold_all_of_it(cents: int, first: date, length: int, cuts: list[date]) -> None:
    edges = sorted({date(2019, 1, 1), *cuts, date(2042, 1, 1)})
    parts = [
        within(cents, first, first + timedelta(length), start, end - timedelta(1)) for start, end in pairwise(edges)
    ]
    assert sum(parts) == cents
