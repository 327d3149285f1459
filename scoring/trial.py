"""A version made ready for being tried out: compiled in memory, nothing written, nobody else's questions touched.

What a draft asks anew gets numbers of its own for the time of the trial: matchers above those a table can give, bits
behind the last one stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring import engine, matching, questions, rebuilding, reference
from scoring.compiler import Compiled, compile_version
from scoring.matching import Catalogue
from scoring.models import HORIZON, Criterion, FitPredicate, Matcher, ScorecardVersion
from scoring.packing import MOST

FIRST_MATCHER = 32_768  # Matcher.id is a smallint, a packed matcher a uint16: the upper half is free
AT_ONCE = 5_000


@dataclass(frozen=True)
class Trial:
    """A version ready to score with: `new` are the questions nobody has answered yet, their bits begin at `bits_from`.

    `version` has its groups and criteria read along; the criteria carry slot and question in memory only.
    """

    version: ScorecardVersion
    compiled: Compiled
    new: Catalogue
    bits_from: int

    def criterion(self, slot: int) -> Criterion:
        """Return the criterion booked in `slot`."""
        return next(one for one in self.version.criteria.all() if one.slot == slot)


def of(version_id: int) -> Trial:
    """Return a version of any state made ready, using every answer that is stored already."""
    matchers = dict(Matcher.objects.filter(filled=True).values_list("hash", "pk"))
    predicates = dict(FitPredicate.objects.filter(filled=True).values_list("hash", "bit"))
    last_bit = FitPredicate.objects.order_by("-bit").values_list("bit", flat=True).first() or 0
    (trial,) = _made_ready([version_id], matchers, predicates, (last_bit // 8 + 1) * 8)
    return trial


def from_nothing(version_ids: Sequence[int]) -> list[Trial]:
    """Return versions whose questions are all new, each asked once for all of them."""
    return _made_ready(version_ids, {}, {}, 0)


def _made_ready(
    version_ids: Sequence[int], matchers: Mapping[str, int], predicates: Mapping[str, int], bits_from: int
) -> list[Trial]:
    versions = [reference.whole(pk) for pk in version_ids]
    new_matchers: dict[str, Matcher] = {}
    new_predicates: dict[str, FitPredicate] = {}
    for version in versions:
        for slot, criterion in enumerate(version.criteria.all()):
            criterion.slot = slot
            if criterion.is_of_activities:
                key = matching.matcher_hash(str(criterion.activity_kind_id), criterion.where)
                known = matchers.get(key)
                criterion.matcher_id = known or _new_matcher(new_matchers, key, criterion).pk
            else:
                key = matching.predicate_hash(criterion.fact, criterion.operator, criterion.value)
                bit = predicates.get(key)
                criterion.predicate_id = (
                    bit if bit is not None else _new_predicate(new_predicates, key, criterion, bits_from).bit
                )
    new = matching.catalogue_of(new_matchers.values(), new_predicates.values())
    return [Trial(version, compile_version(version), new, bits_from) for version in versions]


def _new_matcher(made: dict[str, Matcher], key: str, criterion: Criterion) -> Matcher:
    kind, where = str(criterion.activity_kind_id), matching.normal(criterion.where)
    return made.setdefault(key, Matcher(pk=FIRST_MATCHER + len(made), hash=key, kind=kind, where=where))


def _new_predicate(made: dict[str, FitPredicate], key: str, criterion: Criterion, bits_from: int) -> FitPredicate:
    asks = {"fact": criterion.fact, "operator": criterion.operator, "value": criterion.value}
    return made.setdefault(key, FitPredicate(bit=bits_from + len(made), hash=key, **asks))


def answered(trial: Trial, contacts: np.ndarray, leads: engine.Batch, day: int) -> engine.Batch:
    """Return `leads` with the answers to the new questions beside the stored ones; contacts int64[n] in their order."""
    if trial.new.predicates:
        leads = _with_bits(leads, trial.bits_from, _asked_people(trial, contacts))
    if trial.new.matchers:
        leads = _with_signals(leads, _asked_activities(trial, contacts, day))
    return leads


def _parts(contacts: np.ndarray) -> Iterable[list[int]]:
    every = contacts.tolist()
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))


def _asked_people(trial: Trial, contacts: np.ndarray) -> list[set[int]]:
    known: dict[int, set[int]] = {}
    for part in _parts(contacts):
        known |= questions.bits_of(part, trial.new.predicates)
    return [known.get(contact, set()) for contact in contacts.tolist()]


def _asked_activities(trial: Trial, contacts: np.ndarray, day: int) -> list[tuple[int, int, int, int]]:
    """Return (place of the lead, matcher, day, count) of everything the new matchers say yes to."""
    place = {contact: n for n, contact in enumerate(contacts.tolist())}
    return [
        (place[contact], matcher, on, n)
        for part in _parts(contacts)
        for contact, matcher, on, n in rebuilding.hits_of(part, trial.new, day)
        if max(0, day - HORIZON + 1) <= on <= MOST
    ]


def _with_bits(leads: engine.Batch, bits_from: int, yes: Sequence[set[int]]) -> engine.Batch:
    more = max((bit for bits in yes for bit in bits), default=bits_from)
    wide = np.zeros((len(leads), more // 8 + 1), np.uint8)
    kept = min(leads.bits.shape[1], bits_from // 8)
    wide[:, :kept] = leads.bits[:, :kept]
    for place, bits in enumerate(yes):
        for bit in bits:
            wide[place, bit >> 3] |= np.uint8(1 << (bit & 7))
    return engine.Batch(leads.counts_from, wide, leads.owner, leads.matcher, leads.day, leads.count)


def _with_signals(leads: engine.Batch, rows: list[tuple[int, int, int, int]]) -> engine.Batch:
    """Append signals; within one matcher they lie by owner, newest first, as the engine wants them."""
    if not rows:
        return leads
    place, asked, on, n = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    keys, same = np.unique((place << 32) | (asked << 16) | (MOST - on), return_inverse=True)
    owner, matcher, day = keys >> 32, keys >> 16 & MOST, MOST - (keys & MOST)
    count = np.minimum(np.bincount(same.ravel(), weights=n), MOST)
    return engine.Batch(
        leads.counts_from, leads.bits,
        np.concatenate([leads.owner, owner]),
        np.concatenate([leads.matcher, matcher.astype(np.uint16)]),
        np.concatenate([leads.day, day.astype(np.int32)]),
        np.concatenate([leads.count, count.astype(np.uint16)]),
    )  # fmt: skip


def chosen(leads: engine.Batch, places: np.ndarray) -> engine.Batch:
    """Return only the leads at `places` (rising indices)."""
    new_place = np.full(len(leads), -1, np.int64)
    new_place[places] = np.arange(len(places))
    kept = new_place[leads.owner] >= 0
    return engine.Batch(
        leads.counts_from[places], leads.bits[places], new_place[leads.owner[kept]], leads.matcher[kept],
        leads.day[kept], leads.count[kept],
    )  # fmt: skip
