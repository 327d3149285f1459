"""The drain: what has happened becomes signals and scores, exactly once.

PostgreSQL: the queue rows are deleted and the scores written in one transaction; drains run side by side, each with
rows of its own. SQLite: one drain at a time; it reads and computes without the write lock, then makes sure under the
lock that nothing has changed since.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection, transaction

from crm import consents
from leads import news
from scoring import engine, facts, failures, matching, pointer, promotion, rebuilding, storing
from scoring.compiler import Compiled, compiled
from scoring.models import MOST_TRIES, FailedScore, PublishRun, ScoreHistory
from scoring.packing import pack, pack_bits, unpack
from scoring.pointer import Pointer
from scoring.storing import After, Before, among, is_postgres

ACTIVITIES_AT_ONCE = 2000
CONTACTS_AT_ONCE = 500
LEADS_ON_SQLITE = 200
ALL_WRONG = 10  # so many in a row fail: then it is not them
_only_one = threading.Lock()  # SQLite: one drain per process; between processes the check under the lock decides
Happened = tuple[str, int, Any]  # kind, day, properties


@dataclass
class Work:
    """What was taken from the queues. `asked` is to be looked at anew, `anew` to be counted anew as well."""

    activity_rows: list[int] = field(default_factory=list)
    contact_rows: list[int] = field(default_factory=list)
    happened: dict[int, list[Happened]] = field(default_factory=lambda: defaultdict(list))
    asked: set[int] = field(default_factory=set)
    anew: set[int] = field(default_factory=set)

    @property
    def contacts(self) -> list[int]:
        return sorted(self.happened.keys() | self.asked)

    @property
    def cause(self) -> str:
        return ScoreHistory.Cause.ACTIVITY if self.activity_rows else ScoreHistory.Cause.PROFILE

    def __bool__(self) -> bool:
        return bool(self.activity_rows or self.contact_rows)


@dataclass(frozen=True, slots=True)
class Known:
    """One contact's row of signals as it was read; `tries` counts the failed ones, None when none failed."""

    lead_id: int | None = None
    counts_from: int = 0
    objected: bool = False
    fit_bits: bytes = b""
    data: bytes = b""
    tries: int | None = None

    @property
    def is_given_up(self) -> bool:
        return self.tries is not None and self.tries >= MOST_TRIES


@dataclass
class Plan:
    """What a batch will write, and what it was computed from."""

    current: Pointer
    read: dict[int, Known]
    signals: dict[int, Known]
    before: dict[int, Before]
    after: list[After]
    silent: list[int]  # leads without a score: their person objected to profiling


class ChangedMeanwhile(Exception):
    """Somebody wrote to the same rows; the batch is computed anew."""


def drain(*, seconds: float = 50.0) -> int:
    """Empty the queues, or stop after `seconds`; return how many queue rows were worked off."""
    pointer.turn_day()
    if is_postgres():
        return _until_empty(_drain_postgres, seconds)
    if not _only_one.acquire(blocking=False):
        return 0
    try:
        return _until_empty(_drain_sqlite, seconds)
    finally:
        _only_one.release()


def _until_empty(once: Callable[[], int], seconds: float) -> int:
    done, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            count = once()
        except ChangedMeanwhile:
            continue
        except OperationalError as error:
            if not _is_passing(error):
                raise
            time.sleep(0.05)
            continue
        except Exception as error:
            count = _one_by_one(error)
        if not count:
            break
        done += count
    return done


def _one_by_one(error: Exception) -> int:
    """Work off the next batch person by person after it has failed as a whole; set aside who fails alone.

    Raises `error` when nobody can be scored, because then it is not them.
    """
    done = 0
    failed: list[tuple[int, Exception]] = []
    for contact in _next_contacts():
        try:
            done += _drain_one(contact)
        except ChangedMeanwhile:
            continue
        except OperationalError as busy:
            if not _is_passing(busy):
                raise
        except Exception as reason:
            failed.append((contact, reason))
            if len(failed) == ALL_WRONG and not done:
                raise error from reason
    for contact, why in failed:
        failures.note(contact, why)
    return done + len(failed)


def _next_contacts() -> list[int]:
    """Return whom the next batch is about."""
    asked = _rows("SELECT contact_id FROM scoring_pendingcontact ORDER BY id LIMIT %s", [CONTACTS_AT_ONCE])
    rows = asked or _rows("SELECT contact_id FROM scoring_pendingactivity ORDER BY id LIMIT %s", [ACTIVITIES_AT_ONCE])
    return list(dict.fromkeys(contact for (contact,) in rows))


