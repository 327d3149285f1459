"""The docs name every fact a criterion may ask."""

from __future__ import annotations

import pytest
from django.conf import settings

from scoring.facts import FACTS


@pytest.mark.parametrize("key", FACTS)
def test_every_fact_has_its_heading(key: str) -> None:
    text = (settings.BASE_DIR / "docs" / "scoring.md").read_text(encoding="utf-8")
    assert f"\n### {key}\n" in text
