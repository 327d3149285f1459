"""The closed catalogue of what a criterion may ask about who somebody is: label, type, SQL, Python reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import research
from crm.job_titles import FUNCTIONS, SENIORITIES
from crm.models import Contact
from crm.templatetags.formats import count
from crm.text import fold
from leads.models import Lead, Source
from scoring.operators import CHOICE, FLAG, JSON, NUMBER, TEXT, Value, is_missing, scalar

# key, label, from how many employees
SIZE_BANDS: tuple[tuple[str, str | Promise, int], ...] = (
    ("large", _("1,000 and more"), 1000),
    ("mid", _("50 to 999"), 50),
    ("small", _("10 to 49"), 10),
    ("micro", _("1 to 9"), 1),
)
FREE_MAIL = (
    "gmail.com", "googlemail.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de",
    "yahoo.com", "yahoo.de", "outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "live.com", "icloud.com",
    "me.com", "aol.com", "proton.me", "protonmail.com", "posteo.de", "mail.com", "bluewin.ch",
)  # fmt: skip
COMPLETE = (
    "first_name", "last_name", "email", "phone", "job_title", "company_id", "company__industry",
    "company__employees", "city",
)  # fmt: skip
COLUMNS = (
    "pk", "first_name", "last_name", "email", "email_key", "phone", "phone_key", "job_title", "seniority", "function",
    "company_id", "city", "region", "country", "postcode", "language", "custom", "company__name", "company__industry",
    "company__employees", "company__country", "company__custom",
)  # fmt: skip

# What the SQL of every fact may name: c contact, co company, so source of the newest lead.
SQL_FROM = (
    "crm_contact c LEFT JOIN crm_company co ON co.id = c.company_id LEFT JOIN leads_lead l ON l.contact_id = c.id"
    " AND l.episode = (SELECT max(m.episode) FROM leads_lead m WHERE m.contact_id = c.id)"
    " LEFT JOIN leads_source so ON so.id = l.source_id"
)

Profile = Mapping[str, Any]


@dataclass(frozen=True)
class Fact:
    """One thing a criterion may ask. `sql` is None where only Python can read it (JSON)."""

    key: str
    label: str | Promise
    type: str
    read: Callable[[Profile], Value]
    sql: str | None = None
    folded: str | None = None
    choices: Mapping[str, str | Promise] = field(default_factory=dict)
    warning: str | Promise = ""

    def show(self, value: Any) -> str:
        """Return a value as a person reads it."""
        if isinstance(value, bool):
            return gettext("yes") if value else gettext("no")
        return str(self.choices.get(value, value)) if isinstance(value, str) else count(value)


def size_band(employees: int | None) -> str:
    """Return the key of the band `employees` falls into, '' when unknown or none."""
    return next((key for key, _label, least in SIZE_BANDS if employees and employees >= least), "")


def completeness(profile: Profile) -> int:
    """Return how much of a profile is known, in whole percent."""
    known = sum(not is_missing(profile[name]) for name in COMPLETE)
    return known * 100 // len(COMPLETE)


def _free_mail(profile: Profile) -> bool | None:
    address = profile["email_key"]
    return address.partition("@")[2] in FREE_MAIL if address else None


def _column(name: str) -> Callable[[Profile], Value]:
    return lambda profile: profile[name]


_SIZE_SQL = "CASE " + " ".join(f"WHEN co.employees >= {n} THEN '{key}'" for key, _label, n in SIZE_BANDS) + " END"
_COMPLETE_SQL = (
    "(("
    + " + ".join(f"CASE WHEN c.{name} <> '' THEN 1 ELSE 0 END" for name in COMPLETE if "company" not in name)
    + " + CASE WHEN c.company_id IS NOT NULL THEN 1 ELSE 0 END + CASE WHEN co.industry <> '' THEN 1 ELSE 0 END"
    + f" + CASE WHEN co.employees IS NOT NULL THEN 1 ELSE 0 END) * 100 / {len(COMPLETE)})"
)
_FREE_SQL = (
    "CASE WHEN c.email_key <> '' THEN ("
    + " OR ".join(f"substr(c.email_key, length(c.email_key) - {len(host)}) = '@{host}'" for host in FREE_MAIL)
    + ") END"
)

FACTS: dict[str, Fact] = {
    fact.key: fact
    for fact in (
        Fact("job_title", _("Job title"), TEXT, _column("job_title"), "c.job_title", folded="c.job_title_key"),
        Fact("seniority", _("Seniority"), CHOICE, _column("seniority"), "c.seniority", choices=SENIORITIES),
        Fact("function", _("Function"), CHOICE, _column("function"), "c.function", choices=FUNCTIONS),
        Fact("industry", _("Industry"), TEXT, _column("company__industry"), "co.industry"),
        Fact("employees", _("Employees"), NUMBER, _column("company__employees"), "co.employees"),
        Fact(
            "size_band", _("Company size"), CHOICE, lambda p: size_band(p["company__employees"]), _SIZE_SQL,
            choices={key: label for key, label, _least in SIZE_BANDS},
        ),
        Fact("company_name", _("Company name"), TEXT, _column("company__name"), "co.name"),
        Fact(
            "country", _("Country"), TEXT, lambda p: p["country"] or p["company__country"],
            "COALESCE(NULLIF(c.country, ''), co.country)",
        ),
        Fact("region", _("Region"), TEXT, _column("region"), "c.region"),
        Fact("city", _("City"), TEXT, _column("city"), "c.city"),
        Fact(
            "postcode", _("Postcode"), TEXT, _column("postcode"), "c.postcode",
            warning=_("A postcode can stand for origin or income. Use a region where that is enough."),
        ),
        Fact("language", _("Language"), TEXT, _column("language"), "c.language"),
        Fact("has_email", _("Has an e-mail address"), FLAG, lambda p: p["email_key"] != "", "(c.email_key <> '')"),
        Fact("has_phone", _("Has a phone number"), FLAG, lambda p: p["phone_key"] != "", "(c.phone_key <> '')"),
        Fact(
            "has_company", _("Company is known"), FLAG, lambda p: p["company_id"] is not None,
            "(c.company_id IS NOT NULL)",
        ),
        Fact("free_mail", _("Uses a free e-mail provider"), FLAG, _free_mail, _FREE_SQL),
        Fact("completeness", _("Completeness in percent"), NUMBER, completeness, _COMPLETE_SQL),
        Fact(
            "research_surge", _("Researches a topic elsewhere just now"), FLAG,
            lambda p: bool((p["custom"] or {}).get(research.FIELD)),
            "EXISTS (SELECT 1 FROM crm_researchsurge rs WHERE rs.contact_id = c.id)",
        ),
        Fact("source", _("Source of the lead"), CHOICE, _column("source"), "so.key"),
        Fact(
            "source_kind", _("Kind of source"), CHOICE, _column("source_kind"), "so.kind",
            choices=dict(Source.Kind.choices),
        ),
        Fact("low_trust", _("Source of low trust"), FLAG, _column("low_trust"), "so.low_trust"),
    )
}  # fmt: skip

CUSTOM = {"custom.": ("custom", _("Own field “%(name)s”")), "company.": ("company__custom", _("Company: “%(name)s”"))}


def fact(key: str) -> Fact:
    """Return the fact named `key`; KeyError for one the catalogue does not know.

    The workspace's own fields are named `custom.<field>` and `company.<field>`.
    """
    if key in FACTS:
        return FACTS[key]
    for prefix, (column, label) in CUSTOM.items():
        name = key.removeprefix(prefix)
        if name and name != key:
            return Fact(key, label % {"name": name}, JSON, _custom(column, name))
    raise KeyError(key)


def _custom(column: str, name: str) -> Callable[[Profile], Value]:
    def read(profile: Profile) -> Value:
        fields = profile[column]
        value = fields.get(name) if isinstance(fields, dict) else None
        if isinstance(value, bool):
            return "yes" if value else "no"
        return scalar(value)

    return read


def newest_leads(contact_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return {contact: its newest lead as {id, counts_from, source, source_kind, low_trust}}."""
    rows = Lead.objects.filter(contact_id__in=list(contact_ids)).order_by("contact_id", "episode")
    names = ("pk", "counts_from", "source__key", "source__kind", "source__low_trust")
    return {
        contact: {"id": pk, "counts_from": first, "source": key, "source_kind": kind, "low_trust": low}
        for contact, pk, first, key, kind, low in rows.values_list("contact_id", *names)
    }


NO_LEAD = {"source": None, "source_kind": None, "low_trust": None}


def profiles(contact_ids: Iterable[int], leads: Mapping[int, Mapping[str, Any]] | None = None) -> dict[int, Profile]:
    """Return {contact: what the facts read}; `leads` as newest_leads returns them, read when not given."""
    ids = list(contact_ids)
    leads = newest_leads(ids) if leads is None else leads
    rows = Contact.objects.filter(pk__in=ids).order_by().values(*COLUMNS)
    return {row["pk"]: row | dict(leads.get(row["pk"], NO_LEAD)) for row in rows}


def as_read(key: str, value: Any) -> str:
    """Return a value of the fact `key` as a person reads it; lists joined by commas."""
    if isinstance(value, list):
        return ", ".join(fact(key).show(one) for one in value)
    return fact(key).show(value)


def folded(value: Any) -> str:
    """Return text as `contains` compares it."""
    return fold(value)