def _drain_one(contact: int) -> int:
    """Work off all that waits for one contact, in one transaction."""
    with transaction.atomic():
        current, _waits = pointer.read_for_drain()
        if current is None:
            return 0
        work = _contacts_work(
            _rows("SELECT id, contact_id, rebuild FROM scoring_pendingcontact WHERE contact_id = %s", [contact])
        )
        happened = _activities_work(
            _rows(
                f"SELECT{_WORK.format('p')} FROM scoring_pendingactivity p"
                " LEFT JOIN crm_activity a ON a.id = p.activity_id WHERE p.contact_id = %s ORDER BY p.id",
                [contact],
            )
        )
        work.activity_rows, work.happened = happened.activity_rows, happened.happened
        work.asked |= happened.asked
        if not work:
            return 0
        if not _take(work):
            raise ChangedMeanwhile
        _write(work, _plan(work, current, _lock_signals(work) if is_postgres() else _read_signals(work.contacts)))
    return len(work.activity_rows) + len(work.contact_rows)


def _is_passing(error: OperationalError) -> bool:
    """Whether the database only asks to try again: a deadlock, a busy lock."""
    text = str(error).lower()
    return "deadlock" in text or "locked" in text


def _drain_postgres() -> int:
    with transaction.atomic():
        current, contacts_wait = pointer.read_for_drain()
        if current is None:
            return 0
        work = (_claim_contacts() if contacts_wait else None) or _claim_activities()
        if not work:
            return 0
        _write(work, _plan(work, current, _lock_signals(work)))
    return len(work.activity_rows) + len(work.contact_rows)


def _drain_sqlite() -> int:
    current, contacts_wait = pointer.read_for_drain()
    if current is None:
        return 0
    work = (_peek_contacts() if contacts_wait else None) or _peek_activities()
    if not work:
        return 0
    plan = _plan(work, current, _read_signals(work.contacts))
    with transaction.atomic():
        if not _take(work) or _read_again(work.contacts) != (current, plan.read):
            raise ChangedMeanwhile
        _write(work, plan)
    return len(work.activity_rows) + len(work.contact_rows)


# --- The queues -----------------------------------------------------------------------------------


def _rows(sql: str, params: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return cursor.fetchall()


def _contacts_work(rows: Iterable[tuple[Any, ...]]) -> Work:
    work = Work()
    for pk, contact_id, anew in rows:
        work.contact_rows.append(pk)
        work.asked.add(contact_id)
        if anew:
            work.anew.add(contact_id)
    return work


def _activities_work(rows: Iterable[tuple[Any, ...]], most_contacts: int | None = None) -> Work:
    """Read (id, contact, kind, day, properties, contact is queued too) rows; an activity may be gone by now."""
    work = Work()
    for pk, contact_id, kind, day, properties, queued in rows:
        if most_contacts and contact_id not in work.happened and len(work.happened) == most_contacts:
            break
        work.activity_rows.append(pk)
        # A new episode is announced through the other queue: whoever stands there is looked at as a whole.
        if queued:
            work.asked.add(contact_id)
        happened = work.happened[contact_id]
        if kind is not None:
            happened.append((kind, day, json.loads(properties)))
    return work


# A merge may have given the activity to another contact since: what it says itself counts.
_WORK = (
    " {0}.id, COALESCE(a.contact_id, {0}.contact_id), a.kind_id, a.day, a.properties, EXISTS (SELECT 1 FROM"
    " scoring_pendingcontact pc WHERE pc.contact_id = COALESCE(a.contact_id, {0}.contact_id))"
)


def _claim_contacts() -> Work:
    return _contacts_work(
        _rows(
            "DELETE FROM scoring_pendingcontact WHERE id IN (SELECT id FROM scoring_pendingcontact ORDER BY id"
            " LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, contact_id, rebuild",
            [CONTACTS_AT_ONCE],
        )
    )


def _claim_activities() -> Work:
    return _activities_work(
        _rows(
            "WITH gone AS (DELETE FROM scoring_pendingactivity WHERE id IN (SELECT id FROM scoring_pendingactivity"
            " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id, activity_id, contact_id)"
            f" SELECT{_WORK.format('gone')} FROM gone LEFT JOIN crm_activity a ON a.id = gone.activity_id"
            " ORDER BY gone.id",
            [ACTIVITIES_AT_ONCE],
        )
    )


def _peek_contacts() -> Work:
    sql = "SELECT id, contact_id, rebuild FROM scoring_pendingcontact ORDER BY id LIMIT %s"
    return _contacts_work(_rows(sql, [LEADS_ON_SQLITE]))


def _peek_activities() -> Work:
    rows = _rows(
        f"SELECT{_WORK.format('p')} FROM scoring_pendingactivity p"
        " LEFT JOIN crm_activity a ON a.id = p.activity_id ORDER BY p.id LIMIT %s",
        [ACTIVITIES_AT_ONCE],
    )
    return _activities_work(rows, LEADS_ON_SQLITE)


def _take(work: Work) -> bool:
    """Delete the queue rows of `work`; False when another drain was faster with one of them."""
    for table, ids in (("scoring_pendingactivity", work.activity_rows), ("scoring_pendingcontact", work.contact_rows)):
        if not ids:
            continue
        condition, params = among(ids)
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id {condition}", params)
            if cursor.rowcount != len(ids):
                return False
    return True


# --- The signals ----------------------------------------------------------------------------------


_TRIES = "(SELECT fs.tries FROM scoring_failedscore fs WHERE fs.contact_id = cs.contact_id)"


def _read_signals(contacts: Collection[int], lock: str = "") -> dict[int, Known]:
    condition, params = among(list(contacts))
    rows = _rows(
        "SELECT cs.contact_id, cs.lead_id, cs.counts_from, cs.objected, cs.fit_bits, cs.data,"
        f" {_TRIES} FROM scoring_contactsignals cs WHERE cs.contact_id {condition} ORDER BY cs.contact_id{lock}",
        params,
    )
    return {row[0]: Known(row[1], row[2], bool(row[3]), bytes(row[4]), bytes(row[5]), row[6]) for row in rows}


def _read_again(contacts: Collection[int]) -> tuple[Pointer | None, dict[int, Known]]:
    """Return pointer and signals as they are now, in one statement."""
    condition, params = among(list(contacts))
    rows = _rows(
        "SELECT p.version_id, p.as_of_day, p.catalogue, cs.contact_id, cs.lead_id, cs.counts_from, cs.objected,"
        f" cs.fit_bits, cs.data, {_TRIES} FROM scoring_activescoring p LEFT JOIN scoring_contactsignals cs"
        f" ON cs.contact_id {condition} WHERE p.id = 1 ORDER BY cs.contact_id",
        params,
    )
    known = {row[3]: Known(row[4], row[5], bool(row[6]), row[7], row[8], row[9]) for row in rows if row[3] is not None}
    return (Pointer(*rows[0][:3]) if rows else None), known


def _lock_signals(work: Work) -> dict[int, Known]:
    """Lock the contacts' rows in one order; whoever has none yet gets one first, so that there is one to lock."""
    contacts = work.contacts
    known = _read_signals(contacts, " FOR UPDATE")
    strangers = [contact for contact in contacts if contact not in known]
    if not strangers:
        return known
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_contactsignals (contact_id, lead_id, counts_from, objected, fit_bits, data)"
            " SELECT id, NULL, 0, FALSE, ''::bytea, ''::bytea FROM crm_contact WHERE id = ANY(%s) ORDER BY id"
            " ON CONFLICT (contact_id) DO NOTHING",
            [strangers],
        )
    work.asked.update(strangers)
    return _read_signals(contacts, " FOR UPDATE")


