import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0025_referrers'),
    ]

    operations = [
        migrations.CreateModel(
            name='PrizeDraw',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(editable=False, help_text='The event, whatever the case.', max_length=600, unique=True)),
                ('event', models.CharField(editable=False, max_length=200)),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='Entries are deleted after')),
                ('deleted', models.PositiveIntegerField(default=0, editable=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='prizeentry',
            name='draw',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='leads.prizedraw'),
        ),
        migrations.AddField(
            model_name='prizeentry',
            name='delete_by',
            field=models.DateField(db_index=True, help_text='The last day it is kept, as its words promise.', null=True),
        ),
    ]
