"""German is complete, says what its readable file says, keeps the placeholders and one word for one thing."""

from __future__ import annotations

import ast
import gettext
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation.template import templatize

from crm.templatetags.formats import count, exact, money, percent, span

ROOT = Path(settings.BASE_DIR)
CATALOGUES = sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}|<[^>]+>")
EACH_CATALOGUE = pytest.mark.parametrize(
    "source", CATALOGUES, ids=[f"{path.parts[-3]}-{path.stem}" for path in CATALOGUES]
)
# English word → the German stems of which one must stand in its translation.
GLOSSARY = {
    "activity kinds": ["Aktivitätsart"],
    "checklist": ["Checkliste"],
    "company": ["Unternehmen", "Beschäftigte"],
    "companies": ["Unternehmen"],
    "consent": ["Einwilligung"],
    "contacts": ["Kontakte"],
    "criteria": ["Kriteri"],
    "criterion": ["Kriteri"],
    "handoff": ["Übergabe"],
    "handoffs": ["Übergaben"],
    "lead": ["Lead", "MQL", "Vertriebsleitung", "Platz"],
    "leads": ["Lead", "Vertriebsleitung", "Eingegangen", "Leitet"],
    "legal basis": ["Rechtsgrundlage"],
    "mql": ["MQL"],
    "next step": ["nächste", "Nächste"],
    "nurture": ["Pflege"],
    "sales lead": ["Vertriebsleitung"],
    "scorecard": ["Bewertungsmodell", "MQL-Grenze"],
    "scorecards": ["Bewertungsmodelle"],
    "source": ["Quell", "source", "Vorlage"],
    "stage": ["Stufe", "„%(stage)s“", "Abschlusschance"],
    "wake-up date": ["Wiedervorlage"],
}


def messages_of(source: Path) -> list[Message]:
    with source.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def pairs(message: Message) -> list[tuple[str, str]]:
    """Return (English, German) of a message; a plural has two."""
    if isinstance(message.id, tuple):
        return list(zip(message.id, message.string, strict=True))
    return [(str(message.id), str(message.string))]


def every_pair() -> list[tuple[str, str]]:
    return [pair for source in CATALOGUES for message in messages_of(source) for pair in pairs(message)]


@EACH_CATALOGUE
def test_compiled_file_says_what_its_source_says(source: Path) -> None:
    with source.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in messages_of(source):
        context = message.context
        if isinstance(message.id, tuple):
            one, many = message.id
            spoken: object = tuple(
                compiled.npgettext(context, one, many, n) if context else compiled.ngettext(one, many, n)
                for n in (1, 2)
            )
        else:
            spoken = compiled.pgettext(context, message.id) if context else compiled.gettext(message.id)
        assert spoken == message.string


@EACH_CATALOGUE
def test_nothing_is_guessed_or_left_empty(source: Path) -> None:
    for message in messages_of(source):
        assert not message.fuzzy, message.id
        assert all(german.strip() for _english, german in pairs(message)), message.id


def test_there_is_german() -> None:
    assert [path.parts[-3] for path in CATALOGUES] == ["de"]


def test_placeholders_and_tags_are_the_same_on_both_sides() -> None:
    wrong = [
        (english, german)
        for english, german in every_pair()
        if Counter(PLACEHOLDER.findall(english)) != Counter(PLACEHOLDER.findall(german))
    ]
    assert not wrong


@pytest.mark.parametrize(("english", "stems"), GLOSSARY.items(), ids=list(GLOSSARY))
def test_one_thing_has_one_word(english: str, stems: list[str]) -> None:
    asked = re.compile(rf"(?<![-\w(“/]){re.escape(english)}(?![-\w”])", re.IGNORECASE)
    found = [(said, german) for said, german in every_pair() if asked.search(PLACEHOLDER.sub("", said))]
    assert found, "the glossary names a word that no screen uses"
    wrong = [(said, german) for said, german in found if not any(stem.lower() in german.lower() for stem in stems)]
    assert not wrong


def test_german_quotation_marks_dashes_and_hyphens() -> None:
    for english, german in every_pair():
        assert german.count("„") == german.count("“"), german
        assert "”" not in german and "E-Mail" not in german, german  # "E‑Mail" never breaks at its hyphen
        assert ("…" in english) == ("…" in german), german
        assert not re.search(r"[^\s\u00a0]…", german.replace("{…}", "").replace('": …', "")), german