# --- Computing ------------------------------------------------------------------------------------


def _plan(work: Work, current: Pointer, read: dict[int, Known]) -> Plan:
    catalogue = matching.catalogue(current.catalogue)
    work.asked.update(contact for contact in work.contacts if contact not in read)
    _mind_the_failed(work, read)
    read = {contact: known for contact, known in read.items() if not known.is_given_up}
    signals = _looked_at_anew(work, catalogue, read)
    counted = rebuilding.count(sorted(work.anew & signals.keys()), catalogue, current.day)
    for contact, happened in work.happened.items():
        if contact in signals and contact not in counted:
            signals[contact] = _with_activities(signals[contact], happened, catalogue, current.day)
    for contact, data in counted.items():
        old = signals[contact]
        signals[contact] = Known(old.lead_id, old.counts_from, old.objected, old.fit_bits, data)
    scored = {k.lead_id: k for k in signals.values() if k.lead_id is not None and not k.objected}
    silent = [k.lead_id for k in signals.values() if k.lead_id is not None and k.objected]
    before = storing.before([*scored, *silent])
    scored = {lead: known for lead, known in scored.items() if lead in before}
    return Plan(current, read, signals, before, _scores(scored, current), [lead for lead in silent if lead in before])


def _mind_the_failed(work: Work, read: dict[int, Known]) -> None:
    """Count whom we failed at before anew as a whole, and leave out whom we have given up."""
    for contact, known in read.items():
        if known.tries is None:
            continue
        if known.is_given_up:
            work.happened.pop(contact, None)
            work.asked.discard(contact)
            work.anew.discard(contact)
        else:
            work.asked.add(contact)
            work.anew.add(contact)


def _looked_at_anew(work: Work, catalogue: matching.Catalogue, read: dict[int, Known]) -> dict[int, Known]:
    """Return the contacts' signals; of those who are asked for, with lead, objection and fit as they are now."""
    signals = {contact: read[contact] for contact in work.contacts if contact in read}
    if not work.asked:
        return signals
    leads = facts.newest_leads(work.asked)
    objectors = consents.profiling_objectors(work.asked)
    for contact, profile in facts.profiles(work.asked, leads).items():
        lead = leads.get(contact)
        signals[contact] = Known(
            lead_id=lead["id"] if lead else None,
            counts_from=lead["counts_from"] if lead else 0,
            objected=contact in objectors,
            fit_bits=pack_bits(catalogue.bits(profile)),
            data=read[contact].data if contact in read else b"",
        )
    return signals


