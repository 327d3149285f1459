"""The index on the campaign of an activity anew: it holds the first 640 characters now.

With the whole name PostgreSQL refused an activity whose campaign took more than 2,704 bytes.
"""

from django.db import migrations, models

from crm.models.activity import NamesCampaign, UtmCampaign


class Migration(migrations.Migration):
    dependencies = [("crm", "0021_activities_of_campaigns")]

    operations = [
        migrations.RemoveIndex(model_name="activity", name="crm_activity_campaigns"),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(
                UtmCampaign("properties"), models.F("contact"), models.F("day"), models.F("occurred_at"), models.F("id"),
                condition=models.Q(NamesCampaign("properties")), name="crm_activity_campaigns",
            ),
        ),
    ]  # fmt: skip
