"""Arrays as PostgreSQL sends them in its binary format: numpy reads a hundred thousand numbers as they lie there."""

from __future__ import annotations

import numpy as np


def elements(received: bytes | memoryview, kind: str) -> np.ndarray:
    """Return the elements of an array of any dimensions without NULLs, flat; `kind` is their numpy type, as ">i8".

    Before them stand how many dimensions there are, twelve bytes or, for none, eight bytes more for each; before each
    of them its length in bytes.
    """
    dimensions = int.from_bytes(bytes(received[:4]), "big")
    return np.frombuffer(received, [("length", ">i4"), ("value", kind)], offset=12 + 8 * dimensions)["value"]
