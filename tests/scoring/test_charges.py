"""Charging rejections to criteria: a bad one is found, an innocent one beside it is not, and false alarms are rare."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.charges import ALPHA, Charge, charges, newcombe, ranked
from scoring.intervals import Share

RUNS, CRITERIA, LEADS = 200, 20, 500
BASE, ODDS = 0.25, 4.0  # a quarter is rejected; where the bad criterion lifted, the odds are four times that


def a_world(seed: int, *, planted: bool, leads: int = LEADS) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (lifted bool[n, 20], rejected bool[n], the bad criterion) of people whose points reached the bar.

    Criteria fire together, because people differ; one companion fires in 7 of 10 cases where the bad one does and
    seldom elsewhere; leads differ in what makes sales reject them beyond all criteria.
    """
    chance = np.random.default_rng(seed)
    crowd = 12 * leads
    often, points = chance.uniform(0.08, 0.5, CRITERIA), chance.integers(5, 26, CRITERIA)
    kinds = chance.normal(0, 0.6, (2, CRITERIA))
    latent = chance.normal(size=(crowd, 2)) @ kinds + chance.normal(size=(crowd, CRITERIA))
    fires = latent > np.array([np.quantile(latent[:, j], 1 - often[j]) for j in range(CRITERIA)])
    bad, companion = chance.permutation(CRITERIA)[:2]
    fires[:, companion] = chance.random(crowd) < np.where(fires[:, bad], 0.7, 0.1)
    total = fires @ points
    lifted = fires[total >= np.quantile(total, 0.75)][:leads]
    odds = np.log(BASE / (1 - BASE)) + chance.normal(0, 0.7, leads) + (np.log(ODDS) * lifted[:, bad] if planted else 0)
    return lifted, chance.random(leads) < 1 / (1 + np.exp(-odds)), int(bad)


def others(found: list[Charge], bad: int) -> list[Charge]:
    return [charge for place, charge in enumerate(found) if place != bad]


# --- What it is for -------------------------------------------------------------------------------


def test_a_planted_bad_criterion_among_20_comes_first() -> None:
    first = accused = innocent = innocent_plain = 0
    for seed in range(RUNS):
        lifted, rejected, bad = a_world(seed, planted=True)
        found = charges(lifted, rejected)
        first += ranked(found)[0] == bad
        accused += found[bad].is_accused
        innocent += any(charge.is_accused for charge in others(found, bad))
        innocent_plain += any((charge.plain or 1) <= ALPHA for charge in others(found, bad))
    assert first >= 0.95 * RUNS
    assert accused >= 0.95 * RUNS
    assert innocent <= ALPHA * RUNS  # whoever only stands beside it is not accused in its place
    assert innocent_plain > 0.5 * RUNS  # which is not for want of temptation


@pytest.mark.parametrize("leads", [60, 200, LEADS])
def test_with_none_planted_the_alarm_rate_stays_at_the_stated_level(leads: int) -> None:
    alarms = sum(
        any(charge.is_accused for charge in charges(*a_world(seed, planted=False, leads=leads)[:2]))
        for seed in range(RUNS)
    )
    assert alarms <= ALPHA * RUNS


def test_even_the_plain_comparison_keeps_the_level_over_all_criteria() -> None:
    """5 of 100 pages, and what chance adds to that in 200 of them (three standard deviations)."""
    alarms = sum(
        any((charge.plain or 1) <= ALPHA for charge in charges(*a_world(seed, planted=False)[:2]))
        for seed in range(RUNS)
    )
    assert alarms <= RUNS * ALPHA + 3 * (RUNS * ALPHA * (1 - ALPHA)) ** 0.5


# --- How --------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_one_criterion_alone_is_judged_by_fishers_exact_test(rows: list[tuple[bool, bool]]) -> None:
    lifted, rejected = (np.array(column, bool) for column in (zip(*rows, strict=True) if rows else ((), ())))
    n, cases, hits = len(rows), int(lifted.sum()), int(rejected.sum())
    bad = int((lifted & rejected).sum())
    ways = [comb(hits, k) * comb(n - hits, cases - k) for k in range(min(cases, hits) + 1)]
    exact, clearest = (float(Fraction(sum(ways[k:]), comb(n, cases))) for k in (bad, len(ways) - 1))
    (charge,) = charges(lifted.reshape(-1, 1), rejected)
    assert (charge.lifted, charge.others) == (Share(bad, cases), Share(hits - bad, n - cases))
    if charge.plain is None:
        assert clearest > ALPHA  # had sales rejected as many of them as it rejected at all
    else:
        assert charge.plain == pytest.approx(exact)
        assert charge.p is not None
        assert charge.p >= charge.plain - 1e-12


