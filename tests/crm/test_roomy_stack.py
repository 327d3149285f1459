"""Frames in one piece of memory: a loop at the end of a chunk maps no new one at each call."""

from __future__ import annotations

import resource
import sys

import pytest

from crm.roomy_stack import MENDED, with_room

CALLS = 300


def leaf() -> None:
    pass


def page_faults() -> int:
    """Return how many page faults it takes at most, over many depths, to call a function a few hundred times."""
    worst = 0

    def at_depth(depth: int) -> None:
        nonlocal worst
        if depth:
            at_depth(depth - 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _call in range(CALLS):
            leaf()
        worst = max(worst, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

    at_depth(400)
    return worst


@pytest.mark.skipif(MENDED or sys.platform != "linux", reason="this Python keeps the chunk, or counts faults otherwise")
def test_a_loop_deep_in_the_stack_maps_no_memory_at_each_call() -> None:
    assert page_faults() >= CALLS
    assert with_room(page_faults)() < CALLS


def test_arguments_results_and_errors_pass_through() -> None:
    assert with_room(divmod)(7, 2) == (3, 1)
    assert with_room(sorted)([1, 2], reverse=True) == [2, 1]
    with pytest.raises(ZeroDivisionError):
        with_room(divmod)(1, 0)
