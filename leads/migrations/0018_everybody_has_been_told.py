from django.db import migrations, models


def everybody_has_been_told(apps, schema_editor):
    """Nobody waits for the notice of what was offered before notices were watched."""
    apps.get_model("leads", "Handoff").objects.update(told_at=models.F("offered_at"))


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0017_sla_clock'),
    ]

    operations = [
        migrations.RunPython(everybody_has_been_told, migrations.RunPython.noop),
    ]
