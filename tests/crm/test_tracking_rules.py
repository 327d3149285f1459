"""Clocks that cannot be trusted, and patterns that must be cheap: pure rules, without a database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.tracking import clock, rules

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "at", "claim"),
    [
        (None, None, NOW, ""),
        ("2026-05-04T11:00:00Z", None, NOW - timedelta(hours=1), ""),
        ("2026-05-04T13:00:00+02:00", None, NOW - timedelta(hours=1), ""),
        ("2026-05-04T11:00:00", None, NOW - timedelta(hours=1), ""),
        ("2026-05-04T11:00:00Z", "2026-05-04T12:00:01Z", NOW - timedelta(hours=1), ""),
        ("2026-05-04T13:00:00Z", "2026-05-04T14:00:00Z", NOW - timedelta(hours=1), "2026-05-04T13:00:00Z"),
        ("2026-05-04T09:00:00Z", "2026-05-04T10:00:00Z", NOW - timedelta(hours=1), "2026-05-04T09:00:00Z"),
        ("2026-05-04T12:00:03Z", None, NOW, ""),
        ("1970-01-01T00:00:00Z", None, NOW, "1970-01-01T00:00:00Z"),
        ("2099-01-01T00:00:00Z", None, NOW, "2099-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", NOW, "0001-01-01T00:00:00+14:00"),
        ("yesterday", None, NOW, "yesterday"),
        (1714824000, None, NOW, "1714824000"),
    ],
)
def test_the_clock_of_the_sender_is_corrected_or_not_believed(
    timestamp: Any, sent_at: Any, at: datetime, claim: str
) -> None:
    assert clock.happened(timestamp, sent_at=sent_at, received=NOW) == (at, claim)


@given(st.one_of(st.datetimes().map(datetime.isoformat), st.text(max_size=40), st.integers(), st.none()),
       st.one_of(st.datetimes().map(datetime.isoformat), st.text(max_size=40), st.none()))  # fmt: skip
def test_no_clock_leads_into_the_future(timestamp: Any, sent_at: Any) -> None:
    at, _claim = clock.happened(timestamp, sent_at=sent_at, received=NOW)
    assert clock.EARLIEST <= at <= NOW


@given(st.text("ab*", max_size=12), st.text("ab", max_size=20))
def test_a_pattern_fits_as_a_wildcard_does(pattern: str, text: str) -> None:
    expected = re.fullmatch("".join(".*" if c == "*" else c for c in pattern), text) is not None
    assert rules.fits(pattern, text) == expected
