from itertools import groupby

from django.db import migrations

CHUNK = 2_000


def read_the_log(apps, schema_editor):
    """Write the milestones of every lead that has moved, from its log."""
    from leads.milestones import Made, of_log

    change, milestones = apps.get_model("leads", "StageChange"), apps.get_model("leads", "Milestones")
    known = {field.attname for field in milestones._meta.concrete_fields}
    rows = (
        change.objects.filter(reversed_by=None)
        .exclude(verb="undo")
        .order_by("lead", "seq")
        .values_list(
            "lead_id", "lead__entered_at", "verb", "from_stage", "to_stage", "at", "handoff_id", "score", "grade"
        )
    )
    made = []
    for (lead, entered), moves in groupby(rows.iterator(chunk_size=CHUNK), key=lambda row: row[:2]):
        told = of_log(entered, [Made(*row[2:]) for row in moves])
        made.append(milestones(lead_id=lead, **{name: value for name, value in told.items() if name in known}))
        if len(made) == CHUNK:
            milestones.objects.bulk_create(made)
            made.clear()
    milestones.objects.bulk_create(made)


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0023_milestones'),
    ]

    operations = [
        migrations.RunPython(read_the_log, migrations.RunPython.noop),
    ]
