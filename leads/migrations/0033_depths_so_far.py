from django.db import migrations
from django.db.models import OuterRef, Subquery


def write_depths(apps, schema_editor):
    """Write on every lead that has moved how far it has come."""
    lead, milestones = apps.get_model("leads", "Lead"), apps.get_model("leads", "Milestones")
    deepest = milestones.objects.filter(lead=OuterRef("pk")).values("depth")
    lead.objects.filter(milestones__depth__gt=0).update(depth=Subquery(deepest))


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0032_depth_of_leads'),
    ]

    operations = [
        migrations.RunPython(write_depths, migrations.RunPython.noop),
    ]
