"""What a rule of assignment may ask of a lead. A table: facts, form, sentence and explanation read the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from crm.models import Activity
from crm.text import search_key
from leads.models import AssignmentRule, Lead, Source

TOLD_IN = ("title", "topic", "asset", "product", "event", "text", "subject")
NEWEST = 200  # so many of the newest activities tell what somebody is interested in


def plain(postcode: str) -> str:
    """Return a postcode as it is compared: letters and digits only, in capitals ("sw1a 1aa" → "SW1A1AA")."""
    return re.sub(r"[^0-9A-Z]", "", postcode.upper())


@dataclass
class Facts:
    """What is known of a lead for its assignment; where the person lives counts before where the company sits."""

    lead: Lead

    @cached_property
    def place(self) -> tuple[str, str]:
        """(country, postcode), both of the person or both of the company."""
        contact = self.lead.contact
        company = contact.company
        if contact.country or contact.postcode or company is None:
            return contact.country, plain(contact.postcode)
        return company.country, plain(company.postcode)

    @cached_property
    def account(self) -> tuple[str, ...]:
        """The company's name and the domains of company and mail address, as they are compared."""
        contact = self.lead.contact
        company = contact.company
        named = [company.name_key, company.domain.casefold()] if company else []
        return tuple(part for part in (*named, contact.email_key.rpartition("@")[2]) if part)

    @property
    def industry(self) -> str:
        return self.lead.contact.company.industry if self.lead.contact.company else ""

    @property
    def employees(self) -> int | None:
        return self.lead.contact.company.employees if self.lead.contact.company else None

    @property
    def language(self) -> str:
        return self.lead.contact.language.partition("-")[0].casefold()

    @property
    def source(self) -> str:
        return self.lead.source.key if self.lead.source else ""

    @cached_property
    def interests(self) -> str:
        """What the person looked at or asked for in this episode, and the campaign, as one text to search in."""
        rows = Activity.objects.filter(contact=self.lead.contact_id, day__gte=self.lead.counts_from)
        told = rows.order_by("-occurred_at", "-id").values_list("properties", flat=True)[:NEWEST]
        words = [str(said[name]) for said in told if isinstance(said, dict) for name in TOLD_IN if said.get(name)]
        return search_key(" | ".join([self.lead.source_detail, *words]))


# --- The table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    """One thing a rule may ask: whether it holds, how it reads, and what the lead has instead."""

    key: str
    label: str | Promise
    holds: Callable[[Any, Facts], bool]
    sentence: Callable[[Any], str]
    found: Callable[[Facts], str] = field(default=lambda _facts: "")


def listed(words: Sequence[str]) -> str:
    """Return "A, B or C"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(list)s or %(last)s") % {"list": ", ".join(words[:-1]), "last": words[-1]}


def _in_territory(ranges: Iterable[str], facts: Facts) -> bool:
    postcode = facts.place[1]
    return bool(postcode) and any(_within(postcode, one) for one in ranges)


def _within(postcode: str, span: str) -> bool:
    """Whether a postcode lies in "80000-87999", or begins with "8"; ends are compared as far as they are written."""
    first, _dash, last = (plain(part) for part in span.partition("-"))
    if not last:
        return postcode.startswith(first)
    return first <= postcode[: len(first)] and postcode[: len(last)] <= last


def _size_fits(limits: Sequence[int | None], facts: Facts) -> bool:
    if facts.employees is None:
        return False
    least, most = limits
    return (least is None or facts.employees >= least) and (most is None or facts.employees <= most)


def _size_sentence(limits: Sequence[int | None]) -> str:
    least, most = limits
    if most is None:
        return _("the company has %(least)d people or more") % {"least": least}
    if least is None:
        return _("the company has %(most)d people at most") % {"most": most}
    return _("the company has %(least)d to %(most)d people") % {"least": least, "most": most}


def _says(text: str | Promise) -> Callable[[Sequence[str]], str]:
    return lambda words: str(text) % {"list": listed(words)}


def _quotes(text: str | Promise) -> Callable[[Sequence[str]], str]:
    return lambda words: str(text) % {"list": listed([f"“{word}”" for word in words])}


def _language(code: str) -> str:
    """Return the name of a language in the reader's own, its code where Django has no name for it."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


