import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0027_draws_of_before'),
    ]

    operations = [
        migrations.AlterField(
            model_name='prizeentry',
            name='draw',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='leads.prizedraw'),
        ),
        migrations.AlterField(
            model_name='prizeentry',
            name='delete_by',
            field=models.DateField(db_index=True, help_text='The last day it is kept, as its words promise.'),
        ),
    ]
