"""Room for Python's frames in one piece of memory.

CPython keeps the frames of pure Python calls in chunks of 16 kB. A loop that sits at the end of one maps a new chunk at
each call and unmaps it at each return: at a board's template that was 3,000 page faults and 20 ms of a request of 75
(https://github.com/python/cpython/issues/142183, mended in 3.14 and late releases of 3.13). A frame that asks for much
room gets a large chunk, and everything it calls lives in the rest of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

#: Slots of 8 bytes: just over half of a chunk of 512 kB, so that the other half is left for the frames within.
SLOTS = 33_000
P = ParamSpec("P")
R = TypeVar("R")
MENDED = sys.version_info >= (3, 14)


def _call(function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return function(*args, **named)


_call_with_room = FunctionType(_call.__code__.replace(co_stacksize=SLOTS), globals())


def with_room(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` so that what it calls finds about 240 kB for frames in one piece.

    Memory is taken page by page when it is used, and given back when `function` returns.
    """
    if MENDED:
        return function

    @wraps(function)
    def roomy(*args: P.args, **named: P.kwargs) -> R:
        return _call_with_room(function, args, named)

    return roomy
