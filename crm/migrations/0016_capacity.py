from django.db import migrations, models

WAYS = [
    ("round_robin", "In turn: whoever has waited longest"),
    ("least_busy", "To whoever has the fewest open leads"),
    ("queue", "Into the queue: whoever accepts first"),
]


def way(default: str) -> models.CharField:
    return models.CharField(choices=WAYS, default=default, max_length=12, verbose_name="How leads are given out")


class Migration(migrations.Migration):
    """Teams that are here already keep their queue; new ones give leads out in turn."""

    dependencies = [("crm", "0015_working_calendar")]

    operations = [
        migrations.AddField("team", "way", way("queue")),
        migrations.AlterField("team", "way", way("round_robin")),
        migrations.AddField(
            "user",
            "capacity",
            models.PositiveIntegerField(blank=True, null=True, verbose_name="Open leads at most"),
        ),
    ]
