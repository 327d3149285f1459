"""What can be checked of deploy/ without its machines: the files parse and the commands take their arguments."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from celery.bin.celery import celery
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
UNITS = sorted((ROOT / "deploy").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())


def unit_command(unit: Path) -> str:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(unit)
    return parser["Service"]["ExecStart"]


COMMANDS = [
    *(unit_command(unit) for unit in UNITS),
    *(service["command"] for service in COMPOSE["services"].values() if "command" in service and "build" in service),
    " ".join(json.loads((ROOT / "deploy/Dockerfile").read_text().split("CMD ")[1])),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_takes_its_arguments(command: str) -> None:
    program, *arguments = shlex.split(command)
    match Path(program).name:
        case "gunicorn":
            check = [sys.executable, "-m", "gunicorn", "--check-config", *arguments]
            assert subprocess.run(check, cwd=ROOT, capture_output=True).returncode == 0
        case "celery":
            command_line = celery.commands[arguments[2]]
            command_line.make_parser(click.Context(command_line)).parse_args(arguments[3:])
        case "python":
            assert arguments[0] == "manage.py"
            assert (ROOT / "crm/management/commands" / f"{arguments[1]}.py").exists() or arguments[1] == "migrate"
        case other:
            raise AssertionError(other)


def test_compose_names_only_its_own_services() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"migrate", "web", "worker", "beat", "postgres", "redis"}
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


def test_schedule_runs_once_only() -> None:
    assert sum(" beat " in command for command in COMMANDS) == 2  # one way of running it each: unit and container
