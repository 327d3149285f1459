"""The uploaded lists: kept under random names in DATA_DIR/imports until the import can no longer be undone."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

NAME = re.compile(r"[0-9a-f]{32}")


def folder() -> Path:
    """Return the folder of the kept lists, made when missing; nobody else on the machine may read it."""
    place = Path(settings.DATA_DIR) / "imports"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def keep(chunks: Iterable[bytes]) -> tuple[str, str]:
    """Store a list; return its random name and the SHA-256 of its bytes. Nothing stays behind when that fails."""
    name, digest = secrets.token_hex(16), hashlib.sha256()
    path = folder() / name
    try:
        path.touch(mode=0o600)
        with path.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return name, digest.hexdigest()


def copy(path: Path) -> tuple[str, str]:
    """Store a copy of the list at `path`; see `keep`."""
    with path.open("rb") as file:
        return keep(iter(lambda: file.read(1024 * 1024), b""))


def path_of(name: str) -> Path:
    """Return where the list kept as `name` lies; FileNotFoundError when it is not (or no longer) here."""
    path = folder() / name
    if not NAME.fullmatch(name) or not path.is_file():
        raise FileNotFoundError(name)
    return path


def discard(name: str) -> None:
    """Delete a kept list; one that is gone already is no matter."""
    with suppress(FileNotFoundError):
        path_of(name).unlink()
