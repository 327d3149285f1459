"""Rules that hold for every template, stylesheet and module of the product."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
STYLES = sorted((settings.BASE_DIR / "static" / "css").glob("*.css"))
MODULES = sorted((settings.BASE_DIR / "static" / "js").rglob("*.js"))


def name(path: Path) -> str:
    return path.relative_to(settings.BASE_DIR).as_posix()


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}|\{% comment.*?endcomment %\}", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_no_template_holds_inline_style_script_or_unescaped_text(path: Path) -> None:
    text = without_comments(path.read_text(encoding="utf-8"))
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<style\b", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert "javascript:" not in text
    assert not re.search(r"\|\s*safe\b|autoescape off|mark_safe", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script or 'type="application/json"' in script, script


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_template_compiles(path: Path) -> None:
    get_template(path.relative_to(settings.BASE_DIR / "templates").as_posix())


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_stylesheets_live_in_layers_and_call_nobody(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("{") == text.count("}")
    assert "@layer" in text
    assert not re.search(r"url\(|@import|@font-face", text)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_need_no_eval_and_put_nothing_on_window(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|new Function|document\.write|window\.\w+\s*=[^=]|globalThis", text)
    assert "https://" not in text


def test_the_two_hues_of_the_baton_mean_nothing_else() -> None:
    users = {path.name for path in STYLES if re.search(r"var\(--(marketing|sales)\)", path.read_text(encoding="utf-8"))}
    assert users <= {"holder.css", "kit.css"}


def compressed(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes())) for path in paths)


def test_what_travels_stays_small() -> None:
    htmx = finders.find("django_htmx/htmx-2.min.js")
    assert isinstance(htmx, str)
    assert compressed(STYLES) <= 40_000
    assert compressed([*MODULES, Path(htmx)]) <= 90_000
