"""Which criteria make bad MQLs: rejections charged to the criteria that lifted the lead. Numbers in, verdicts out.

A criterion is accused when sales rejects the MQLs it lifted more often than the others, and goes on to do so among the
leads that any one other criterion lifted and among those it did not: criteria fire together, and an innocent one that
often stands beside a bad one looks bad as well until it is compared where the bad one is held fast.

How sure: the one-sided exact test of Fisher for the plain comparison (R. A. Fisher, Statistical Methods for Research
Workers, 1934, section 21.02); the one-sided test of Mantel and Haenszel with continuity correction for each comparison
in two strata (J. Natl. Cancer Inst. 22, 1959, 719-748). The weakest of them counts, so that it is never surer than the
exact one. Over all criteria Holm's step-down procedure (Scand. J. Statist. 6, 1979, 65-70) keeps the chance of even one
accusation at `ALPHA` when no criterion is worse than the others, however few leads there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from scoring.intervals import Share, wilson

ALPHA = 0.05  # chance of even one accusation where none is due


@dataclass(frozen=True)
class Charge:
    """What one criterion has to answer for.

    `lifted` and `others`: rejected of the decided MQLs it lifted and of all others. `z`: the weakest of the
    comparisons, in standard deviations. `p`: its probability without any effect, by Holm for all criteria together;
    None where too few cases could ever tell. `plain`: the same for the plain comparison alone. `beside`: index of the
    criterion in whose strata the difference is least (None where the plain comparison is the weakest); `same`: indices
    of criteria that lifted exactly the same leads and cannot be told apart.
    """

    lifted: Share
    others: Share
    z: float
    p: float | None
    plain: float | None
    beside: int | None
    same: tuple[int, ...]

    @property
    def is_accused(self) -> bool:
        return self.p is not None and self.p <= ALPHA

    @property
    def is_excused(self) -> bool:
        """Whether it looks bad only because of another criterion, or cannot be told apart from it."""
        return not self.is_accused and self.plain is not None and self.plain <= ALPHA

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """Return (difference of the shares, lowest, highest), None where one side has no case."""
        return newcombe(self.lifted, self.others)

    @property
    def points_apart(self) -> list[int]:
        """Return the same in whole percentage points, empty where one side has no case."""
        return [round(100 * one) for one in self.difference or ()]


def newcombe(first: Share, second: Share) -> tuple[float, float, float] | None:
    """Return the difference of two shares with its 95 % interval; None where one has no case.

    Method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890: Wilson's intervals put together.
    """
    if first.value is None or second.value is None:
        return None
    apart = first.value - second.value
    (low, high), (other_low, other_high) = wilson(first.hits, first.cases), wilson(second.hits, second.cases)
    down = sqrt((first.value - low) ** 2 + (other_high - second.value) ** 2)
    up = sqrt((high - first.value) ** 2 + (second.value - other_low) ** 2)
    return apart, max(-1.0, apart - down), min(1.0, apart + up)


def charges(lifted: np.ndarray, rejected: np.ndarray) -> list[Charge]:
    """Return the charge of each criterion: lifted bool[n leads, m criteria], rejected bool[n], one decided MQL a row.

    Raises ValueError where the rows do not match.
    """
    if lifted.ndim != 2 or rejected.shape != lifted.shape[:1]:
        raise ValueError(f"{lifted.shape} leads and criteria, {rejected.shape} outcomes")
    x, y = lifted.astype(np.float64), rejected.astype(np.float64)
    n, hits = len(y), int(y.sum())
    cases, bad = x.sum(axis=0).astype(int), (x.T @ y).astype(int)
    both = x.T @ x
    alike = (both == cases[:, None]) & (both == cases[None, :])
    opposite = (both == 0) & (cases[:, None] + cases[None, :] == n)  # the others of one are the leads of the other
    z, beside = _weakest(n, hits, cases, bad, both, alike | opposite)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    exact = [_fisher(logs, n, hits, int(m), int(a)) for m, a in zip(cases, bad, strict=True)]
    least = [_fisher(logs, n, hits, int(m), min(int(m), hits)) for m in cases]
    told = [place for place, p in enumerate(least) if p <= ALPHA]
    plain = _holm([exact[place] for place in told])
    sure = _holm([max(exact[place], erfc(z[place] / sqrt(2)) / 2) for place in told])
    after = dict(zip(told, zip(sure, plain, strict=True), strict=True))
    found = []
    for j in range(len(cases)):
        p, alone = after.get(j, (None, None))
        mine, others = Share(int(bad[j]), int(cases[j])), Share(hits - int(bad[j]), n - int(cases[j]))
        same = tuple(int(k) for k in np.flatnonzero(alike[j]) if k != j and cases[j])
        found.append(Charge(mine, others, float(z[j]), p, alone, None if beside[j] < 0 else int(beside[j]), same))
    return found


def ranked(found: Sequence[Charge]) -> list[int]:
    """Return the indices of the charges, the strongest evidence first; what no case could tell comes last."""
    return sorted(range(len(found)), key=lambda j: (found[j].p is None, -found[j].z, j))


def _fisher(logs: np.ndarray, n: int, hits: int, cases: int, bad: int) -> float:
    """Return how likely it is that at least `bad` of `cases` drawn from `n` with `hits` are hits; logs[i] = ln i!."""
    if not cases or cases == n or not hits or hits == n:
        return 1.0
    k = np.arange(bad, min(cases, hits) + 1)
    k = k[k >= cases + hits - n]
    ways = logs[hits] - logs[k] - logs[hits - k] + logs[n - hits] - logs[cases - k] - logs[n - hits - cases + k]
    return float(min(1.0, np.exp(ways - (logs[n] - logs[cases] - logs[n - cases])).sum()))


def _weakest(
    n: int, hits: int, cases: np.ndarray, bad: np.ndarray, both: np.ndarray, twins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return per criterion (z of its weakest comparison, the criterion of those strata or -1 for the plain one).

    Rows j are the criteria compared, columns k those that make the strata "lifted by k" and "not lifted by k". Where
    `twins` says so, j and k ask the same of the same leads, and k makes no strata.
    """
    plain = _z(bad, *_moments(n, hits, cases))
    inside = _moments(cases[None, :], bad[None, :], both)
    outside = _moments((n - cases)[None, :], (hits - bad)[None, :], cases[:, None] - both)
    strata = _z(bad[:, None], inside[0] + outside[0], inside[1] + outside[1])
    strata[twins] = np.inf
    beside = strata.argmin(axis=1) if len(cases) else np.zeros(0, int)
    least = strata[np.arange(len(cases)), beside]
    return np.minimum(plain, least), np.where(least < plain, beside, -1)


def _moments(n: object, hits: object, cases: object) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of the hits among `cases` drawn from `n` that hold `hits` (hypergeometric)."""
    total, good, drawn = np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (n, hits, cases)))
    some, several = np.maximum(total, 1), np.maximum(total - 1, 1)
    return drawn * good / some, drawn * (total - drawn) * good * (total - good) / (some * some * several)


def _z(bad: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return how far above its mean the number of rejections lies, half a case held back; 0 where nothing can vary."""
    return np.where(variance > 1e-9, (bad - mean - 0.5) / np.sqrt(np.maximum(variance, 1e-9)), 0.0)


def _holm(p: Sequence[float]) -> list[float]:
    """Return the probabilities adjusted by Holm's procedure, in their order."""
    adjusted, reached = [0.0] * len(p), 0.0
    for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        reached = max(reached, min(1.0, (len(p) - step) * p[place]))
        adjusted[place] = reached
    return adjusted
