"""Asking a new question of everybody at once: fit bits and signals of contacts that were there before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db import connection

from crm import consents
from scoring import facts, rebuilding, storing
from scoring.compiler import sql_of
from scoring.facts import fact
from scoring.matching import Catalogue
from scoring.models import FitPredicate
from scoring.operators import holds
from scoring.packing import pack, pack_bits, unpack, unpack_bits, without
from scoring.storing import among, is_postgres


def bits_of(contacts: Sequence[int], predicates: Sequence[FitPredicate]) -> dict[int, set[int]]:
    """Return {contact: bits that are true}, by SQL where it can tell, in Python where only that can."""
    by_sql = [(p, sql) for p in predicates if (sql := sql_of(p.fact, p.operator, p.value))]
    by_hand = [p for p in predicates if sql_of(p.fact, p.operator, p.value) is None]
    found: dict[int, set[int]] = {contact: set() for contact in contacts}
    if by_sql:
        condition, ids = among(contacts)
        columns = ", ".join(sql for _p, (sql, _params) in by_sql)
        params = [value for _p, (_sql, values) in by_sql for value in values]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT c.id, {columns} FROM {facts.SQL_FROM} WHERE c.id {condition}", params + ids)
            for contact, *answers in cursor.fetchall():
                found[contact] |= {p.bit for (p, _sql), yes in zip(by_sql, answers, strict=True) if yes}
    if by_hand:
        for contact, profile in facts.profiles(contacts).items():
            found[contact] |= {p.bit for p in by_hand if holds(p.operator, fact(p.fact).read(profile), p.value)}
    return found


def answer(contacts: Sequence[int], new: Catalogue, as_of_day: int, *, anew: bool = False) -> None:
    """Answer the questions of `new` for `contacts` in the caller's transaction.

    With `anew` all that is known of them is thrown away and found out again; `new` is the whole catalogue then.
    """
    known = _locked(contacts)
    bits = bits_of(list(known), new.predicates)
    counted = rebuilding.counts_of(list(known), new, as_of_day)
    leads = facts.newest_leads(known) if anew else {}
    objectors = consents.profiling_objectors(known) if anew else set()
    asked_bits = {predicate.bit for predicate in new.predicates}
    asked_matchers = {pk for rows in new.matchers.values() for pk, _where in rows}
    rows = []
    for contact, (lead_id, counts_from, objected, fit_bits, data) in known.items():
        old = Counter() if anew else without(unpack(bytes(data)), asked_matchers)
        kept = set() if anew else unpack_bits(bytes(fit_bits)) - asked_bits
        if anew:
            lead = leads.get(contact)
            lead_id, counts_from = (lead["id"], lead["counts_from"]) if lead else (None, 0)
            objected = contact in objectors
        old.update(counted.get(contact, Counter()))
        signals = pack(old, as_of_day)
        rows.append((contact, lead_id, counts_from, objected, pack_bits(kept | bits[contact]), signals))
    storing.write_signals(rows)


def _locked(contacts: Sequence[int]) -> dict[int, tuple[int | None, int, bool, bytes, bytes]]:
    """Return the contacts' rows, locked; whoever exists and has none gets one first."""
    condition, params = among(contacts)
    empty = "''::bytea" if is_postgres() else "x''"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_contactsignals (contact_id, lead_id, counts_from, objected, fit_bits, data)"
            f" SELECT id, NULL, 0, FALSE, {empty}, {empty} FROM crm_contact WHERE id {condition} ORDER BY id"
            " ON CONFLICT (contact_id) DO NOTHING",
            params,
        )
        cursor.execute(
            "SELECT contact_id, lead_id, counts_from, objected, fit_bits, data FROM scoring_contactsignals"
            f" WHERE contact_id {condition} ORDER BY contact_id{' FOR UPDATE' if is_postgres() else ''}",
            params,
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}
