"""Charts: right figures in drawing and table, readable at each width, and no word that breaks out."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from django.template import Context, Template

from crm import charts
from crm.charts.drawing import CHARACTER, ticks

EVIL = "</title><script>alert(1)</script>"
DAY = date(2026, 8, 21)
LATER = DAY + timedelta(days=40)


def every_chart(word: str = "Webinar") -> list[charts.Chart]:
    named = {"title": word, "summary": word, "note": word}
    return [
        charts.Funnel(
            **named,
            steps=[
                charts.Step(word, 1248),
                charts.Step(word, 604, word, url="/leads/"),
                charts.Step(word, 96, with_sales=True),
            ],
        ),
        charts.Bars(**named, bars=[charts.Bar(word, 640.41, word, word)], reference=(1388, word), measure=word),
        charts.Stacked(**named, parts=[word, word], rows=[(word, (3, 4)), (word, (0, 0))]),
        charts.Histogram(**named, classes=[(word, 12), (word, 0)], bar_at=1, bar_label=word),
        charts.Histogram(**named, classes=[(word, 1), (word, 4)], outline=[3, 2], outline_measure=word),
        charts.StepLine(**named, points=[(DAY, 22), (LATER, 135)], bar=110, leave_bar=95, marks=[(DAY, word)]),
        charts.Lines(**named, periods=[word, word], values=[1, None], label=word, before=[2, 3], before_label=word),
    ]


def empty_charts() -> list[charts.Chart]:
    named = {"title": "Empty", "summary": "Nothing yet."}
    return [
        charts.Funnel(**named, steps=[]),
        charts.Funnel(**named, steps=[charts.Step("Entered", 0), charts.Step("MQL", 0)]),
        charts.Bars(**named, bars=[]),
        charts.Stacked(**named, parts=["won"], rows=[]),
        charts.Histogram(**named, classes=[]),
        charts.StepLine(**named, points=[]),
        charts.StepLine(**named, points=[(DAY, 0)]),
        charts.Lines(**named, periods=[], values=[], label="2026"),
    ]


def render(figure: charts.Chart) -> str:
    return Template("{% load charts %}{% chart figure %}").render(Context({"figure": figure}))


@pytest.mark.parametrize("figure", every_chart(EVIL), ids=lambda figure: type(figure).__name__)
def test_no_word_breaks_out_of_a_chart(figure: charts.Chart) -> None:
    shown = render(figure)
    assert "<script" not in shown
    assert "style=" not in shown


@pytest.mark.parametrize("variant", charts.WIDTHS)
@pytest.mark.parametrize("figure", [*every_chart(), *empty_charts()], ids=lambda figure: type(figure).__name__)
def test_a_chart_is_well_formed_and_named_at_each_width(figure: charts.Chart, variant: str) -> None:
    drawing = ElementTree.fromstring(figure.svg(variant))
    assert drawing.attrib["viewBox"].split()[2] == str(charts.WIDTHS[variant])
    named = {part.attrib["id"]: part.text for part in drawing if "id" in part.attrib}
    assert named[drawing.attrib["aria-labelledby"]] == figure.title
    assert named[drawing.attrib["aria-describedby"]] == figure.summary


@pytest.mark.parametrize("figure", every_chart(), ids=lambda figure: type(figure).__name__)
def test_nothing_is_drawn_outside_the_width(figure: charts.Chart) -> None:
    for variant, width in charts.WIDTHS.items():
        for shape in ElementTree.fromstring(figure.svg(variant)):
            left = float(shape.attrib.get("x", 0))
            assert 0 <= left <= width
            if shape.attrib.get("text-anchor") == "middle":
                assert left + len(shape.text or "") * CHARACTER / 2 <= width + 1
            assert left + float(shape.attrib.get("width", 0)) <= width + 1


@pytest.mark.parametrize("variant", ["middle", "broad", "wide"])
def test_a_long_note_of_a_bar_keeps_clear_of_its_value(variant: str) -> None:
    figure = charts.Bars(title="F", summary="S", bars=[charts.Bar("SAL", 9, text="9 d", note="nine of ten: > 18 d")])
    value, note = [
        (float(text.attrib["x"]), text.text or "")
        for text in ElementTree.fromstring(figure.svg(variant)).findall("text")
        if text.attrib.get("text-anchor") == "end"
    ]
    assert value[0] + 4 <= note[0] - len(note[1]) * CHARACTER


def test_figure_has_a_sentence_and_a_table_with_every_value() -> None:
    shown = render(every_chart()[0])
    assert '<p class="figure-summary">Webinar</p>' in shown
    assert re.findall(r'<td class="num">(?:<a[^>]*>)?([\d,]+)(?:</a>)?</td>', shown) == ["1,248", "604", "96"]
    assert '<a href="/leads/">604</a>' in shown


def test_funnel_shares_are_of_the_step_before() -> None:
    steps = [charts.Step("Entered", 200), charts.Step("MQL", 100), charts.Step("SAL", 0), charts.Step("SQL", 0)]
    rows = charts.Funnel(title="F", summary="S", steps=steps).table().rows
    assert [row[2].text for row in rows] == ["–", "50 %", "0 %", "–"]


def test_bars_are_as_long_as_their_values() -> None:
    figure = charts.Bars(title="B", summary="S", bars=[charts.Bar("a", 50), charts.Bar("b", 100)])
    lengths = [float(bar.attrib["width"]) for bar in ElementTree.fromstring(figure.svg("wide")).iter("rect")]
    assert lengths[1] == pytest.approx(2 * lengths[0], abs=0.2)


def test_stacked_table_sums_each_row() -> None:
    figure = charts.Stacked(title="B", summary="S", parts=["won", "lost"], rows=[("Webinars", (27, 61))])
    assert [cell.text for cell in figure.table().rows[0]] == ["Webinars", "27", "61", "88"]


def test_a_score_below_zero_stays_inside_the_drawing() -> None:
    figure = charts.StepLine(title="S", summary="S", points=[(DAY, -40), (DAY + timedelta(days=9), 20)], bar=110)
    paths = ElementTree.fromstring(figure.svg("narrow")).iter("path")
    drawn = next(path.attrib["d"] for path in paths if "series" in path.attrib["class"])
    heights = [float(height) for height in re.findall(r"V(-?[\d.]+)", drawn)]
    assert heights
    assert all(0 <= height <= 160 for height in heights)


@pytest.mark.parametrize(
    ("highest", "expected"),
    [(1388, [0, 500, 1000, 1500]), (4, [0, 1, 2, 3, 4]), (0, [0, 1]), (0.3, [0, 0.1, 0.2, 0.3])],
)
def test_ticks_are_round_and_reach_the_highest(highest: float, expected: list[float]) -> None:
    assert ticks(highest) == pytest.approx(expected)


def test_a_long_label_is_shortened_and_keeps_its_wording() -> None:
    name = "Vereinigte Papier- und Zellstoffwerke Oberlausitz Aktiengesellschaft"
    shown = charts.Bars(title="B", summary="S", bars=[charts.Bar(name, 3)]).svg("middle")
    assert f"…<title>{name}</title>" in shown


def test_two_figures_on_a_page_share_no_id() -> None:
    page = "".join(render(figure) for figure in [*every_chart(), *empty_charts()[1:2]])
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_sparkline_needs_two_values_and_stays_level_when_little_happens() -> None:
    assert charts.sparkline([5]) == ""
    path = ElementTree.fromstring(charts.sparkline([58, 57, 58])).find("path")
    assert path is not None
    heights = [float(point.split()[1]) for point in path.attrib["d"][1:].split("L")]
    assert max(heights) - min(heights) <= 1.1


def test_an_outline_is_drawn_and_told() -> None:
    figure = charts.Histogram(title="Scores", summary="s", classes=[("0", 1), ("10", 4)], outline=[8, 2])
    assert [[cell.text for cell in row] for row in figure.table().rows] == [["0", "1", "8"], ["10", "4", "2"]]
    assert 'class="outline"' in figure.svg("wide")


def test_a_bar_is_named_where_the_curve_does_not_strike_it_out() -> None:
    def place(first: float, last: float) -> float:
        points = [(DAY, first), (DAY + timedelta(days=9), last)]
        figure = charts.StepLine(title="S", summary="S", points=points, bar=110, leave_bar=70)
        words = ElementTree.fromstring(figure.svg("middle")).iter("text")
        return next(float(text.attrib["x"]) for text in words if text.text == "leave bar 70")

    assert place(10, 160) == 0
    assert place(65, 160) > 0
    assert place(65, 65) == 0  # neither end is free
