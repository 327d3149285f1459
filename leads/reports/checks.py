"""What must hold for the reports; `manage.py doctor` asks."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.doctor import check
from leads import milestones
from leads.models import Lead, Milestones

ASKED = 500


@check("milestones", gettext_lazy("What the reports add up is what the log says"))
def _milestones(full: bool) -> Iterator[str]:
    ids = Lead.objects.order_by("-pk").values_list("pk", flat=True)
    wanted = list(ids if full else ids[:ASKED])
    for start in range(0, len(wanted), milestones.CHUNK):
        some = wanted[start : start + milestones.CHUNK]
        depths = dict(Lead.objects.filter(pk__in=some).values_list("pk", "depth"))
        told = {row["lead_id"]: row for row in Milestones.objects.filter(lead__in=some).values(*milestones.COLUMNS)}
        for lead, said in milestones.of_leads(some):
            if (told.pop(lead, None), depths.pop(lead)) != ({"lead_id": lead} | said, said["depth"]):
                yield _("The milestones of lead %(id)d are not what its log says.") % {"id": lead}
        for lead in {*told, *(lead for lead, depth in depths.items() if depth)}:
            yield _("Lead %(id)d has milestones, but its log holds no move.") % {"id": lead}
