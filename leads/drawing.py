"""Draws docs/lifecycle.svg from the state machine, so that the picture cannot lie."""

from __future__ import annotations

from collections import defaultdict

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import override

from leads.stages import JOURNEY, OPEN, PAIRS, Stage, Verb

WIDTH, HEIGHT, BOX, TALL = 1500, 532, 190, 44
PLACES: dict[str, tuple[int, int]] = {
    Stage.LEAD: (110, 120),
    Stage.MARKETING_QUALIFIED: (440, 120),
    Stage.SALES_ACCEPTED: (760, 120),
    Stage.SALES_QUALIFIED: (1080, 120),
    Stage.WON: (1390, 120),
    Stage.NURTURE: (440, 340),
    Stage.LOST: (1080, 340),
    Stage.DISQUALIFIED: (1390, 340),
}
APART = {Verb.DISQUALIFY, Verb.ENTER_AS, Verb.ABSORB, Verb.UNDO}
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1d1b18}.quiet{fill:#57524a}"
    ".verb{font-size:12px;fill:#00665a;paint-order:stroke;stroke:#f3f0e9;stroke-width:5px}"
    "rect{fill:#fffefb;stroke:#837c70}rect.sales{fill:#e2eee8;stroke:#00665a}path{fill:none;stroke:#837c70}"
    ".head{fill:#837c70;stroke:none}svg{background:#f3f0e9}"
)


def arrows() -> dict[tuple[str, str], list[str]]:
    """Return (from, to) → verbs, for every pair that is drawn as an arrow of its own."""
    drawn: dict[tuple[str, str], list[str]] = defaultdict(list)
    for verb, pairs in PAIRS.items():
        if verb not in APART:
            for pair in pairs:
                drawn[pair].append(verb)
    return dict(drawn)


def _box(stage: str) -> SafeString:
    x, y = PLACES[stage]
    sales = stage in {Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED, Stage.WON}
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="4"/>'
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        "sales" if sales else "marketing", x - BOX // 2, y - TALL // 2, BOX, TALL, x, y + 5, Stage(stage).label,
    )  # fmt: skip


def _arrow(start: str, end: str, verbs: list[str]) -> SafeString:
    words = ", ".join(verbs)
    (x1, y1), (x2, y2) = PLACES[start], PLACES[end]
    if start == end:
        top = y1 - TALL // 2
        path = f"M{x1 - 30} {top}C{x1 - 50} {top - 46} {x1 + 50} {top - 46} {x1 + 30} {top}"
        return _path(path, x1, top - 42, words)
    if y1 == y2 and x2 > x1 and x2 - x1 < 400:
        return _path(f"M{x1 + BOX // 2} {y1}L{x2 - BOX // 2} {y2}", (x1 + x2) // 2, y1 - 8, words)
    if y1 == y2:
        low = y1 + TALL // 2
        path = f"M{x1 - 40} {low}C{x1 - 50} {low + 44} {x2 + 50} {low + 44} {x2 + 40} {low}"
        return _path(path, (x1 + x2) // 2, low + 50, words)
    down = 1 if y2 > y1 else -1
    begin, finish = y1 + down * TALL // 2, y2 - down * TALL // 2
    shift = 28 if down < 0 else 0
    lean = max(-60, min(60, (x1 - x2) // 4))
    begin_x, end_x = x1 - shift, x2 - shift + lean
    along = 0.35 if down < 0 else (0.62 if x2 > x1 else 0.3)
    x, y = begin_x + (end_x - begin_x) * along, begin + (finish - begin) * along
    return _path(f"M{begin_x} {begin}L{end_x} {finish}", int(x), int(y) + 4, words)


def _path(path: str, x: int, y: int, words: str) -> SafeString:
    return format_html(
        '<path d="{}" marker-end="url(#head)"/><text class="verb" x="{}" y="{}" text-anchor="middle">{}</text>',
        path, x, y, words,
    )  # fmt: skip


def lifecycle() -> str:
    """Return the drawing as one SVG document, in English."""
    with override("en"):
        notes = (
            f"{Verb.DISQUALIFY}: from {', '.join(OPEN)} to disqualified",
            f"{Verb.UNDO}: the last move is taken back, within 24 hours or by a sales lead",
            f"{Verb.ENTER_AS}: an import says how far a lead had come; only while the log holds nothing but imports",
            f"{Verb.ABSORB}: from {', '.join(OPEN)} to disqualified, when a merged person's other lead is further on",
        )
        return format_html(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img"'
            ' aria-label="The life cycle of a lead"><style>{}</style><defs><marker id="head" viewBox="0 0 8 8" refX="7"'
            ' refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker>'
            "</defs>{}{}{}</svg>\n",
            WIDTH,
            HEIGHT,
            STYLE,
            format_html_join("", "{}", ((_arrow(start, end, verbs),) for (start, end), verbs in arrows().items())),
            format_html_join(
                "", "{}", ((_box(stage),) for stage in (*JOURNEY, Stage.NURTURE, Stage.LOST, Stage.DISQUALIFIED))
            ),
            format_html_join(
                "",
                '<text class="quiet" x="25" y="{}">{}</text>',
                ((440 + 22 * n, note) for n, note in enumerate(notes)),
            ),
        )
