"""What a token may be allowed to do. A leaf: anyone may import it. docs/api.md has a heading for each."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SCOPES: dict[str, str | Promise] = {
    "contacts:read": _("Read contacts"),
    "contacts:write": _("Add and change contacts"),
    "companies:read": _("Read companies"),
    "companies:write": _("Add and change companies"),
    "activities:read": _("Read activities"),
    "activities:write": _("Record activities"),
    "leads:read": _("Read leads, their log and why they score as they do"),
    "leads:write": _("Add leads and change their facts"),
    "leads:move": _("Move leads from stage to stage"),
    "handoffs:read": _("Read handoffs"),
    "scorecards:read": _("Read scorecards"),
    "campaigns:read": _("Read campaigns"),
    "campaigns:write": _("Add and change campaigns"),
    "forms:read": _("Read forms"),
    "reports:read": _("Read reports"),
}
