"""Points are stored as (slot, points) of those that are not 0; history no longer locks the lead it tells of."""

import django.db.models.deletion
import numpy as np
from django.db import migrations, models

AT_ONCE = 5_000
BOOKED = np.dtype([("slot", "<u2"), ("points", "<i2")])


def _booked(dense):
    row = np.frombuffer(dense, "<i2")
    (slots,) = row.nonzero()
    booked = np.empty(len(slots), BOOKED)
    booked["slot"], booked["points"] = slots, row[slots]
    return booked.tobytes()


def _dense(stored):
    booked = np.frombuffer(stored, BOOKED)
    row = np.zeros(int(booked["slot"].max()) + 1 if len(booked) else 0, "<i2")
    row[booked["slot"]] = booked["points"]
    return row.tobytes()


def _rewritten(editor, new):
    after = -1
    with editor.connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT points, lead_id FROM scoring_score WHERE lead_id > %s ORDER BY lead_id LIMIT %s",
                [after, AT_ONCE],
            )
            rows = [(new(bytes(points)), lead) for points, lead in cursor.fetchall()]
            if not rows:
                return
            cursor.executemany("UPDATE scoring_score SET points = %s WHERE lead_id = %s", rows)
            after = rows[-1][1]


class Migration(migrations.Migration):
    dependencies = [("scoring", "0004_sales_signals_on_facts"), ("leads", "0005_lighter_standings")]

    operations = [
        migrations.AlterField(
            model_name="scorehistory",
            name="lead",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="score_history",
                to="leads.lead",
            ),
        ),
        migrations.RunPython(
            lambda _apps, editor: _rewritten(editor, _booked), lambda _apps, editor: _rewritten(editor, _dense)
        ),
    ]
