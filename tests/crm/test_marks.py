"""The small marks: what they show, what they say, and that no name can break out of them."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from django.test import override_settings
from django.utils import timezone, translation
from lucide import IconDoesNotExist

from crm.templatetags.formats import exact

EVIL = '"><script>alert(1)</script>'


def render(source: str, **context: Any) -> str:
    return Template("{% load icons marks formats %}" + source).render(Context(context))


def test_grade_is_a_domino_that_speaks() -> None:
    assert render('{% grade "A2" %}') == (
        '<span class="grade" title="Fit A, engagement 2" role="img" aria-label="Fit A, engagement 2">'
        '<span class="grade-1">A</span><span class="grade-2">2</span></span>'
    )


@pytest.mark.parametrize("value", [None, "", "E1", "A5", "A", EVIL])
def test_what_is_no_grade_is_not_scored_yet(value: str | None) -> None:
    shown = render("{% grade value %}", value=value)
    assert "Not scored yet" in shown
    assert "script" not in shown


@pytest.mark.parametrize(("stage", "filled"), [("lead", 1), ("mql", 2), ("sal", 3), ("sql", 4)])
def test_stage_mark_is_filled_as_far_as_the_baton_has_come(stage: str, filled: int) -> None:
    shown = render("{% stage_mark stage %}", stage=stage)
    assert (shown.count('class="on"'), shown.count('class="off"')) == (filled, 4 - filled)


def test_a_stage_brings_its_own_label() -> None:
    stage = SimpleNamespace(value="sal", label="Angenommen")
    assert render("{% stage_badge stage %}", stage=stage).endswith("Angenommen</span>")


def test_an_unknown_stage_is_escaped() -> None:
    assert "<script>" not in render("{% stage_badge stage %}{% stage_mark stage %}", stage=EVIL)


def test_holder_says_in_words_who_has_the_baton() -> None:
    assert 'class="holder is-handing" role="img" aria-label="Being handed over"' in render('{% holder "handing" %}')
    assert "is-nobody" in render("{% holder who %}", who=EVIL)


@pytest.mark.parametrize(
    ("left", "words", "look"),
    [
        (timedelta(hours=5, minutes=10), "5 h 10 min left", "clock"),
        (timedelta(minutes=48), "48 min left", "clock soon"),
        (timedelta(hours=-1, minutes=-20), "1 h 20 min over", "clock late"),
        (timedelta(hours=26), "26 h left", "clock"),
    ],
)
def test_clock_says_the_working_time_left(left: timedelta, words: str, look: str) -> None:
    shown = render("{% clock left %}", left=left)
    assert f">{words}</span>" in shown.replace("\n", "")
    assert f'class="{look}"' in shown


def test_clock_ring_empties_with_the_time_allowed() -> None:
    shown = render("{% clock left None allowed %}", left=timedelta(hours=2), allowed=timedelta(hours=8))
    assert 'stroke-dasharray="25 100"' in shown


def test_overdue_clock_swaps_the_ring_for_a_triangle() -> None:
    assert "circle" not in render("{% clock left %}", left=timedelta(minutes=-1))


def test_bant_says_each_dimension_with_its_state() -> None:
    dimensions = [
        {"label": "Budget", "status": "confirmed"},
        {"label": "Authority", "status": "stated"},
        {"label": "Need", "status": "ruled_out"},
        SimpleNamespace(label="Timing", status="unknown"),
    ]
    shown = render("{% bant dimensions %}", dimensions=dimensions)
    assert 'aria-label="Budget: confirmed, Authority: stated, Need: ruled out, Timing: unknown"' in shown
    assert (
        '<span class="yes">B</span><span class="half">A</span><span class="no">N</span><span class="">T</span>' in shown
    )


def test_a_dimension_cannot_break_out() -> None:
    assert "<script>" not in render("{% bant dimensions %}", dimensions=[{"label": EVIL, "status": EVIL}])


def test_avatar_shows_initials_and_marks_the_reader() -> None:
    mia, sam = SimpleNamespace(pk=1, name="Mia Kowalczyk"), SimpleNamespace(pk=2, name="Sam Okafor")
    assert 'class="avatar me" role="img" aria-label="Mia Kowalczyk"' in render("{% avatar mia %}", mia=mia, user=mia)
    assert 'class="avatar" role="img"' in render("{% avatar sam %}", sam=sam, user=mia)
    assert ">SO<" in render("{% avatar sam %}", sam=sam)


def test_nobody_is_a_dashed_ring_and_a_queue_has_its_name() -> None:
    assert 'class="avatar nobody"' in render("{% avatar None %}")
    assert "<span>Team North</span>" in render('{% person None "Team North" %}')


def test_a_name_cannot_break_out() -> None:
    person = SimpleNamespace(pk=1, name=EVIL)
    assert "<script>" not in render(
        "{% avatar person %}{% person person %}{% person None name %}", person=person, name=EVIL
    )


@pytest.mark.parametrize(
    ("delta", "look", "words"),
    [
        (18, "up", "+18 in 7 days"),
        (-5, "down", "−5 in 7 days"),
        (0, "flat", "unchanged"),
        (None, "flat", "unchanged in 7 days"),
    ],
)
def test_trend_is_told_by_shape_and_words(delta: int | None, look: str, words: str) -> None:
    shown = render("{% trend delta %}", delta=delta)
    assert f'class="trend {look}"' in shown
    assert words in shown


def test_icon_is_hidden_unless_it_has_a_label() -> None:
    assert render('{% icon "check" %}').startswith('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path')
    assert 'role="img" aria-label="Done"' in render('{% icon "check" label="Done" %}')
    assert "<script>" not in render('{% icon "check" label=words %}', words=EVIL)


def test_an_icon_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(IconDoesNotExist):
        render('{% icon "no-such-icon" %}')


@pytest.mark.parametrize(
    ("filter_", "value", "english", "german"),
    [
        ("count", 1243, "1,243", "1.243"),
        ("count", -10, "−10", "−10"),
        ("count", "n/a", "n/a", "n/a"),
        ("points", 24, "+24", "+24"),
        ("points", -10, "−10", "−10"),
        ("points", 0, "0", "0"),
        ("points", None, "", ""),
        ("percent", 0.483, "48 %", "48 %"),
        ("percent", 2 / 3, "67 %", "67 %"),
        ("percent", None, "–", "–"),
        ("days", 3, "3 d", "3 d"),
    ],
)
def test_figures_in_both_languages(filter_: str, value: Any, english: str, german: str) -> None:
    for language, expected in (("en", english), ("de", german)):
        with translation.override(language):
            shown = render("{{ value|" + filter_ + " }}", value=value).replace("\N{NO-BREAK SPACE}", " ")
            assert shown == expected or (filter_ == "days" and shown)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (48000, "EUR", "€48,000"),
        ("1388.3", "EUR", "€1,388.30"),
        (-5, "EUR", "−€5"),
        (99, "SEK", "SEK\N{NO-BREAK SPACE}99"),
        (None, "EUR", ""),
    ],
)
def test_money_shows_cents_only_where_there_are_some(amount: Any, currency: str, expected: str) -> None:
    with translation.override("en"):
        assert render("{{ amount|money:currency }}", amount=amount, currency=currency) == expected


@override_settings(TIME_ZONE="Europe/Berlin")
def test_a_moment_has_its_exact_time_as_tooltip() -> None:
    moment = timezone.now() - timedelta(days=400)
    shown = render("{% when moment %}", moment=moment)
    assert shown.startswith(f'<time datetime="{moment.isoformat()}" title="')
    assert str(timezone.localtime(moment).year) in shown


def test_when_and_age_speak_of_the_near_past() -> None:
    now = timezone.now()
    assert ">just now<" in render("{% when moment %}", moment=now - timedelta(seconds=5))
    assert ">12 min ago<" in render("{% when moment %}", moment=now - timedelta(minutes=12, seconds=5))
    assert ">3 d<" in render("{% age moment %}", moment=now - timedelta(days=3, hours=1))
    assert render("{% age None %}") == "–"


def test_an_age_is_told_in_the_readers_zone_and_language_and_goes_on() -> None:
    since = timezone.now() - timedelta(days=3, hours=2)
    told = []
    for zone, language in (("Europe/Berlin", "en"), ("Asia/Tokyo", "en"), ("Asia/Tokyo", "de")):
        with timezone.override(zone), translation.override(language):
            told += [render("{% age since %}", since=since), exact(since)]
    ages, moments = told[::2], told[1::2]
    assert [moment in age for age, moment in zip(ages, moments, strict=True)] == [True] * 3
    assert len(set(moments)) == 3
    assert [re.sub("<.*?>", "", age) for age in ages] == ["3 d", "3 d", "3\N{NO-BREAK SPACE}T"]
    assert ">4 d<" in render("{% age since %}", since=since - timedelta(days=1))


def test_what_was_drawn_once_is_drawn_anew_in_another_language() -> None:
    dimensions = [{"label": "Budget", "status": "yes"}]
    source = "{% bant dimensions %}{% trend 12 %}{{ 1500|money }}"
    english = render(source, dimensions=dimensions)
    with translation.override("de"):
        german = render(source, dimensions=dimensions)
    assert "Budget: confirmed" in english and "in 7 days" in english and "€1,500" in english
    assert (
        "Budget: bestätigt" in german
        and "in 7\N{NO-BREAK SPACE}Tagen" in german
        and "1.500\N{NO-BREAK SPACE}€" in german
    )
