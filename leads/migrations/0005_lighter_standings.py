from django.conf import settings
from django.db import migrations, models


def leave_room(apps, schema_editor):
    """A new score makes a new row version: with room on its page it stays there."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE leads_standing SET (fillfactor = 50)")


def leave_none(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE leads_standing RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0004_import_wizard"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(model_name="standing", name="leads_standing_mine"),
        migrations.RemoveIndex(model_name="standing", name="leads_standing_team"),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                condition=models.Q(("owner__isnull", False)),
                fields=["lane", "owner", "-rank", "-lead"],
                name="leads_standing_mine",
            ),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                condition=models.Q(("lane__in", ["offered", "accepted", "qualified"])),
                fields=["lane", "team", "-rank", "-lead"],
                name="leads_standing_team",
            ),
        ),
        migrations.RunPython(leave_room, leave_none),
    ]
