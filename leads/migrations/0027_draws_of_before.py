from datetime import timedelta

from django.db import migrations
from django.utils import timezone


def fill(apps, schema_editor):
    """Entries of before promised no last day: ninety days after the entry, and a month from now at least."""
    draws = apps.get_model("leads", "PrizeDraw").objects
    soonest = timezone.localdate() + timedelta(days=30)
    for entry in apps.get_model("leads", "PrizeEntry").objects.filter(draw=None).iterator(chunk_size=500):
        event = entry.event.strip()
        entry.draw, _new = draws.get_or_create(key=event.casefold(), defaults={"event": event})
        entry.delete_by = max(soonest, timezone.localdate(entry.at) + timedelta(days=90))
        entry.save(update_fields=["draw", "delete_by"])


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0026_prize_draws'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