def test_mantel_and_haenszel_by_hand() -> None:
    """Two strata of a companion, reckoned with fractions: A = 18, E = 9·20/30 + 12·16/40, V by the formula."""
    rows = [(1, 1, 1)] * 9 + [(1, 1, 0)] * 0 + [(0, 1, 1)] * 11 + [(0, 1, 0)] * 10
    rows += [(1, 0, 1)] * 9 + [(1, 0, 0)] * 3 + [(0, 0, 1)] * 7 + [(0, 0, 0)] * 21
    table = np.array(rows, bool)
    found = charges(table[:, :2], table[:, 2])
    mean = Fraction(9 * 20, 30) + Fraction(12 * 16, 40)
    spread = Fraction(9 * 21 * 20 * 10, 30 * 30 * 29) + Fraction(12 * 28 * 16 * 24, 40 * 40 * 39)
    strata = (18 - float(mean) - 0.5) / float(spread) ** 0.5
    whole = (18 - 21 * 36 / 70 - 0.5) / (21 * 49 * 36 * 34 / (70 * 70 * 69)) ** 0.5
    assert found[0].z == pytest.approx(min(strata, whole))


def test_two_that_always_fire_together_are_named_together() -> None:
    lifted, rejected, bad = a_world(1, planted=True)
    twice = np.hstack([lifted, lifted[:, [bad]]])
    found = charges(twice, rejected)
    assert found[bad].same == (CRITERIA,)
    assert found[CRITERIA].same == (bad,)
    assert found[bad].is_accused
    assert found[CRITERIA].is_accused


def test_of_two_that_share_the_leads_between_them_the_bad_one_is_accused() -> None:
    lifted = np.repeat(np.array([[True, False], [False, True]]), 12, axis=0)
    assert [charge.is_accused for charge in charges(lifted, lifted[:, 0])] == [True, False]


def test_a_companion_is_excused_by_the_bad_one() -> None:
    lifted, rejected, bad = a_world(1, planted=True)
    excused = [charge for charge in others(charges(lifted, rejected), bad) if charge.is_excused]
    assert excused
    assert all(charge.beside == bad for charge in excused)


def test_what_too_few_cases_could_never_tell_is_not_counted_against_the_others() -> None:
    lifted, rejected, bad = a_world(3, planted=True)
    found = charges(lifted, rejected)
    rare = np.zeros((LEADS, 30), bool)
    rare[np.flatnonzero(rejected)[:30], np.arange(30)] = True  # one rejected lead each
    more = charges(np.hstack([lifted, rare]), rejected)
    assert all(charge.p is None for charge in more[CRITERIA:])
    assert not any(charge.is_accused for charge in more[CRITERIA:])
    assert more[bad].plain == found[bad].plain
    assert max(ranked(more)[:CRITERIA]) < CRITERIA


def test_nothing_to_judge_is_no_error() -> None:
    assert charges(np.zeros((0, 2), bool), np.zeros(0, bool))[1].p is None
    assert charges(np.zeros((3, 0), bool), np.zeros(3, bool)) == []
    everybody = charges(np.ones((50, 2), bool), np.ones(50, bool))
    assert [charge.is_accused for charge in everybody] == [False, False]
    with pytest.raises(ValueError, match="outcomes"):
        charges(np.zeros((3, 1), bool), np.zeros(2, bool))


def test_newcombes_interval_is_that_of_his_paper() -> None:
    """56 of 70 against 48 of 80: 0.2000, from 0.0524 to 0.3339 (Newcombe 1998, table II, method 10, case a)."""
    assert newcombe(Share(56, 70), Share(48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert newcombe(Share(0, 0), Share(1, 2)) is None
