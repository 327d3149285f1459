"""Where keys stand and how often each comes: the same by table and by search."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leads.reports import arrays

KEYS = st.one_of(st.integers(0, 40), st.integers(0, 1 << 50))


@given(st.lists(KEYS, unique=True, max_size=30), st.lists(KEYS, max_size=30))
def test_each_key_is_found_where_it_stands(keys: list[int], wanted: list[int]) -> None:
    expected = [keys.index(key) if key in keys else -1 for key in wanted]
    for room in (arrays.TABLE, 0):
        with patch.object(arrays, "TABLE", room):
            found = arrays.positions(np.array(keys, np.int64), np.array(wanted, np.int64))
        assert found.tolist() == expected


@given(st.lists(KEYS, max_size=30), st.lists(KEYS, max_size=30))
def test_equal_keys_are_found_as_one_run(keys: list[int], wanted: list[int]) -> None:
    in_order = sorted(keys)
    first, many = arrays.runs(np.array(in_order, np.int64), np.array(wanted, np.int64))
    told = [in_order[start : start + n] for start, n in zip(first.tolist(), many.tolist(), strict=True)]
    assert told == [[key] * keys.count(key) for key in wanted]


@given(st.lists(st.tuples(KEYS, st.integers(1, 1 << 30)), max_size=60), st.booleans())
def test_numbers_are_counted_or_their_weights_summed(rows: list[tuple[int, int]], weighed: bool) -> None:
    numbers, each = np.array(rows, np.int64).reshape(-1, 2).T
    expected: Counter[int] = Counter()
    for number, times in rows:
        expected[number] += times if weighed else 1
    for dense in (arrays.DENSE, 0):
        with patch.object(arrays, "DENSE", dense):
            there, times = arrays.counted(numbers, each if weighed else None)
        assert list(zip(there.tolist(), times.tolist(), strict=True)) == sorted(expected.items())