# --- Nothing in the sources is missing -----------------------------------------------------------


def keywords() -> dict[str, tuple[int, int | None, int | None]]:
    """Return {function: (place of the id, of the plural, of the context)} as makemessages asks for them."""
    command = load_command_class(get_commands()["makemessages"], "makemessages")
    own = [option.partition("=")[2] for option in command.xgettext_options if option.startswith("--keyword=")]
    return dict.fromkeys(["_", "gettext", "gettext_lazy", "gettext_noop", *own], (0, None, None)) | {
        "ngettext": (0, 1, None), "ngettext_lazy": (0, 1, None),
        "pgettext": (1, None, 0), "pgettext_lazy": (1, None, 0),
        "npgettext": (1, 2, 0), "npgettext_lazy": (1, 2, 0),
    }  # fmt: skip


def sources() -> Iterator[Path]:
    for app in ("crm", "leads", "scoring"):
        yield from sorted((ROOT / app).rglob("*.py"))


def templates() -> Iterator[Path]:
    yield from sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})


def marked_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield (context, English) of every marked string in Python source."""
    known = keywords()
    for node in ast.walk(ast.parse(text)):
        name = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and name in known:
            place, _plural, context = known[name]
            said = node.args[place]
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                about = node.args[context] if context is not None else None
                yield str(about.value) if isinstance(about, ast.Constant) else "", said.value


LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(gettext|pgettext|ngettext|npgettext)\(({LITERAL}(?:, *{LITERAL})*)")


def marked_in_template(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what Django's own reader of templates hands to the collector."""
    for name, arguments in CALL.findall(templatize(path.read_text(encoding="utf-8"), origin=str(path))):
        said = ast.literal_eval(f"({arguments},)")
        yield (said[0], said[1]) if name.startswith(("p", "np")) else ("", said[0])


def test_every_marked_string_is_in_the_catalogue() -> None:
    known = {
        (message.context or "", message.id[0] if isinstance(message.id, tuple) else message.id)
        for source in CATALOGUES
        for message in messages_of(source)
    }
    marked = {pair for path in sources() for pair in marked_in(path.read_text(encoding="utf-8"))}
    marked |= {pair for path in templates() for pair in marked_in_template(path)}
    assert len(marked) > 1000
    assert not sorted(marked - known)


def test_both_forms_of_a_plural_stand_where_the_collector_finds_them() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and "ngettext" in getattr(node.func, "id", ""):
                forms = node.args[1:3] if node.func.id.startswith("np") else node.args[:2]
                assert all(isinstance(form, ast.Constant) for form in forms), f"{path}:{node.lineno}"


def test_no_other_short_name_hides_a_string_from_the_collector() -> None:
    known = set(keywords())
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                aliases = {alias.asname for alias in node.names if alias.asname and "gettext" in alias.name}
                assert aliases <= known, path


# --- How German writes figures ---------------------------------------------------------------------


def test_german_figures_dates_and_money() -> None:
    with translation.override("de"):
        assert date_format(date(2026, 11, 19)) == "19. November 2026"
        assert date_format(datetime(2026, 11, 19, 14, 2, tzinfo=UTC), "SHORT_DATETIME_FORMAT") == "19.11.2026, 14:02"
        assert exact(date(2026, 11, 19)) == "Do., 19. November 2026"
        assert count(1234.5) == "1.234,5"
        assert money(48000) == "48.000\N{NO-BREAK SPACE}€"
        assert percent(0.483) == "48\N{NO-BREAK SPACE}%"
        assert span(timedelta(hours=5, minutes=10)).replace("\N{NO-BREAK SPACE}", " ") == "5 Std. 10 Min."


@pytest.mark.parametrize(("number", "said"), [(0, "0 Leads"), (1, "1 Lead"), (2, "2 Leads"), (1000, "1.000 Leads")])
def test_german_plural(number: int, said: str) -> None:
    with translation.override("de"):
        words = translation.ngettext("%(shown)s lead", "%(shown)s leads", number) % {"shown": count(number)}
    assert words.replace("\N{NO-BREAK SPACE}", " ") == said