CONDITIONS: tuple[Condition, ...] = (
    Condition(
        "accounts", gettext_lazy("Named accounts"),
        lambda names, facts: any(search_key(name) in facts.account for name in names),
        _says(gettext_lazy("the company is %(list)s")),
        lambda facts: facts.lead.contact.company.name if facts.lead.contact.company else "",
    ),
    Condition(
        "countries", gettext_lazy("Countries"), lambda codes, facts: facts.place[0] in codes,
        _says(gettext_lazy("the country is %(list)s")), lambda facts: facts.place[0],
    ),
    Condition(
        "postcodes", gettext_lazy("Postcodes"), _in_territory, _says(gettext_lazy("the postcode is %(list)s")),
        lambda facts: facts.place[1],
    ),
    Condition(
        "industries", gettext_lazy("Industries"),
        lambda words, facts: any(search_key(word) in search_key(facts.industry) for word in words),
        _quotes(gettext_lazy("the industry contains %(list)s")), lambda facts: facts.industry,
    ),
    Condition(
        "size", gettext_lazy("Company size"), _size_fits, _size_sentence,
        lambda facts: "" if facts.employees is None else str(facts.employees),
    ),
    Condition(
        "languages", gettext_lazy("Languages"), lambda codes, facts: facts.language in codes,
        lambda codes: _says(gettext_lazy("the person speaks %(list)s"))([_language(code) for code in codes]),
        lambda facts: _language(facts.language),
    ),
    Condition(
        "interests", gettext_lazy("Product interest"),
        lambda words, facts: any(search_key(word) in facts.interests for word in words),
        _quotes(gettext_lazy("the person looked at or asked about %(list)s")), lambda _facts: _("nothing of that kind"),
    ),
    Condition(
        "sources", gettext_lazy("Sources"), lambda keys, facts: facts.source in keys,
        _says(gettext_lazy("the source is %(list)s")),
        lambda facts: str(facts.lead.source or ""),
    ),
)  # fmt: skip


# --- A rule ---------------------------------------------------------------------------------------


def asked(rule: AssignmentRule) -> list[tuple[Condition, Any]]:
    """Return the conditions a rule has, each with what it is compared with."""
    return [(one, rule.conditions[one.key]) for one in CONDITIONS if one.key in rule.conditions]


def source_labels(rules: Iterable[AssignmentRule]) -> dict[str, str]:
    """Return {key: label} of the sources these rules ask for; one query at most."""
    keys = {key for rule in rules for key in rule.conditions.get("sources", ())}
    return {one.key: str(one) for one in Source.objects.filter(key__in=keys)} if keys else {}


def sentence(rule: AssignmentRule, labels: Mapping[str, str]) -> str:
    """Return the rule as one sentence: "When the country is DE or AT, to the team North."."""
    told = [(one, [labels.get(key, key) for key in value] if one.key == "sources" else value)
            for one, value in asked(rule)]  # fmt: skip
    words = [one.sentence(value) for one, value in told]
    taker = rule.person.name if rule.person else _("the team %(name)s") % {"name": rule.team}
    if not words:
        return _("Every lead goes to %(taker)s.") % {"taker": taker}
    return _("When %(conditions)s, to %(taker)s.") % {"conditions": _(" and ").join(words), "taker": taker}


def objections(rule: AssignmentRule, facts: Facts) -> list[str]:
    """Return why a lead does not fit, one phrase per condition that fails; nothing when the rule holds."""
    return [
        _("%(label)s: %(found)s") % {"label": one.label, "found": one.found(facts) or _("not known")}
        for one, value in asked(rule)
        if not one.holds(value, facts)
    ]
