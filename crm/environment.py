"""Reads the environment, and stops the start with one sentence when a value is wrong."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import sys
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
SAMPLE_SECRET_KEY = "change-me"
env = environ.Env()


def read(name: str, cast: Callable[[str], T], default: str, *, meaning: str, secret: bool = False) -> T:
    """Return the environment's `name` as `cast` reads it; an empty value means `default`.

    Raises ImproperlyConfigured, naming the variable and what it must be; a `secret` is not repeated.
    """
    raw = os.environ.get(name, "").strip() or default
    try:
        return cast(raw)
    except Exception as error:
        if secret:
            raise ImproperlyConfigured(f"{name} must be {meaning}.") from None
        raise ImproperlyConfigured(f"{name} must be {meaning}, but it is {without_password(raw)!r}.") from error


def without_password(address: str) -> str:
    """Return an address with what stands before its @ hidden, fit for a log."""
    return re.sub(r"//[^/@]*@", "//…@", address)


def database(raw: str) -> dict[str, Any]:
    """Return Django's settings for an address of SQLite or PostgreSQL; ValueError for any other."""
    if raw.split(":")[0] not in {"sqlite", "postgres", "postgresql"}:
        raise ValueError(raw)
    config: dict[str, Any] = env.db_url_config(raw)
    return config


def redis_address(raw: str) -> str:
    """Return an address of Redis, or nothing; ValueError for any other."""
    if raw and not raw.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError(raw)
    return raw


def boolean(raw: str) -> bool:
    """Read 1/0, true/false, yes/no, on/off; ValueError otherwise."""
    value = raw.lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ValueError(raw)


def port(raw: str) -> int:
    """Read a TCP port, 1…65535; ValueError otherwise."""
    value = int(raw)
    if not 1 <= value <= 65535:
        raise ValueError(raw)
    return value


def ports(raw: str) -> set[int]:
    """Read several ports, split by commas; ValueError for anything else."""
    return {port(one) for one in words(raw)}


def positive(raw: str) -> int:
    """Read a whole number from 1."""
    number = int(raw)
    if number < 1:
        raise ValueError(raw)
    return number


def words(raw: str) -> list[str]:
    """Split at commas; blanks around and empty parts are dropped."""
    return [part.strip() for part in raw.split(",") if part.strip()]


def networks(raw: str) -> list[str]:
    """Split networks such as 203.0.113.0/24 at commas; ValueError when one is none."""
    return [str(ipaddress.ip_network(network, strict=False)) for network in words(raw)]


def sign_ins(raw: str) -> list[str]:
    """Split sign-ins such as user:password at commas; ValueError when one is too short to be a secret."""
    found = words(raw)
    if any(len(one) < 16 or ":" not in one.strip(":") for one in found):
        raise ValueError("too short")
    return found


def ascii_text(raw: str) -> str:
    """Return plain ASCII text; ValueError for any other."""
    return raw.encode("ascii").decode()


def time_zone(raw: str) -> str:
    """Return the name of a known IANA time zone; an error otherwise."""
    return zoneinfo.ZoneInfo(raw).key


def one_of(*allowed: str) -> Callable[[str], str]:
    """Return a reader that takes only the `allowed` words."""

    def reader(raw: str) -> str:
        if raw not in allowed:
            raise ValueError(raw)
        return raw

    return reader


def site_url(raw: str) -> str:
    """Return an http(s) origin without a trailing slash; ValueError otherwise."""
    if not raw.startswith(("http://", "https://")) or raw.count("/") > 3:
        raise ValueError(raw)
    return raw.rstrip("/")


def data_dir(raw: str) -> Path:
    """Return the folder for everything Baton writes, made when absent."""
    path = Path(raw).expanduser().resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def secret_key(folder: Path, *, shared: bool) -> str:
    """Return SECRET_KEY from the environment, else the installation's own from `folder`.

    Where several machines share the work (`shared`) the environment must name it.
    """
    key = os.environ.get("SECRET_KEY", "")
    if key == SAMPLE_SECRET_KEY:
        raise ImproperlyConfigured("SECRET_KEY is still the sample value; make one of your own.")
    if key:
        return key
    if shared and "collectstatic" not in sys.argv:
        raise ImproperlyConfigured("SECRET_KEY must be set when REDIS_URL is: all machines share it.")
    file = folder / "secret_key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text().strip()
