"""Guessing what a list means: how it writes dates and numbers, and what each of its columns is.

A guess is a proposal: it is shown, and every one can be changed. Where two readings are possible it says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import takewhile

from crm.email_address import valid_email
from leads.imports import targets
from leads.imports.reading import Cell, Table, as_text

LOOKED_AT = 1000
MOST_WORDS = 60
LONGEST_PHONE = 26
DAY, MONTH, YEAR, UNCLEAR = "day", "month", "year", "unclear"
_DATE = re.compile(r"(\d{1,4})([.\-/])(\d{1,2})\2(\d{1,4})(?:([ T])(\d{1,2}:\d{2})(:\d{2})?(\.\d{1,6})?)?")
_NUMBER = re.compile(r"[-+]?[€$£]?\s?\d[\d.,' ]*\s?[€$£%]?")
_PHONE = re.compile(r"(?=(?:.*[ ()/\-]){2}|[+]|0\d+[ /\-])[+(]?\d[\d ()/.\-]{5,22}\d")
_GROUPED = re.compile(r"\d{1,3}( \d{3})+")
#: How numbers can be written: name → (sign before the decimals, sign between thousands), what fits it.
NUMBERS: dict[str, tuple[str, str, re.Pattern[str]]] = {
    "1234.56": (".", "", re.compile(r"-?\d+(\.\d+)?")),
    "1,234.56": (".", ",", re.compile(r"-?\d{1,3}(,\d{3})*(\.\d+)?")),
    "1.234,56": (",", ".", re.compile(r"-?(\d{1,3}(\.\d{3})*|\d+)(,\d+)?")),
    "1 234,56": (",", " ", re.compile(r"-?\d{1,3}([ \u00a0\u202f]\d{3})*(,\d+)?")),
}
YES_NO = {"yes", "no", "true", "false", "ja", "nein", "0", "1", "y", "n", "x"}


@dataclass
class Look:
    """One column: its name, some of its cells, how many are filled, and what they look like."""

    header: str
    samples: list[str] = field(default_factory=list)
    filled: int = 0
    kind: str = "text"  # text, email, phone, date, number, yes_no, masked, empty
    cells: list[Cell] = field(default_factory=list)


def look(table: Table) -> list[Look]:
    """Return what the first thousand rows show about each column."""
    looks = [Look(header) for header in table.columns]
    for line in table.sample(LOOKED_AT):
        if line.fault:
            continue
        for one, cell in zip(looks, line.cells, strict=True):
            if as_text(cell).strip():
                one.filled += 1
                one.cells.append(cell)
                if len(one.samples) < 3 and as_text(cell)[:80] not in one.samples:
                    one.samples.append(as_text(cell)[:80])
    for one in looks:
        one.kind = _kind(one.cells)
    return looks


def _kind(cells: Sequence[Cell]) -> str:
    if not cells:
        return "empty"
    if all(isinstance(cell, date) for cell in cells):
        return "date"
    texts = [as_text(cell).strip() for cell in cells]
    most = 0.9 * len(texts)
    if sum("@" in text for text in texts) > 0.5 * len(texts):
        return "masked" if sum("XX" in text or "**" in text for text in texts) > 0.5 * len(texts) else "email"
    if sum(bool(re.search(r"X{4,}|\*{3,}", text)) for text in texts) > 0.5 * len(texts):
        return "masked"
    if {text.casefold() for text in texts} <= YES_NO:
        return "yes_no"
    if sum(bool(_DATE.fullmatch(text)) for text in texts) >= most:
        return "date"
    if sum(_is_phone(text) for text in texts) >= most:
        return "phone"
    return "number" if sum(bool(_NUMBER.fullmatch(text)) for text in texts) >= most else "text"


def _is_phone(text: str) -> bool:
    """Whether somebody could be called under `text`: a country's code or a zero, or groups no amount is written in."""
    return len(text) <= LONGEST_PHONE and bool(_PHONE.fullmatch(text)) and not _GROUPED.fullmatch(text)


# --- Dates ----------------------------------------------------------------------------------------


def date_order(looks: Iterable[Look]) -> str:
    """Return DAY, MONTH or YEAR for what stands first in the list's dates; UNCLEAR when two fit, '' without dates."""
    fits, seen = {DAY, MONTH, YEAR}, False
    for one in looks:
        for cell in one.cells if one.kind == "date" else ():
            found = _DATE.fullmatch(as_text(cell).strip()) if isinstance(cell, str) else None
            if found is None:
                continue
            seen = True
            first, second = found[1], int(found[3])
            if len(first) == 4:
                fits &= {YEAR}
            else:
                fits &= {name for name, good in ((DAY, int(first) <= 31 and second <= 12),
                                                 (MONTH, int(first) <= 12 and second <= 31)) if good}  # fmt: skip
                if found[2] == ".":
                    fits &= {DAY}  # nobody writes a month first with dots
    if not seen:
        return ""
    return next(iter(fits)) if len(fits) == 1 else UNCLEAR


