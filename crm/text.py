"""Text as it is compared and searched: folded for matching, spelled out for search."""

from __future__ import annotations

import unicodedata

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "å": "aa", "đ": "d", "ł": "l"})


def fold(text: str | None) -> str:
    """Return casefold(NFKC(text)), or '' for None: what `contains` compares on both sides."""
    return unicodedata.normalize("NFKC", text).casefold() if text else ""


def search_key(text: str | None) -> str:
    """Return `text` as search compares it: folded, umlauts as two letters, other accents dropped.

    Müller, Mueller and MÜLLER share one key; so do Straße and Strasse.
    """
    spelled = fold(text).translate(UMLAUTS)
    bare = unicodedata.normalize("NFD", spelled)
    return " ".join("".join(c for c in bare if not unicodedata.combining(c)).split())


def clean(text: str) -> str:
    """Return `text` without surrounding blanks; ValueError for NUL and lone surrogates (I21)."""
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("text holds a character that cannot be stored")
    return text.strip()
