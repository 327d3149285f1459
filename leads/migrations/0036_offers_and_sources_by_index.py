"""What sales said of an offer and the leads of a source are found in indexes alone; the latter in place of its own."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('crm', '0022_campaigns_of_any_length'),
        ('leads', '0035_standing_team_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='lead',
            name='source',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='leads', to='leads.source', verbose_name='Source'),
        ),
        migrations.AddIndex(
            model_name='lead',
            index=models.Index(fields=['source', 'id'], name='leads_lead_source'),
        ),
        migrations.AddIndex(
            model_name='stagechange',
            index=models.Index(condition=models.Q(('verb', 'hand_off')), fields=['handoff', 'lead', 'seq'], name='leads_stagechange_offers'),
        ),
    ]
