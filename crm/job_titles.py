"""What a job title means: seniority and function, read from small tables (English and German)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.text import fold

SENIORITIES = {
    "c_level": _("C-level"),
    "vp": _("Vice president"),
    "director": _("Director"),
    "head": _("Head of"),
    "manager": _("Manager"),
    "staff": _("Staff"),
    "student": _("Student or trainee"),
}
FUNCTIONS = {
    "management": _("General management"),
    "marketing": _("Marketing"),
    "sales": _("Sales"),
    "purchasing": _("Purchasing"),
    "operations": _("Operations"),
    "it": _("IT"),
    "finance": _("Finance"),
    "hr": _("Human resources"),
    "engineering": _("Engineering"),
    "research": _("Research"),
}
SENIORITY_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("student", ("student", "praktikant", "intern ", "trainee", "auszubildend", "azubi", "werkstudent")),
    (
        "c_level",
        (
            "chief ",
            "ceo",
            "cfo",
            "cto",
            "cio",
            "coo",
            "cmo",
            "geschäftsführ",
            "vorstand",
            "founder",
            "gründer",
            "inhaber",
            "owner",
            "managing director",
            "president",
            "managing partner",
        ),
    ),
    ("vp", ("vice president", "vp ", "svp", "evp")),
    ("director", ("director", "direktor", "bereichsleit")),
    ("head", ("head of", "leiter", "leitung", "abteilungsleit", "teamleit", "chef")),
    ("manager", ("manager", "managing", "referent", "supervisor", "koordinator", "coordinator", "lead ")),
)
FUNCTION_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("marketing", ("marketing", "cmo", "growth", "brand", "kommunikation", "communication", "content")),
    ("sales", ("sales", "vertrieb", "account exec", "business development", "key account")),
    ("purchasing", ("purchas", "procure", "einkauf", "einkäufer", "beschaffung", "buyer", "sourcing")),
    ("hr", ("human resources", "hr ", "personal", "recruit", "people &", "talent")),
    ("finance", ("financ", "finanz", "cfo", "controll", "account", "buchhalt")),
    (
        "it",
        (
            "it-",
            "it ",
            "cio",
            "cto",
            "software",
            "information technology",
            "edv",
            "devops",
            "data ",
            "developer",
            "entwickler",
        ),
    ),
    ("research", ("research", "forschung", "scientist", "labor", "r&d")),
    ("engineering", ("engineer", "ingenieur", "technik", "technisch", "technical", "konstruktion")),
    ("operations", ("operation", "betrieb", "produktion", "production", "logisti", "supply", "coo", "plant", "werk")),
    (
        "management",
        (
            "ceo",
            "geschäftsführ",
            "managing director",
            "vorstand",
            "founder",
            "gründer",
            "owner",
            "inhaber",
            "president",
        ),
    ),
)


def _first_match(title: str, table: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    if not title:
        return ""
    folded = f"{fold(title)} "
    words = f" {folded}"
    for key, needles in table:
        for needle in needles:
            if f" {needle}" in words if len(needle.strip()) <= 4 else needle in folded:
                return key
    return ""


def seniority(title: str) -> str:
    """Return the key of SENIORITIES that `title` means; 'staff' for other titles, '' for none."""
    return _first_match(title, SENIORITY_WORDS) or ("staff" if title.strip() else "")


def function(title: str) -> str:
    """Return the key of FUNCTIONS that `title` means, or ''."""
    return _first_match(title, FUNCTION_WORDS)
