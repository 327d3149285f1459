"""The leads of a team are counted from an index SQLite can take too: it never knows what stands behind `lane IN (…)`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0022_campaigns_of_any_length"), ("leads", "0034_counts_from_indexes")]

    operations = [
        migrations.RemoveIndex(model_name="standing", name="leads_standing_team"),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                fields=["lane", "team", "-rank", "-lead"],
                name="leads_standing_team",
                condition=models.Q(team__isnull=False),
            ),
        ),
    ]
