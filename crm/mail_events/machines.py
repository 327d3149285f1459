"""Telling programs from people: scanners open and click every mail to see where its links lead.

Evidence only grows: a mail once judged to have been looked at by a program stays so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

AT_ONCE = timedelta(seconds=10)
EARLY = timedelta(seconds=2)  # clocks of providers know whole seconds
MANY_LINKS = 3
REASONS: dict[str, str | Promise] = {
    "agent": _("The program that looked says it is a machine."),
    "network": _("It came from the network of a mail scanner."),
    "provider": _("The mail provider says it was a machine."),
    "at_once": _("It happened within seconds of the delivery."),
    "all_links": _("Several links were opened within seconds."),
    "with_others": _("It happened together with what a machine did."),
}
AGENTS = (
    "bot", "crawl", "spider", "scanner", "barracuda", "mimecast", "proofpoint", "bitdefender", "trendmicro", "sophos",
    "fireeye", "symantec", "ironport", "safelinks", "headless", "phantomjs", "python-", "curl/", "wget", "go-http",
    "java/", "okhttp", "libwww", "axios", "node-fetch", "facebookexternalhit", "whatsapp", "skypeuripreview",
    "existence discovery",
)  # fmt: skip
#: What Apple's Mail shows when it loads every picture in advance.
BARE = "Mozilla/5.0"
#: Networks from which filters of well-known makers look at links.
NETWORKS = (
    "64.235.144.0/20", "209.222.80.0/21",  # Barracuda
    "67.231.144.0/20", "148.163.128.0/17", "205.220.160.0/19",  # Proofpoint
    "207.211.30.0/24", "205.139.110.0/24", "91.220.42.0/24", "195.130.217.0/24",  # Mimecast
    "40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17",  # Microsoft's mail protection
    "17.0.0.0/8",  # Apple
)  # fmt: skip
ADDRESSES = ("ip", "IP", "ip_address", "client-ip", "SendingIP")


@dataclass(frozen=True, slots=True)
class Look:
    """One delivery (`what` is 'delivered'), opening or click of one mail; `why` is evidence it carries itself."""

    key: Hashable
    what: str
    at: datetime
    link: str = ""
    why: str = ""


def judge(looks: Sequence[Look]) -> dict[Hashable, str]:
    """Return {key: reason} of those looks at one mail that a machine took; reasons are keys of REASONS."""
    delivered = [look.at for look in looks if look.what == "delivered"]
    seen = sorted((look for look in looks if look.what != "delivered"), key=lambda look: look.at)
    found = {look.key: look.why for look in seen if look.why}
    found |= {look.key: "at_once" for look in seen if any(-EARLY <= look.at - at < AT_ONCE for at in delivered)}
    for burst in _bursts([look for look in seen if look.what == "clicked"]):
        found |= {look.key: "all_links" for look in burst if look.key not in found}
    clicks = [look.at for look in seen if look.what == "clicked" and look.key in found]
    for look in seen:
        if look.key not in found and any(abs(look.at - at) < AT_ONCE for at in clicks):
            found[look.key] = "with_others"
    return found


def _bursts(clicks: Sequence[Look]) -> Iterator[list[Look]]:
    """Yield the clicks that lie within ten seconds and go to three different links or more."""
    for first in range(len(clicks)):
        near = [look for look in clicks[first:] if look.at - clicks[first].at < AT_ONCE]
        if len({look.link for look in near}) >= MANY_LINKS:
            yield near


def gives_itself_away(agent: str, told: Mapping[str, Any]) -> str:
    """Return by what one event alone shows that a machine looked; '' when nothing does."""
    if _provider_says_so(told):
        return "provider"
    lowered = agent.lower()
    if agent.strip() == BARE or any(word in lowered for word in AGENTS):
        return "agent"
    return "network" if any(_is_known(address) for address in _addresses(told)) else ""


def _provider_says_so(told: Mapping[str, Any]) -> bool:
    inner = told.get("event-data") if isinstance(told.get("event-data"), Mapping) else {}
    client = inner.get("client-info") if isinstance(inner, Mapping) else None
    named = isinstance(client, Mapping) and (
        client.get("client-type") == "robot" or client.get("bot") not in (None, "")
    )
    return named or told.get("sg_machine_open") is True or "proxy_open" in str(told.get("event", ""))


def _addresses(told: Mapping[str, Any]) -> Iterable[str]:
    inner = told.get("event-data") if isinstance(told.get("event-data"), Mapping) else {}
    for place in (told, inner):
        for name in ADDRESSES:
            if isinstance(place, Mapping) and isinstance(place.get(name), str):
                yield place[name]


def _is_known(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in _networks(tuple(settings.MAIL_SCANNER_NETWORKS)))


@lru_cache(maxsize=4)
def _networks(own: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(network, strict=False) for network in (*NETWORKS, *own))
