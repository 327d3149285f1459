"""Exported files: under random names in DATA_DIR/exports until they expire; nobody else here may read them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

NAME = re.compile(r"[0-9a-f]{32}")
PART, COMING = ".part", ".new"


def folder() -> Path:
    """Return the folder of exports, made when missing."""
    place = Path(settings.DATA_DIR) / "exports"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def new_name() -> str:
    return secrets.token_hex(16)


def path_of(name: str) -> Path:
    """Return where the finished file lies; FileNotFoundError when it is not (or no longer) here."""
    path = folder() / name
    if not NAME.fullmatch(name) or not path.is_file():
        raise FileNotFoundError(name)
    return path


def part_of(name: str) -> Path:
    """Return where the rows of an unfinished file are gathered."""
    if not NAME.fullmatch(name):
        raise FileNotFoundError(name)
    return folder() / f"{name}{PART}"


def coming(name: str) -> Path:
    """Return where the finished file is written before it takes its place."""
    return folder() / f"{name}{COMING}"


def append(name: str, written: int, lines: bytes) -> int:
    """Put `lines` behind the first `written` bytes, whatever a killed worker left there; return the new length."""
    path = part_of(name)
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        file.truncate(written)
        file.seek(written)
        file.write(lines)
    return written + len(lines)


def discard(name: str) -> None:
    """Delete a file and what was gathered for it; what is gone already is no matter."""
    if NAME.fullmatch(name):
        for path in (folder() / name, part_of(name), coming(name)):
            with suppress(FileNotFoundError):
                path.unlink()


def names() -> Iterator[str]:
    """Yield the names of all files kept."""
    for path in folder().iterdir():
        yield path.name.removesuffix(PART).removesuffix(COMING)
