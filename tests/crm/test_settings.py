"""The environment is read loudly, and every variable is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SOURCES = ["crm/settings.py", "crm/environment.py"]
READS = re.compile(r"environment\.read\(\s*\"([A-Z_]+)\"|os\.environ(?:\.get\(|\[)\"([A-Z_]+)\"")


def variables() -> set[str]:
    found = (pair for source in SOURCES for pair in READS.findall((ROOT / source).read_text()))
    return {first or second for first, second in found}


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in variables()}
    script = (
        "from django.conf import settings; import crm.settings as s;"
        "print(s.DATABASES['default']['NAME'], s.CELERY_BROKER_URL, s.SESSION_COOKIE_NAME, len(s.SECRET_KEY))"
    )
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
        cwd=ROOT,
        env={**clean, "DJANGO_SETTINGS_MODULE": "crm.settings", "DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
    )


def test_every_variable_has_a_heading_and_every_heading_a_variable():
    text = (ROOT / "docs/configuration.md").read_text()
    assert set(re.findall(r"^## ([A-Z_]+)$", text, re.MULTILINE)) == variables()
    assert set(re.findall(r"^\| \[`([A-Z_]+)`\]", text, re.MULTILINE)) == variables()


def test_defaults_need_no_variable_and_keep_one_secret_key(tmp_path):
    folder = tmp_path / "odd #1 100%41 name"
    first, second = start(folder), start(folder)
    assert first.stdout.split(" sqlitebroker")[0] == f"{folder}/baton.sqlite3"
    assert first.stdout == second.stdout
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
    assert len((folder / "secret_key").read_text()) >= 50


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("DEBUG", "maybe", "DEBUG must be 1 or 0, but it is 'maybe'."),
        ("PORT", "70000", "PORT must be a port from 1 to 65535, but it is '70000'."),
        ("TIME_ZONE", "Mars", "TIME_ZONE must be a time zone like Europe/Berlin, but it is 'Mars'."),
        ("LANGUAGE_CODE", "fr", "LANGUAGE_CODE must be en or de, but it is 'fr'."),
        ("SITE_URL", "crm.example.com", "SITE_URL must be an address like https://crm.example.com, but it is"),
        ("SECRET_KEY", "change-me", "SECRET_KEY is still the sample value; make one of your own."),
        (
            "REDIS_URL",
            "localhost",
            "REDIS_URL must be an address like redis://127.0.0.1:6379/0, but it is 'localhost'.",
        ),
        ("REDIS_URL", "redis://127.0.0.1/0", "SECRET_KEY must be set when REDIS_URL is: all machines share it."),
        ("DATABASE_URL", "mysql://me:geheim@db/x", "but it is 'mysql://…@db/x'."),
        ("DATA_DIR", "/proc/baton", "DATA_DIR must be a folder we may write to, but it is '/proc/baton'."),
    ],
)
def test_wrong_value_stops_the_start_with_one_sentence(tmp_path, variable, value, sentence):
    outcome = start(tmp_path, **{variable: value})
    assert outcome.returncode == 1
    assert len(outcome.stderr.strip().splitlines()) == 1
    assert sentence in outcome.stderr


def test_two_variables_switch_to_postgresql_and_redis(tmp_path):
    outcome = start(
        tmp_path,
        DATABASE_URL="postgres://me@127.0.0.1/crm",
        REDIS_URL="redis://127.0.0.1:6379/3",
        SECRET_KEY="x" * 50,
        SITE_URL="https://crm.example.com",
    )
    assert outcome.stdout.split() == ["crm", "redis://127.0.0.1:6379/3", "__Host-sessionid", "50"]
