"""Who changed what, and when; newest first."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from crm import keyset
from crm.models import AuditEntry, AuditSeal, User
from crm.views.settings.entrance import for_admins, show


def _words(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a payload as (name, "old → new" or value) pairs, without what was left empty."""
    return [(name, _change(value)) for name, value in payload.items() if value not in (None, "")]


def _change(value: Any) -> str:
    is_pair = isinstance(value, list) and len(value) == 2
    return " → ".join(_plain(part) for part in value) if is_pair else _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@for_admins
@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """The entries, filtered by who or by what (?action=team)."""
    rows = AuditEntry.objects.select_related("actor")
    if (action := request.GET.get("action", "").strip()) and len(action) <= 60:
        rows = rows.filter(action__startswith=action)
    if (who := request.GET.get("who", "")).isdigit():
        rows = rows.filter(actor_id=int(who))
    page = keyset.page(rows, request.GET.get("after", ""), order=("-id",))
    context = {
        "page": page, "entries": [(entry, _words(entry.payload)) for entry in page.rows],
        "action": action, "who": who, "people": User.objects.filter(role="admin"), "seal": AuditSeal.objects.last(),
    }  # fmt: skip
    return show(request, "settings/audit_log.html", context)
