"""The mail server and the mail providers an installation is set up with, as lines of the register of recipients (P32).

They are chosen in the environment, so they cannot be kept off until their line is written: the register shows the gap,
and the doctor names it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.doctor import check
from crm.mail_events.providers import PROVIDERS, SHARED, Provider
from crm.models import Activity, MailRecipient

SERVER, EVENTS = "server", "events"
RECEIVES: dict[str, str | Promise] = {
    SERVER: gettext_lazy("address, subject and text of every mail"),
    EVENTS: gettext_lazy("addresses, and what became of each mail"),
}
PURPOSES: dict[str, str | Promise] = {
    SERVER: gettext_lazy("Sending our mails"),
    EVENTS: gettext_lazy("Telling what became of mails"),
}


@dataclass(frozen=True)
class Line:
    """One server or provider; `row` is None as long as nobody has said who that is."""

    key: str
    row: MailRecipient | None
    in_use: bool

    @property
    def way(self) -> str:
        return self.key.partition(":")[0]

    @property
    def name(self) -> str:
        """Return what it is called: a host, or the provider's own name."""
        known = self.key.partition(":")[2]
        return PROVIDERS[known].label if self.way == EVENTS and known in PROVIDERS else known

    @property
    def receives(self) -> str | Promise:
        return RECEIVES[self.way]

    @property
    def purpose(self) -> str | Promise:
        return PURPOSES[self.way]


def in_use() -> list[str]:
    """Return the keys of what this installation sends by and lets in; a server on this machine is nobody else."""
    host = (settings.EMAIL_HOST or "").strip().lower()
    sends = settings.EMAIL_DELIVERY_BACKEND.endswith("smtp.EmailBackend") and host and not _is_here(host)
    told = [f"{EVENTS}:{provider.key}" for provider in PROVIDERS.values() if provider.is_open and _tells(provider)]
    return ([f"{SERVER}:{host}"] if sends else []) + told


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost"


def _tells(provider: Provider) -> bool:
    """Whether the provider tells us: it has a secret of its own, or came in by the one that seven of them share."""
    return provider.secret != SHARED or Activity.objects.filter(feed=f"mail:{provider.key}").exists()


def lines() -> list[Line]:
    """Return what is in use, then what was once."""
    rows = {row.key: row for row in MailRecipient.objects.all()}
    now = in_use()
    return [Line(key, rows.get(key), True) for key in now] + [
        Line(key, row, False) for key, row in rows.items() if key not in now
    ]


def find(key: str) -> Line | None:
    """Return the line of `key`; None for what is neither used nor was."""
    return next((line for line in lines() if line.key == key), None)


@check("mail_recipients", gettext_lazy("Who sends our mails and tells of them stands in the register of recipients"))
def _in_the_register(full: bool) -> Iterator[str]:
    for line in lines():
        if line.in_use and line.row is None:
            yield _("%(name)s is not in the register yet: Settings → Recipients.") % {"name": line.name}
