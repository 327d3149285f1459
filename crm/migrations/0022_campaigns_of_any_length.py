"""The index on the campaign of an activity anew: it holds the first 640 characters now.

With the whole name PostgreSQL refused an activity whose campaign took more than 2,704 bytes.
"""

import django.db.models.lookups
from django.db import migrations, models

import crm.models.activity

NAMED = crm.models.activity.UtmCampaign("properties")


class Migration(migrations.Migration):
    dependencies = [("crm", "0021_activities_of_campaigns")]

    operations = [
        migrations.RemoveIndex(model_name="activity", name="crm_activity_campaigns"),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(
                NAMED, models.F("contact"), models.F("day"), models.F("occurred_at"), models.F("id"),
                condition=models.Q(django.db.models.lookups.IsNull(NAMED, False)), name="crm_activity_campaigns",
            ),
        ),
    ]  # fmt: skip
