"""Where a search met a text: found as search compares, marked as it is written."""

from __future__ import annotations

import unicodedata

from crm.text import UMLAUTS, fold, search_key


def spans(text: str, query: str) -> list[tuple[int, int]]:
    """Return the (start, end) of what `query` met in `text`, umlauts either way, in order, without overlaps."""
    spelled, places = _spelled(text)
    found = []
    for word in search_key(query).split():
        at = spelled.find(word)
        while at >= 0:
            found.append((places[at], places[at + len(word) - 1] + 1))
            at = spelled.find(word, at + len(word))
    return _joined(sorted(found))


def _spelled(text: str) -> tuple[str, list[int]]:
    """Return `text` as search spells it, and for each of its letters the place it came from."""
    letters, places = [], []
    for place, character in enumerate(text):
        spelled = unicodedata.normalize("NFD", fold(character).translate(UMLAUTS))
        for letter in spelled:
            if not unicodedata.combining(letter):
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


def _joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
