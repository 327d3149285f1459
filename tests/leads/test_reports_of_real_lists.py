"""Olist and FicZon imported: every figure of the reports equals one computed straight from the files.

The figures are made here with csv, dates and sorting alone; nothing of the product is asked how to count.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from leads.models import Source
from tests.cast import Cast
from tests.leads.test_imports import DATA, MAPPINGS, WHOLE, deals_of, every, needs_data

pytestmark = [pytest.mark.django_db, needs_data]
PERIOD = {"start": "2017-01-01", "end": "2019-12-31"}
SINCE_THEN = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _long_after(time_machine: Any) -> None:
    time_machine.move_to(SINCE_THEN, tick=False)


def bring_in(path: Path, mapping: str) -> None:
    call_command("import_contacts", str(path), "--mapping", str(MAPPINGS / mapping), stdout=io.StringIO())


def told(client: Client, cast: Cast, key: str, **asked: str) -> list[dict[str, str]]:
    """Return the lines of the CSV of one report."""
    client.force_login(cast.lena)
    answer = client.get(reverse("report", args=[key]), PERIOD | {"format": "csv"} | asked)
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def source_names() -> dict[str, str]:
    """Return {source as the mapping calls it: as the report does}."""
    return {source.key: str(source) for source in Source.objects.all()} | {"": "No source"}


def mapped(mapping: str, column: str) -> dict[str, str]:
    """Return {value of the file: source} as the mapping file says."""
    targets = json.loads((MAPPINGS / mapping).read_text())["columns"][column]
    return next(target["values"] for target in targets if target["to"] == "lead.source")


def nine_of_ten(spans: list[float]) -> float:
    """Return the shortest span that nine of ten do not exceed; the middle of two where it is exactly nine of ten."""
    ordered = sorted(spans)
    place = 9 * len(ordered) / 10
    if place == int(place) and int(place) < len(ordered):
        return (ordered[int(place) - 1] + ordered[int(place)]) / 2
    return ordered[-(-9 * len(ordered) // 10) - 1]


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=WHOLE)])
def test_olist(client: Client, cast: Cast, tmp_path: Path, step: int) -> None:
    mqls = every(step, DATA / "olist" / "olist_marketing_qualified_leads_dataset.csv", tmp_path, first=7)
    deals = deals_of(mqls, tmp_path)
    bring_in(mqls, "olist_mqls.json")
    bring_in(deals, "olist_closed_deals.json")

    zone, sources, names = ZoneInfo("America/Sao_Paulo"), mapped("olist_mqls.json", "origin"), source_names()
    won_at = {
        row["mql_id"]: datetime.strptime(row["won_date"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
        for row in rows(deals)
    }
    entered, won, spans = Counter[str](), Counter[str](), []
    for row in rows(mqls):
        source = names[sources.get(row["origin"], "")]
        entered[source] += 1
        if row["mql_id"] in won_at:
            won[source] += 1
            began = datetime.strptime(row["first_contact_date"], "%Y-%m-%d").replace(tzinfo=zone).astimezone(UTC)
            spans.append((won_at[row["mql_id"]] - began).total_seconds())

    lines = {row["name"]: row for row in told(client, cast, "sources")}
    whole = lines.pop("Together")
    assert {name: (int(row["entered"]), int(row["mql"]), int(row["won"])) for name, row in lines.items()} == {
        name: (number, number, won[name]) for name, number in entered.items()
    }
    for name, row in lines.items():
        if entered[name] >= 5:
            assert float(row["won_share"]) == won[name] / entered[name]
    assert float(whole["won_share"]) == len(spans) / entered.total()
    funnel = {row["source"]: int(row["won"]) for row in told(client, cast, "funnel")}
    assert {names[key]: number for key, number in funnel.items()} == {name: won[name] for name in entered}

    lags = {row["key"]: row for row in told(client, cast, "velocity", table="lags")}
    assert float(lags["won"]["median_seconds"]) == median(spans)
    assert float(lags["won"]["p90_seconds"]) == nine_of_ten(spans)
    assert (lags["won"]["leads"], lags["sal"]["leads"]) == (str(len(spans)), "0")
    stays = {row["key"]: row for row in told(client, cast, "velocity")}
    assert (stays["lead"]["came"], stays["mql"]["came"]) == ("0", str(entered.total() - sum(s <= 0 for s in spans)))
    assert (stays["mql"]["left"], stays["mql"]["still"]) == (
        str(sum(span > 0 for span in spans)), str(entered.total() - len(spans)),
    )  # fmt: skip
    assert int(median(spans) // 86_400) == 14
    if step == 1:
        assert whole["won_share"] == "0.10525"


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=WHOLE)])
def test_ficzon(client: Client, cast: Cast, tmp_path: Path, step: int) -> None:
    path = every(step, DATA / "ficzon" / "project_sales_data.csv", tmp_path)
    bring_in(path, "ficzon.json")

    reach = {"Potential": 1, "In Progress Positive": 4, "In Progress Negative": 4, "CONVERTED": 5}
    ends = {"CONVERTED": "won", "LOST": "lost", "Junk Lead": "disqualified", "Just Enquiry": "disqualified"}
    folded = {status.casefold(): depth for status, depth in reach.items()}
    finished = {status.casefold(): end for status, end in ends.items()}
    sources = {key.casefold(): value for key, value in mapped("ficzon.json", "Source").items()}
    names = source_names()
    depths: dict[str, Counter[int]] = defaultdict(Counter)
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(path):
        source = names[sources.get(row["Source"].strip().casefold(), "")]
        depths[source][folded.get(row["Status"].casefold(), 0)] += 1
        fates[source][finished.get(row["Status"].casefold(), "open")] += 1

    def at_least(source: str) -> list[int]:
        return [sum(n for depth, n in depths[source].items() if depth >= least) for least in (0, 1, 3, 4, 5)]

    lines = {row["name"]: row for row in told(client, cast, "sources")}
    whole = lines.pop("Together")
    columns = ("entered", "mql", "sal", "sql", "won")
    assert {name: [int(row[column]) for column in columns] for name, row in lines.items()} == {
        name: at_least(name) for name in depths
    }
    assert float(whole["won_share"]) == sum(at_least(name)[4] for name in depths) / sum(
        at_least(name)[0] for name in depths
    )
    client.force_login(cast.lena)
    ids = {str(source): source.pk for source in Source.objects.all()}
    for name, counted in fates.items():
        if name in ids:
            balance = client.get(reverse("report", args=["funnel"]), PERIOD | {"source": ids[name]}).context["balance"]
            assert (balance.open, balance.won, balance.lost, balance.disqualified) == (
                counted["open"], counted["won"], counted["lost"], counted["disqualified"],
            )  # fmt: skip
            assert balance.difference == 0
    sent_on = sum(depth[4] for depth in depths.values())
    stays = {row["key"]: row for row in told(client, cast, "velocity")}
    assert int(stays["sql"]["still"]) == sent_on
    assert timedelta(seconds=float(stays["lead"]["median_seconds"] or 0)) >= timedelta(0)