def date_format(cells: Iterable[Cell], order: str) -> str:
    """Return how the most of these dates are written, for strptime; '' for a workbook's own dates or ISO dates."""
    forms: Counter[str] = Counter()
    for cell in cells:
        found = _DATE.fullmatch(as_text(cell).strip()) if isinstance(cell, str) else None
        if found:
            forms[_form(found, order)] += 1
    form = forms.most_common(1)[0][0] if forms else ""
    return "" if form in {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"} else form


def _form(found: re.Match[str], order: str) -> str:
    sign = found[2]
    if len(found[1]) == 4:
        days = f"%Y{sign}%m{sign}%d"
    else:
        year = "%Y" if len(found[4]) == 4 else "%y"
        days = f"%m{sign}%d{sign}{year}" if order == MONTH else f"%d{sign}%m{sign}{year}"
    clock = (f"{found[5]}%H:%M" + (":%S" if found[7] else "") + (".%f" if found[8] else "")) if found[6] else ""
    return days + clock


# --- Numbers --------------------------------------------------------------------------------------


def number_format(looks: Iterable[Look], *, german: bool) -> tuple[str, bool]:
    """Return (a name in NUMBERS that fits the list's numbers, whether another one fits as well and reads otherwise).

    `german` breaks the tie: the list has other German habits.
    """
    texts = {
        as_text(cell).strip(" €$£%\u00a0") for one in looks if one.kind == "number" for cell in one.cells
    }  # fmt: skip
    signed = [text for text in texts if "," in text or "." in text or " " in text]
    if not signed:
        return "1234.56", False
    fits = [name for name, (_decimal, _thousands, form) in NUMBERS.items() if all(form.fullmatch(t) for t in signed)]
    if not fits:
        share = {name: sum(bool(form.fullmatch(t)) for t in signed) for name, (_d, _t, form) in NUMBERS.items()}
        return max(share, key=lambda name: share[name]), False
    decimals = {NUMBERS[name][0] for name in fits}
    wanted = "," if german else "."
    best = next((name for name in fits if NUMBERS[name][0] == wanted), fits[0])
    return best, len(decimals) > 1


# --- Columns --------------------------------------------------------------------------------------


def seems_headless(first: Sequence[str]) -> bool:
    """Whether the first row looks like a row rather than like names: an address, a date or several numbers in it."""
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in first)
    return numbers >= 2 or any(_is_address(cell) or _DATE.fullmatch(cell) for cell in first)


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        return bool("@" in text and valid_email(text))
    return False


def propose(looks: Sequence[Look]) -> dict[str, str]:
    """Return header → target for the columns whose meaning can be told, each target but a note or own field once."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    shared = _shared_beginning([one.header for one in looks])
    for one in looks:
        target = _fitting(one, one.header.removeprefix(shared))
        if target and target not in taken:
            found[one.header] = target
            taken.add(target)
    for kind, target in (("email", "contact.email"), ("phone", "contact.phone")):
        nameless = [one for one in looks if one.kind == kind and one.header not in found]
        if target not in taken and nameless:
            found[nameless[0].header] = target
            taken.add(target)
    if not taken & {"lead.stage", *targets.MOMENTS}:
        # Without a deal the money is a company's: what it turns over, not what it will pay us.
        found = {
            header: target for header, target in found.items()
            if target != "lead.amount" or targets.plain(header.removeprefix(shared)) not in targets.TURNOVER
        }  # fmt: skip
    if targets.KEY in taken and not _tells_apart(next(one for one in looks if found.get(one.header) == targets.KEY)):
        found = {header: target for header, target in found.items() if target != targets.KEY}
    return found


def _shared_beginning(headers: Sequence[str]) -> str:
    """Return what all headers begin with, up to a sign between words: "seller_" of seller_id and seller_city."""
    first, last = (min(headers), max(headers)) if len(headers) > 1 else ("", "")
    beginning = "".join(a for a, _b in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return beginning[: max(beginning.rfind(sign) for sign in "_ .-") + 1]


def _fitting(one: Look, header: str) -> str:
    target = targets.by_header(header)
    if one.kind == "empty":
        return ""
    if one.kind == "masked" and target in {"contact.email", "contact.phone"}:
        return targets.OWN
    if target == "contact.email" and one.kind != "email":
        return ""
    if target in targets.MOMENTS and one.kind != "date":
        return ""
    if target in targets.NUMBERS and one.kind not in {"number", "yes_no"}:
        return ""
    return target


def _tells_apart(one: Look) -> bool:
    return len({as_text(cell) for cell in one.cells}) >= 0.9 * len(one.cells)


def stage_for(word: str) -> str:
    """Return the stage a list's word usually means, '' when it says nothing."""
    return targets.STAGES.get(targets.plain(word), "")


def source_for(word: str, sources: dict[str, str]) -> str:
    """Return the key of the source a list's word means; `sources` is plain key or name → key."""
    plain = targets.plain(word)
    return sources.get(plain) or targets.SOURCES.get(plain, "")


def words_of(table: Table, header: str) -> tuple[list[tuple[str, int]], bool]:
    """Return ([(word, rows)] of a column, the most frequent first, at most 60; whether there are more)."""
    place = table.columns.index(header)
    words: Counter[str] = Counter()
    for line in table:
        if not line.fault and (text := as_text(line.cells[place]).strip()):
            words[text] += 1
    return words.most_common(MOST_WORDS), len(words) > MOST_WORDS
