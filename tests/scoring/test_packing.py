"""What a score books lies in its row as four bytes a slot, and comes back from it."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.packing import pack_points, packed_points, points_of, unpack_points

rows_of_points = st.integers(0, 12).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([0, 0, 0, 1, -7, 1000, 32_767, -32_767]), min_size=width, max_size=width), max_size=6
    ).map(lambda rows: np.array(rows, np.int16).reshape(len(rows), width))
)


@given(rows_of_points)
def test_points_come_back_from_their_rows(points: np.ndarray) -> None:
    joined, sizes = pack_points(points)
    assert unpack_points(joined, sizes, points.shape[1]).tolist() == points.tolist()
    blobs = packed_points(points)
    assert b"".join(blobs) == joined
    for blob, row in zip(blobs, points.tolist(), strict=True):
        assert len(blob) == 4 * sum(bool(n) for n in row)
        assert points_of(blob) + [0] * (len(row) - len(points_of(blob))) == row


@given(st.lists(st.integers(-32_767, 32_767), max_size=60))
def test_rows_of_earlier_installations_say_the_same(points: list[int]) -> None:
    lighter = import_module("scoring.migrations.0005_lighter_scores")
    while points and not points[-1]:
        points.pop()
    before = np.array(points, "<i2").tobytes()
    assert points_of(lighter._booked(before)) == points
    assert lighter._dense(lighter._booked(before)) == before
