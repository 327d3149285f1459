"""Cells for files that a spreadsheet opens: what it would take for a formula is written as text (CWE-1236)."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

QUOTE = "'"
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*%?")
_BEFORE = re.compile(r"[\s\x00-\x1f\x7f;,|\u200b-\u200f\u2028-\u202e\ufeff]*")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take `text` for a formula: = + - @ in front, also behind blanks or full-width."""
    rest = text[_BEFORE.match(text).end() :]  # type: ignore[union-attr]
    if not rest:
        return text[:1] in {"\t", "\r"}
    return unicodedata.normalize("NFKC", rest[0]) in {"=", "+", "-", "@"} and not _NUMBER.fullmatch(rest)


def safe(value: Any) -> Any:
    """Return a cell as it can be written: a text that looks like a formula gets a quote, numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = value.replace("\x00", "")
    return QUOTE + text if is_formula(text) else text


def unquoted(text: str) -> str:
    """Take away the one quote that `safe` has put before a cell; anything else stays as it is."""
    return text[1:] if text.startswith(QUOTE) and is_formula(text[1:]) else text
