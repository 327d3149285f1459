"""What stands in somebody's way on a page: axe's findings, and what has to be scrolled sideways."""

from __future__ import annotations

import json
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

AXE = Axe().axe_script
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDE, NARROW = 1440, 320
#: The rules that look at colours: all another scheme can change, nothing that another width can change. They take axe
#: eight times as long as the rest together.
COLOURS = ["color-contrast", "link-in-text-block"]
STILL_LOADING = ".htmx-request, .htmx-swapping, .htmx-settling"


def barriers(page: Page, within: str = "html", **options: Any) -> list[str]:
    """Return what axe finds on the page as it stands, one line for each element; `options` are axe's own.

    Look `within` the elements of a selector where the rest of the page has been looked at before.

    Reading axe's source costs the browser as much as running it, so a page reads it once.
    """
    expect(page.locator(STILL_LOADING)).to_have_count(0)
    if not page.evaluate("Boolean(window.axe?.run)"):
        page.evaluate(AXE)
    asked = f"{json.dumps(within)}, {json.dumps({'resultTypes': ['violations'], **options})}"
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({asked}).then(told => told.violations)")
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def barriers_in_both_schemes(page: Page, within: str = "html") -> dict[str, list[str]]:
    """Return the findings by scheme, those with none left out; the page ends dark."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # colours change at once
    found = {"light": barriers(page, within)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = barriers(page, within, runOnly=COLOURS)
    return {scheme: lines for scheme, lines in found.items() if lines}


def barriers_at_all_sizes(page: Page, within: str = "html") -> dict[str, list[str]]:
    """Return the findings by scheme, and by width what axe finds and whether the page scrolls sideways.

    The page is the same one all the time; it ends dark and narrow.
    """
    page.set_viewport_size({"width": WIDE, "height": 900})
    found = barriers_in_both_schemes(page, within)
    found[f"{WIDE} pixels"] = _sideways(page, WIDE)
    page.set_viewport_size({"width": NARROW, "height": 900})
    without_colours = {rule: {"enabled": False} for rule in COLOURS}
    found[f"{NARROW} pixels"] = [*barriers(page, within, rules=without_colours), *_sideways(page, NARROW)]
    return {where: lines for where, lines in found.items() if lines}


def _sideways(page: Page, width: int) -> list[str]:
    needed = page.evaluate("document.documentElement.scrollWidth")
    return [f"scrolls sideways: {needed} pixels"] if needed > width else []