def _with_activities(known: Known, happened: list[Happened], catalogue: matching.Catalogue, day: int) -> Known:
    counts = unpack(known.data)
    for kind, on, properties in happened:
        for matcher in catalogue.hits(kind, properties):
            counts[matcher, on] += 1
    return Known(known.lead_id, known.counts_from, known.objected, known.fit_bits, pack(counts, day))


def _version(current: Pointer) -> Compiled:
    return compiled(current.version_id, current.catalogue)


def _scores(leads: dict[int, Known], current: Pointer) -> list[After]:
    if not leads:
        return []
    rows = list(leads.values())
    packed = engine.batch([k.counts_from for k in rows], [k.fit_bits for k in rows], [k.data for k in rows])
    return storing.rows_of(list(leads), engine.score(_version(current), current.day, packed))


# --- Writing --------------------------------------------------------------------------------------


def _write(work: Work, plan: Plan) -> None:
    version = _version(plan.current)
    rising, falling = _moving(plan)
    if rising or falling:
        moving = {*rising, *falling}
        promotion.lock(moving, version, [row.grade for row in plan.after if row.lead_id in moving])
    storing.write_signals(
        [(c, k.lead_id, k.counts_from, k.objected, k.fit_bits, k.data) for c, k in sorted(plan.signals.items())]
    )
    after = sorted(plan.after, key=lambda row: row.lead_id)
    told = {row.lead_id: storing.is_told(plan.before[row.lead_id], row, work.cause) for row in after}
    new_told = [row.total if told[row.lead_id] else _told_before(plan.before[row.lead_id], row.total) for row in after]
    storing.write_scores(after, new_told, version.version_id, plan.current.day)
    storing.write_history(
        [(row.lead_id, plan.before[row.lead_id].total, row.total, row.grade) for row in after if told[row.lead_id]],
        version.version_id, plan.current.day, work.cause,
    )  # fmt: skip
    # The statement compares with what stands there now: a pass may have shown another score since `before` was read.
    storing.write_standings([(row.lead_id, row.total, row.grade) for row in after])
    if plan.silent:
        silence(plan.silent, plan.before, plan.current)
    healed = [contact for contact in plan.signals if contact in plan.read and plan.read[contact].tries is not None]
    if healed:
        FailedScore.objects.filter(pk__in=healed).delete()
    if rising or falling:
        promotion.move(rising, falling)
    news.tell_graded(_new_grades(work, plan))


def _new_grades(work: Work, plan: Plan) -> dict[int, tuple[str, str]]:
    """Return {lead: (grade before, grade now)} of those whose person did something that changed the grade."""
    happened = {k.lead_id for contact, k in plan.signals.items() if contact in work.happened}
    return {
        row.lead_id: (plan.before[row.lead_id].grade, row.grade)
        for row in plan.after
        if row.lead_id in happened and plan.before[row.lead_id].grade != row.grade
    }


def _told_before(before: Before, total: int) -> int:
    return total if before.told is None else before.told


def _moving(plan: Plan) -> tuple[list[int], list[int]]:
    version = _version(plan.current)
    rising, falling = [], []
    for row in plan.after:
        lane = plan.before[row.lead_id].lane
        if promotion.may_rise(lane, at_bar=row.at_bar):
            rising.append(row.lead_id)
        elif promotion.may_fall(lane, at_bar=row.at_bar, total=row.total, version=version):
            falling.append(row.lead_id)
    return rising, falling


def silence(lead_ids: list[int], before: dict[int, Before], current: Pointer) -> None:
    """Take the score of leads away whose person objected to profiling: no score, rank −1, and a row that says so."""
    condition, params = among(lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM scoring_score WHERE lead_id {condition}", params)
    scored = [lead for lead in lead_ids if before[lead].seq is not None]
    storing.write_history(
        [(lead, before[lead].total, None, "") for lead in scored], current.version_id, current.day,
        ScoreHistory.Cause.PROFILE,
    )  # fmt: skip
    storing.write_standings([(lead, None, "") for lead in lead_ids])


def is_behind() -> bool:
    """Whether anything waits: queue rows, a midnight gone by, or a pass under way."""
    current = pointer.read()
    waiting = _rows("SELECT 1 FROM scoring_pendingactivity LIMIT 1") or _rows(
        "SELECT 1 FROM scoring_pendingcontact LIMIT 1"
    )
    return bool(waiting) or current is None or PublishRun.objects.exclude(phase__in=PublishRun.ENDED).exists()
