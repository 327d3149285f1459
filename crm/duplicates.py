"""Looking through all contacts for pairs that may be one person; what somebody said they are not is remembered.

A search is a row that carries on chunk by chunk: what was found and how far it came are written in one transaction, so
a killed one neither loses nor counts a pair twice. Nothing is merged by itself.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone

from crm import jobs
from crm.merging import alike
from crm.models import Contact, DuplicateSearch, PossibleDuplicate, User
from crm.wake import wake

AT_ONCE = 500
NEIGHBOURS = 10  # of several with the same name or number each is compared with so many of the next older ones
MOST_ALIKE = 50  # what more people than these share says nothing about one person
State = DuplicateSearch.State
KEYS = ("email_key", "phone_key", "name_key")


def search(*, by: User | None) -> DuplicateSearch:
    """Begin a search, or return the one that is under way."""
    running = DuplicateSearch.objects.filter(state=State.RUNNING)
    try:
        with transaction.atomic():
            begun = DuplicateSearch.objects.create(started_by=by, total=Contact.objects.count())
    except IntegrityError:
        return running.get()
    wake("jobs")
    return begun


def latest() -> DuplicateSearch | None:
    """Return the newest search."""
    return DuplicateSearch.objects.select_related("started_by").first()


@jobs.job
def carry_on(seconds: float) -> bool:
    """Carry on with the search for about `seconds`; True when none is under way."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        running = DuplicateSearch.objects.filter(state=State.RUNNING).first()
        if running is None:
            return True
        step(running)
    return False


def step(running: DuplicateSearch) -> None:
    """Compare the next chunk of contacts with those before them and write down what was found."""
    people = list(Contact.objects.filter(pk__gt=running.cursor).order_by("pk")[:AT_ONCE])
    with transaction.atomic():
        here = DuplicateSearch.objects.filter(pk=running.pk, cursor=running.cursor, state=State.RUNNING)
        if not people:
            if here.update(state=State.DONE, finished_at=timezone.now()):
                _forget_what_no_longer_holds(running)
            return
        if not here.update(cursor=people[-1].pk, done=F("done") + len(people)):
            return  # another worker was faster
        found = _store(_pairs(people), running)
        DuplicateSearch.objects.filter(pk=running.pk).update(found=F("found") + found)


def _pairs(people: Sequence[Contact]) -> dict[tuple[int, int], list[str]]:
    """Return {(older, newer): reasons} of everybody in `people` with whoever came before."""
    pairs: dict[tuple[int, int], list[str]] = {}
    for key in KEYS:
        values = _telling(key, {value for person in people if (value := getattr(person, key))})
        known: dict[str, list[Contact]] = defaultdict(list)
        older = Contact.objects.filter(**{f"{key}__in": values}, pk__lte=people[-1].pk).exclude(**{key: ""})
        for contact in older.only("pk", *KEYS).order_by("pk").iterator(chunk_size=2000):
            known[getattr(contact, key)].append(contact)
        for person in people:
            for other in _before(person, known.get(getattr(person, key), [])):
                if reasons := alike.reasons(other, person):
                    pairs[other.pk, person.pk] = reasons
    return pairs


def _telling(key: str, values: set[str]) -> list[str]:
    """Return those of `values` that few enough people share: the number of a switchboard says nothing."""
    people = Contact.objects.filter(**{f"{key}__in": values}).exclude(**{key: ""}).order_by()
    return list(people.values(key).annotate(n=Count("pk")).filter(n__lte=MOST_ALIKE).values_list(key, flat=True))


def _before(person: Contact, group: Sequence[Contact]) -> Iterable[Contact]:
    before = [other for other in group if other.pk < person.pk]
    return before[-NEIGHBOURS:]


def _store(pairs: dict[tuple[int, int], list[str]], running: DuplicateSearch) -> int:
    """Write the pairs down, those that are known with their reasons of today; return how many are open."""
    rows = [
        PossibleDuplicate(low_id=low, high_id=high, reasons=reasons, strength=alike.strength(reasons), search=running)
        for (low, high), reasons in pairs.items()
    ]
    PossibleDuplicate.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["low", "high"], update_fields=["reasons", "strength", "search"]
    )
    highs = {high for _low, high in pairs}
    found = PossibleDuplicate.objects.filter(high__in=highs, search=running)
    return found.filter(dismissed_at=None).count()


def _forget_what_no_longer_holds(running: DuplicateSearch) -> None:
    PossibleDuplicate.objects.filter(dismissed_at=None).exclude(search=running).delete()


# --- The list -------------------------------------------------------------------------------------


def open_pairs(user: User) -> QuerySet[PossibleDuplicate]:
    """Return the pairs nobody has decided on, of people `user` sees."""
    seen = Contact.objects.visible_to(user)
    pairs = PossibleDuplicate.objects.filter(dismissed_at=None).select_related("low__company", "high__company")
    return pairs.filter(low__in=seen, high__in=seen)


def dismiss(one: Contact, other: Contact, *, by: User) -> PossibleDuplicate:
    """Remember that the two are different people: neither list nor hint names them together again."""
    low, high = sorted((one, other), key=lambda contact: contact.pk)
    reasons = alike.reasons(low, high)
    pair, _new = PossibleDuplicate.objects.get_or_create(
        low=low, high=high, defaults={"reasons": reasons, "strength": alike.strength(reasons)}
    )
    pair.dismissed_at, pair.dismissed_by = timezone.now(), by
    pair.save(update_fields=["dismissed_at", "dismissed_by"])
    return pair


def take_up_again(pair: PossibleDuplicate) -> None:
    """Forget that the two were said to be different people."""
    PossibleDuplicate.objects.filter(pk=pair.pk).update(dismissed_at=None, dismissed_by=None)
