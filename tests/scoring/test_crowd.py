"""Many people with twenty activities and more each: engine and reference agree on every one of them."""

from __future__ import annotations

from statistics import median

import pytest
from django.db.models import Count

from benchmarks import crowd
from crm.models import Activity
from leads.models import Lead
from scoring import bringing_up, pointer
from scoring.models import ContactSignals, Score
from scoring.packing import unpack
from tests.scoring.cards import differences

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("leads", [1_200, pytest.param(10_000, marks=pytest.mark.soak)])
def test_the_engine_equals_the_reference_on_a_crowd(leads: int) -> None:
    crowd.fill(leads, each=52)
    run = bringing_up.to_date(rebuild=True)
    assert run is not None
    assert run.changed == leads
    matching = [sum(unpack(bytes(data)).values()) for data in ContactSignals.objects.values_list("data", flat=True)]
    assert median(matching) >= 20
    assert Score.objects.filter(total__gt=0).count() >= 0.3 * leads
    current = pointer.read()
    assert current is not None
    assert Score.objects.filter(scored_day=current.day).count() == leads
    wrong = []
    ids = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), 500):
        wrong += differences(list(Lead.objects.filter(pk__in=ids[start : start + 500])))
    assert wrong == []
    per_lead = Activity.objects.values("contact").annotate(n=Count("pk")).values_list("n", flat=True)
    assert max(per_lead) > 500
