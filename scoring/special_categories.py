"""Fields nobody may be scored by (GDPR Art. 9), and fields that stand in for them so easily that we warn.

Own fields and properties are named by people, in English or German: their names are read word by word.
"""

from __future__ import annotations

import re
from itertools import pairwise

from django.utils.translation import gettext as _

from crm.text import search_key

# A word that is one of these, or begins with one that ends in *.
REFUSED = (
    "religi*", "konfession*", "glaube*", "kirche*", "church*", "denomination", "faith", "belief*", "weltanschau*",
    "ethni*", "race", "racial", "rasse", "hautfarb*", "skincolo*", "political*", "politisch*", "politics", "partei*",
    "gewerkschaft*", "tradeunion", "union", "unionmember*", "health*", "gesundheit*", "krank*", "disease*", "illness*",
    "diagnos*", "medical", "medizinisch*", "medication*", "disab*", "behinder*", "schwerbehinder*", "handicap*",
    "pregnan*", "schwanger*", "sexual*", "sexuell*", "sexlife", "sexorientation", "geneti*", "genom*", "biometri*",
    "fingerprint*", "bloodtype", "blutgrupp*",
)  # fmt: skip
WARNED = (
    "age", "ages", "alter", "agegroup", "altersgruppe", "birth*", "geburt*", "dob", "yearofbirth", "gender*", "sex",
    "geschlecht*", "salutation", "anrede", "national*", "nationality", "staatsangehor*", "staatsburger*",
    "citizenship", "herkunft*", "origin", "postcode*", "postal*", "postleitzahl*", "plz", "zip", "zipcode*",
    "mothertongue", "muttersprache", "marital*", "familienstand*",
)  # fmt: skip
_WORD = re.compile(r"[a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _words(name: str) -> list[str]:
    """Return the words of a name, and each two neighbours as one: "tradeUnion" says trade, union, tradeunion."""
    spelled = search_key(_HUMP.sub(" ", name)).replace("oe", "o").replace("ue", "u").replace("ae", "a")
    words = _WORD.findall(spelled)
    return words + [one + other for one, other in pairwise(words)]


def _names(name: str, list_: tuple[str, ...]) -> bool:
    words = _words(name)
    return any(
        word.startswith(entry[:-1]) if entry.endswith("*") else word == entry for entry in list_ for word in words
    )


def refusal(name: str) -> str:
    """Return why nobody may be scored by a field of this name; '' when they may."""
    if not _names(name, REFUSED):
        return ""
    return _(
        "“%(name)s” sounds like health, belief, origin, politics, union membership or sexuality. The law protects "
        "these (GDPR Art. 9), so no criterion may ask for them."
    ) % {"name": name}


def warning(name: str) -> str:
    """Return what to think of before scoring by a field of this name; '' for nothing."""
    if not _names(name, WARNED):
        return ""
    return _(
        "“%(name)s” can put people at a disadvantage for who they are: age, gender, nationality or where they live. "
        "Use it only when you can justify it, and say why."
    ) % {"name": name}
