"""How signals lie in a row: triples of uint16 (matcher, day, count), by matcher, newest day first; fit as a bitmap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain

import numpy as np

from scoring.models import HORIZON

MOST = 65_535  # what a uint16 holds; counts saturate there
Counts = Counter[tuple[int, int]]  # (matcher, day) → how many
ENTRY_BYTES = 6  # matcher, day, count: two bytes each


class Torn(ValueError):
    """What is stored has no whole number of entries: part of it is missing."""


def entries(data: bytes) -> np.ndarray:
    """Return packed signals as rows of (matcher, day, count): uint16[n, 3]. Raises Torn."""
    if len(data) % ENTRY_BYTES:
        raise Torn("the packed signals are torn")
    return np.frombuffer(data, "<u2").reshape(-1, 3)


def unpack(data: bytes) -> Counts:
    """Return the counts that `data` holds. Raises Torn."""
    return Counter({(matcher, day): n for matcher, day, n in entries(data).tolist()})


def pack(counts: Counts, as_of_day: int) -> bytes:
    """Return `counts` packed; days that no window can reach any more are left out."""
    oldest = as_of_day - HORIZON
    kept = sorted(
        (matcher, -day, min(n, MOST)) for (matcher, day), n in counts.items() if oldest < day <= MOST and day >= 0 < n
    )
    return np.array([(matcher, -minus, n) for matcher, minus, n in kept], "<u2").tobytes()


def without(counts: Counts, matchers: Iterable[int]) -> Counts:
    """Return `counts` without those of `matchers`."""
    gone = set(matchers)
    return Counter({key: n for key, n in counts.items() if key[0] not in gone})


def pack_bits(bits: Iterable[int]) -> bytes:
    """Return a bitmap with `bits` set, the lowest first, no longer than it must be."""
    return sum(1 << bit for bit in set(bits)).to_bytes(MAP_BYTES, "little").rstrip(b"\0")


def unpack_bits(data: bytes) -> set[int]:
    """Return the bits that are set in `data`."""
    number = int.from_bytes(data, "little")
    return {bit for bit in range(number.bit_length()) if number >> bit & 1}


MAP_BYTES = 4096


def lengths_of(data: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Return how many entries signals of so many bytes hold: int64[n]. Raises Torn."""
    if (data % ENTRY_BYTES).any() or (bits > MAP_BYTES).any():
        raise Torn("the packed signals are torn")
    return data // ENTRY_BYTES


def are_torn(data: bytes, bits: bytes) -> bool:
    """Whether part of somebody's signals is missing, or there is more than there can be."""
    return bool(len(data) % ENTRY_BYTES) or len(bits) > MAP_BYTES


def matrix(blobs: list[bytes], dtype: str, width: int) -> np.ndarray:
    """Return blobs of different lengths as rows of one array, filled up with zeros: [len(blobs), width]."""
    size = np.dtype(dtype).itemsize
    lengths = np.fromiter(map(len, blobs), np.int64, len(blobs)) // size
    return matrix_of(b"".join(blobs), lengths, dtype, width)


def matrix_of(joined: bytes, lengths: np.ndarray, dtype: str, width: int) -> np.ndarray:
    """Return rows that lie end to end in `joined`, `lengths` items each, as one array filled up with zeros."""
    flat = np.frombuffer(joined, dtype)
    width = max(width, int(lengths.max(initial=0)))
    if len(lengths) and (lengths == width).all():
        return flat.reshape(len(lengths), width)
    rows = np.zeros((len(lengths), width), np.dtype(dtype))
    starts = np.cumsum(lengths) - lengths
    owner = np.repeat(np.arange(len(lengths)), lengths)
    rows[owner, np.arange(len(flat)) - np.repeat(starts, lengths)] = flat
    return rows


# --- The points of a score: (slot, points) of those that are not 0, four bytes each ------------------

BOOKED = np.dtype([("slot", "<u2"), ("points", "<i2")])


def pack_points(points: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return rows of int16 points [n, width] as they are stored, end to end, and the bytes of each: int64[n]."""
    owner, slot = np.nonzero(points)
    booked = np.empty(len(owner), BOOKED)
    booked["slot"], booked["points"] = slot, points[owner, slot]
    return booked.tobytes(), np.bincount(owner, minlength=len(points)) * BOOKED.itemsize


def packed_points(points: np.ndarray) -> list[bytes]:
    """Return each row of int16 points [n, width] as it is stored."""
    joined, sizes = pack_points(points)
    ends = np.cumsum(sizes)
    return [joined[start:end] for start, end in zip((ends - sizes).tolist(), ends.tolist(), strict=True)]


def unpack_points(joined: bytes, sizes: np.ndarray, width: int) -> np.ndarray:
    """Return stored points that lie end to end, `sizes` bytes each, as rows of int16: [n, `width` or more].

    Raises Torn.
    """
    if (sizes % BOOKED.itemsize).any():
        raise Torn("the stored points are torn")
    booked = np.frombuffer(joined, BOOKED)
    width = max(width, int(booked["slot"].max()) + 1 if len(booked) else 0)
    rows = np.zeros((len(sizes), width), np.int16)
    rows[np.repeat(np.arange(len(sizes)), sizes // BOOKED.itemsize), booked["slot"]] = booked["points"]
    return rows


def points_of(blob: bytes) -> list[int]:
    """Return the points per slot that a stored row holds. Raises Torn."""
    return unpack_points(blob, np.array([len(blob)]), 0)[0].tolist()


def flat(rows: Iterable[Iterable[int]]) -> list[int]:
    return list(chain.from_iterable(rows))
