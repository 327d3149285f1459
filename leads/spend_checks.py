"""What must hold for booked spend; `manage.py doctor` asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.doctor import check
from crm.models import AuditEntry
from leads import spending
from leads.models import Spend


@check("spend", gettext_lazy("Every row of spend is what the audit log says was booked"))
def _spend(full: bool) -> Iterator[str]:
    rows = Spend.objects.order_by("-pk")
    rows = rows if full else rows[:2000]
    said: dict[str, dict[str, Any]] = defaultdict(dict)
    times: dict[str, int] = defaultdict(int)
    entries = AuditEntry.objects.filter(action__in=["spend.booked", "spend.changed"]).order_by("pk")
    for name, action, payload in entries.values_list("object", "action", "payload"):
        said[name] |= payload if action == "spend.booked" else {key: pair[1] for key, pair in payload.items()}
        times[name] += 1
    for row in rows:
        name = f"spend:{row.pk}"
        if times[name] != row.version + 1 or said[name] != spending.told(row):
            yield _("Spend %(id)d differs from what the audit log says of it.") % {"id": row.pk}
