"""Lists that several forms offer: time zones, currencies, regions with public holidays."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Any

import holidays
from django import forms
from django.utils.translation import gettext_lazy as _

CURRENCIES = [(code, code) for code in ("EUR", "USD", "GBP", "CHF", "DKK", "NOK", "SEK", "PLN", "CZK", "JPY")]
GERMAN_STATES = {
    "BW": "Baden-Württemberg", "BY": "Bayern", "BE": "Berlin", "BB": "Brandenburg", "HB": "Bremen", "HH": "Hamburg",
    "HE": "Hessen", "MV": "Mecklenburg-Vorpommern", "NI": "Niedersachsen", "NW": "Nordrhein-Westfalen",
    "RP": "Rheinland-Pfalz", "SL": "Saarland", "SN": "Sachsen", "ST": "Sachsen-Anhalt", "SH": "Schleswig-Holstein",
    "TH": "Thüringen",
}  # fmt: skip
COUNTRIES = [
    ("AT", _("Austria")), ("BE", _("Belgium")), ("CH", _("Switzerland")), ("CZ", _("Czechia")), ("DK", _("Denmark")),
    ("ES", _("Spain")), ("FR", _("France")), ("GB", _("United Kingdom")), ("IE", _("Ireland")), ("IT", _("Italy")),
    ("NL", _("Netherlands")), ("NO", _("Norway")), ("PL", _("Poland")), ("SE", _("Sweden")), ("US", _("United States")),
]  # fmt: skip


class WordForNothing(forms.ChoiceField):
    """A choice that is always made: the word `nothing` stands for the empty value the row keeps."""

    def __init__(self, *, nothing: tuple[str, Any], choices: Any, **more: Any) -> None:
        self.nothing = nothing[0]
        given = choices if callable(choices) else lambda: list(choices)
        super().__init__(choices=lambda: [nothing, *[c for c in given() if c[0] != ""]], **more)

    def prepare_value(self, value: Any) -> Any:
        return value or self.nothing

    def clean(self, value: Any) -> str:
        chosen = super().clean(value)
        return "" if chosen == self.nothing else str(chosen)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(initial or self.nothing, data)


@lru_cache(maxsize=1)
def time_zones() -> list[tuple[str, str]]:
    """Return the zones of real places as choices, "Europe/Berlin" shown as "Europe / Berlin"."""
    areas = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    names = sorted(name for name in zoneinfo.available_timezones() if name.split("/")[0] in areas)
    return [(name, name.replace("/", " / ").replace("_", " ")) for name in [*names, "UTC"]]


def holiday_regions() -> list[tuple[str, object]]:
    """Return the regions whose public holidays a team can keep."""
    states = [(f"DE-{code}", _("Germany, %(state)s") % {"state": name}) for code, name in GERMAN_STATES.items()]
    known = set(holidays.list_supported_countries())
    return [("DE", _("Germany, all states")), *states, *[c for c in COUNTRIES if c[0] in known]]
