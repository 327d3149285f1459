"""A form in the colours of the page around it: four documented variables, refused when they cannot be read."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

READABLE = 4.5
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
FONT = re.compile(r"[A-Za-z0-9 ,\"'-]{1,120}")
PAPER, INK, ACCENT = "#f3f0e9", "#1d1b18", "#00665a"


def luminance(colour: str) -> float:
    """Return the relative luminance of '#rrggbb', 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def on_accent(accent: str) -> str:
    """Return black or white, whichever is easier to read on `accent`."""
    return max(("#ffffff", "#000000"), key=lambda colour: contrast(colour, accent))


def problems(look: dict[str, str]) -> dict[str, str]:
    """Return what is wrong with a look, by its name: 'accent', 'paper', 'ink' or 'font'."""
    found = {
        name: _("Write the colour as # and six digits, such as #00665a.")
        for name in ("accent", "paper", "ink")
        if look.get(name) and not COLOUR.fullmatch(look[name])
    }
    if look.get("font") and not FONT.fullmatch(look["font"]):
        found["font"] = _("Only names of fonts, parted by commas.")
    if found:
        return found
    paper = look.get("paper") or PAPER
    for name, default in (("ink", INK), ("accent", ACCENT)):
        if (look.get(name) or look.get("paper")) and (ratio := contrast(look.get(name) or default, paper)) < READABLE:
            found[name] = _("On this background its contrast is %(ratio).1f : 1; readable is 4.5 : 1 and more.") % {
                "ratio": ratio
            }
    return found


def stylesheet(look: dict[str, str]) -> str:
    """Return the variables of a look as CSS; '' when the form keeps our own."""
    chosen = {name: value for name, value in look.items() if value}
    if not chosen or problems(chosen):
        return ""
    lines = [f"--form-{name}: {value};" for name, value in sorted(chosen.items())]
    if set(chosen) & {"accent", "paper", "ink"}:
        paper, ink, accent = (
            chosen.get(name, default) for name, default in (("paper", PAPER), ("ink", INK), ("accent", ACCENT))
        )
        scheme = "dark" if luminance(paper) < 0.18 else "light"
        lines += [f"color-scheme: {scheme};", f"--form-on-accent: {on_accent(accent)};"]
        lines += [f"--form-{name}: {value};" for name, value in (("paper", paper), ("ink", ink), ("accent", accent))]
    return f"@layer screens {{ .public {{ {' '.join(dict.fromkeys(lines))} }} }}\n"
