from datetime import datetime, time
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import migrations
from django.utils import timezone


def every_next_step_becomes_a_row(apps, schema_editor):
    """The one line each lead had so far is its earliest step; who will be reminded is reminded in the morning."""
    Lead, Step = apps.get_model("leads", "Lead"), apps.get_model("leads", "Step")
    workspace = apps.get_model("crm", "Workspace").objects.first()
    zone = ZoneInfo((workspace and workspace.time_zone) or settings.TIME_ZONE)
    now = timezone.now()
    planned = Lead.objects.exclude(next_step="", next_step_on=None).filter(steps=None).order_by("pk")
    rows = planned.values_list("pk", "next_step", "next_step_on").iterator(chunk_size=2000)
    while part := list(islice(rows, 2000)):
        steps = []
        for lead, what, day in part:
            at = datetime.combine(day, time(6, 30), zone) if day else None
            steps.append(Step(lead_id=lead, what=what, due_on=day, remind_at=at if at and at > now else None))
        Step.objects.bulk_create(steps)


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0021_steps'),
    ]

    operations = [
        migrations.RunPython(every_next_step_becomes_a_row, migrations.RunPython.noop),
    ]
