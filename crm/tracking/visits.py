"""Where somebody came from and where they were, as structured data: utm, referrer, landing page, url, path, title.

Forms store the same names. A query string is read for its utm values and not kept: it may name people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crm.tracking.messages import Message

LONGEST = 512
UTM = ("source", "medium", "campaign", "term", "content", "id")
#: What a sender may know about a device, and we do not want to know (P27).
UNWANTED = frozenset({"ip", "ip_address", "userAgent", "user_agent", "search"})


def cut(value: Any) -> str:
    """Return foreign text in one line of at most 512 characters, with a mark where it was cut (I02)."""
    told = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    text = " ".join(str(value).split()) if told else ""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def properties(message: Message) -> dict[str, Any]:
    """Return what the activity of a track, page or screen message keeps."""
    told = {name: value for name, value in message.properties.items() if name not in UNWANTED}
    page = message.context.get("page")
    page = page if isinstance(page, Mapping) else {}
    url = str(told.get("url") or page.get("url") or "")
    bare = _bare(url)
    kept: dict[str, Any] = {
        "url": bare,
        "path": path_of(message),
        "title": cut(told.get("title") or page.get("title") or (message.name if message.type != "track" else "")),
        "utm": _utm(message, url or str(page.get("search") or told.get("search") or "")),
        "referrer": _referrer(told.get("referrer") or page.get("referrer"), url),
    }
    if message.type == "page" and (kept["utm"] or kept["referrer"]):
        kept["landing_page"] = bare or kept["path"]
    for name in ("url", "path", "title", "utm", "referrer"):
        told.pop(name, None)
    return told | {name: value for name, value in kept.items() if value}


def path_of(message: Message) -> str:
    """Return the path of the page a message is about, '' for none."""
    page = message.context.get("page")
    page = page if isinstance(page, Mapping) else {}
    path = message.properties.get("path") or page.get("path")
    if not path:
        path = _split(str(message.properties.get("url") or page.get("url") or "")).path
    return cut(str(path).partition("?")[0].partition("#")[0])


def _split(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _bare(url: str) -> str:
    """Return a web address without query and fragment, '' for anything else."""
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    return cut(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def _referrer(value: Any, url: str) -> str:
    """Return the page somebody came from, unless it is of the same site."""
    address = _bare(value) if isinstance(value, str) else ""
    return "" if not address or _split(address).netloc == _split(url).netloc else address


def _utm(message: Message, url: str) -> dict[str, str]:
    campaign = message.context.get("campaign")
    if isinstance(campaign, Mapping) and campaign:
        told = {name: cut(campaign.get(name)) for name in UTM}
        told["campaign"] = cut(campaign.get("name") or campaign.get("campaign"))
    else:
        query = parse_qs((_split(url).query or url.partition("?")[2])[:8192], max_num_fields=None)
        told = {name: cut(query.get(f"utm_{name}", [""])[0]) for name in UTM}
    return {name: value for name, value in told.items() if value}
