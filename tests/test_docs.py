"""The docs name what the product has: no stage, move, setting or fact without its heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from leads.stages import Stage, Verb

DOCS = Path(settings.BASE_DIR) / "docs"


def headings(name: str) -> set[str]:
    return {
        line.lstrip("# ").strip()
        for line in (DOCS / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    }


@pytest.mark.parametrize("stage", Stage.values)
def test_every_stage_has_its_heading(stage: str) -> None:
    assert stage in headings("lifecycle.md")


@pytest.mark.parametrize("verb", Verb.values)
def test_every_move_has_its_heading(verb: str) -> None:
    wanted = "nurture (the move)" if verb == "nurture" else verb
    assert wanted in headings("lifecycle.md")


def test_no_link_in_the_docs_leads_nowhere() -> None:
    pages = [settings.BASE_DIR / "README.md", *DOCS.glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_every_scope_resource_and_error_of_the_api_has_its_heading() -> None:
    from crm.api.problems import CODES
    from crm.api.scopes import SCOPES

    sources = [*Path(settings.BASE_DIR).glob("*/api/*.py"), Path(settings.BASE_DIR) / "crm/api/problems.py"]
    written = {code for page in sources for code in re.findall(r'code="([a-z_]+)"', page.read_text(encoding="utf-8"))}
    resources = {scope.partition(":")[0] for scope in SCOPES}
    moves = {"stale", "incomplete", "refused"}
    assert {*SCOPES, *resources, *CODES.values(), *written, *moves, "malformed"} - headings("api.md") == set()


def test_every_webhook_has_its_heading_and_every_heading_its_webhook() -> None:
    from crm.webhooks.events import EVENTS

    assert {one for one in headings("webhooks.md") if "." in one} == set(EVENTS)
