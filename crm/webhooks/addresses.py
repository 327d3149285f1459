"""Where a webhook may go. What counts is the address the socket connects to, not what was typed (I39)."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_PORTS = {"https": 443, "http": 80}
#: Wrap an IPv4 address (NAT64, 6to4, Teredo), so what lies behind cannot be judged.
WRAPPED = [ipaddress.ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
#: Where clouds hand out credentials; never, whatever the settings say.
METADATA = {ipaddress.ip_address(one) for one in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")}


class NotAllowed(Exception):
    """A webhook may not go there."""


@dataclass(frozen=True)
class Target:
    """An address taken apart. `host` is as it is asked of DNS, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_plain(self) -> bool:
        """Whether anybody on the public internet may be told there: https, or http by setting, on a usual port."""
        secure = self.scheme == "https" or settings.WEBHOOK_ALLOW_HTTP
        return secure and self.port in settings.WEBHOOK_PORTS

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str) -> Target:
    """Take an address apart; NotAllowed for what is none, or holds a name and password."""
    try:
        if any(ord(one) <= 32 or ord(one) == 127 for one in url):
            raise NotAllowed
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        host = host if ":" in host else host.encode("idna").decode("ascii")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        path.encode("ascii")
    except (ValueError, UnicodeError) as error:
        raise NotAllowed from error
    if parts.scheme not in DEFAULT_PORTS or not host or "%" in host or "@" in parts.netloc or port == 0:
        raise NotAllowed
    return Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], path)


def check(url: str) -> None:
    """NotAllowed for an address that can be refused before anybody is asked; the rest is refused when it is sent to."""
    where = target(url)
    if where.host.rstrip(".") == "localhost" or where.host.rstrip(".").endswith(".localhost"):
        if not settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS:
            raise NotAllowed
        return
    for ip in _written(where):
        may_connect(where, ip)
        return
    if not where.is_plain and not settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS:
        raise NotAllowed


def _written(where: Target) -> list[Address]:
    """Return the address a host is when it is written as one, in any of the ways the system understands: 0177.1 …"""
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []
    return [_bare(str(entry[4][0])) for entry in found]


def resolved(where: Target) -> list[Address]:
    """Return the addresses of a host; OSError when there are none."""
    found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(_bare(str(entry[4][0])) for entry in found))


def _bare(text: str) -> Address:
    ip = ipaddress.ip_address(text.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def is_public(ip: Address) -> bool:
    """Whether everybody's internet lies there."""
    wrapped = any(ip in network for network in WRAPPED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not wrapped


def may_connect(where: Target, ip: Address) -> None:
    """NotAllowed unless a webhook may connect to `ip`: public, or private where the setting allows it."""
    if is_public(ip):
        if not where.is_plain:
            raise NotAllowed
        return
    private = ip.is_private or ip in ipaddress.ip_network("100.64.0.0/10") if ip.version == 4 else ip.is_private
    wrapped = any(ip in network for network in WRAPPED if network.version == ip.version)
    never = ip.is_multicast or ip.is_unspecified or ip.is_link_local or ip in METADATA or wrapped
    if never or not private or not settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS:
        raise NotAllowed
