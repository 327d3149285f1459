"""What a merge does to leads: episodes are counted on, and of two open leads the further one stays.

The other is closed by the move `absorb`, which un-merging undoes. Leads stay whose they are by origin: when the two are
parted, each gets their own back, with all that happened to them since; leads begun since stay with the kept contact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.merging.refusing import Refused
from crm.merging.rules import CONTRADICTIONS, FORETOLD, Merging, Moved, Rule, rule
from crm.models import Contact, ContactMerge
from crm.workdays import local_day
from leads import lifecycle, steps
from leads.models import ImportRow, Lead, Reason, StageChange, Standing, Submission
from leads.stages import OPEN, Stage, Verb

KEY = "leads.Lead.contact"
#: Which of two open leads is further: an offered MQL before one that is not, whoever is awake before who sleeps.
ORDER = (Stage.NURTURE, Stage.LEAD, Stage.MARKETING_QUALIFIED, Stage.SALES_ACCEPTED, Stage.SALES_QUALIFIED)
ASIDE = 10_000  # added to episodes while they are counted anew, because no two may be the same even for a moment


def further(one: Lead, other: Lead) -> Lead:
    """Return the lead that stays: the further one, of two equal ones the older."""
    return max(one, other, key=lambda lead: (ORDER.index(Stage(lead.stage)), bool(lead.open_handoff), -lead.pk))


class Leads(Rule):
    """All leads of both become one row of episodes; parting gives each contact its own back."""

    def merge(self, merging: Merging) -> dict[str, Any]:
        kept, merged = self._of(merging.kept), self._of(merging.merged)
        absorbed = self._absorb([lead for lead in (*kept, *merged) if lead.is_open], merging)
        line = sorted((*kept, *merged), key=lambda lead: (lead.stage in OPEN, lead.entered_at, lead.pk))
        known = {
            "kept": {lead.pk: [lead.episode, lead.counts_from] for lead in kept},
            "merged": {lead.pk: [lead.episode, lead.counts_from] for lead in merged},
            "absorbed": absorbed,
            "versions": {lead.pk: lead.version for lead in line if lead.is_open},
        }
        _count(line, merging.kept)
        self._begin_later(line, absorbed)
        return known

    @staticmethod
    def _of(contact: Contact) -> list[Lead]:
        return list(Lead.objects.filter(contact=contact).select_related("contact").order_by("episode"))

    def _absorb(self, both: list[Lead], merging: Merging) -> dict[str, Any] | None:
        """Close the lead that has come less far; return what puts it back."""
        if len(both) < 2:
            return None
        stays = further(*both)
        goes = both[0] if stays is both[1] else both[1]
        since = Standing.objects.values_list("lane_since", flat=True).get(pk=goes.pk)
        reason = Reason.objects.filter(kind=Verb.DISQUALIFY, key="duplicate").first()
        with _refusing():
            lifecycle.advance(
                goes, Verb.ABSORB, by=merging.by, at=merging.at, merging=True, reason=reason, details={"into": stays.pk}
            )
        return {
            "lead": goes.pk, "into": stays.pk, "contact": goes.contact_id, "lane_since": since.isoformat(),
            "steps": steps.hand_on(goes, stays),
        }  # fmt: skip

    @staticmethod
    def _begin_later(line: Sequence[Lead], absorbed: dict[str, Any] | None) -> None:
        """Let an open lead that counted everything count from its own first day, when it is no longer the first."""
        last = line[-1] if line else None
        closed = [lead for lead in line[:-1] if absorbed is None or lead.pk != absorbed["lead"]]
        if last and last.is_open and last.counts_from == 0 and closed:
            Lead.objects.filter(pk=last.pk).update(counts_from=local_day(last.entered_at))

    def part(self, merging: Merging, known: dict[str, Any]) -> None:
        theirs = _by_episode(known["merged"])
        own = [lead for lead in self._of(merging.kept) if str(lead.pk) not in known["merged"]]
        own.sort(key=lambda lead: known["kept"].get(str(lead.pk), [lead.episode + ASIDE])[0])
        Lead.objects.filter(contact=merging.kept).update(episode=F("episode") + ASIDE)
        back = {lead.pk: lead for lead in self._of(merging.kept) if str(lead.pk) in known["merged"]}
        _count([back[pk] for pk in theirs if pk in back], merging.merged)
        _count(own, merging.kept)
        for pk, (_episode, counts_from) in {**known["kept"], **known["merged"]}.items():
            Lead.objects.filter(pk=pk).update(counts_from=counts_from)
        _take_back_what_the_merge_moved(known["versions"], merging)
        if absorbed := known["absorbed"]:
            self._reopen(absorbed, merging)

    @staticmethod
    def _reopen(absorbed: dict[str, Any], merging: Merging) -> None:
        lead = Lead.objects.select_related("contact").filter(pk=absorbed["lead"]).first()
        if lead is None:
            return
        with _refusing():
            lifecycle.advance(lead, Verb.UNDO, by=merging.by, merging=True, details={"cause": "unmerge"})
        steps.give_back(absorbed.get("steps", []), lead=absorbed["into"], back_to=lead.pk)
        since = datetime.fromisoformat(absorbed["lane_since"])
        Standing.objects.filter(pk=lead.pk).update(lane_since=since)


class _refusing:
    """Say of a refused move that the merge was refused."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, lifecycle.Refused):
            raise Refused(error.reasons, stale=error.stale) from error


def _by_episode(known: dict[str, list[int]]) -> list[int]:
    return [int(pk) for pk, _told in sorted(known.items(), key=lambda item: item[1][0])]


def _count(line: Sequence[Lead], contact: Contact) -> None:
    """Make `line` the episodes of `contact`, counted from 1."""
    for lead in line:
        Lead.objects.filter(pk=lead.pk).update(episode=F("episode") + 2 * ASIDE)
    now = timezone.now()
    for number, lead in enumerate(line, start=1):
        Lead.objects.filter(pk=lead.pk).update(contact=contact, episode=number, changed_at=now)


def _take_back_what_the_merge_moved(versions: dict[str, int], merging: Merging) -> None:
    """Undo the one move by which the engine answered the merged score; what people did since stays."""
    for pk, version in versions.items():
        lead = Lead.objects.select_related("contact").filter(pk=pk, version=version + 1).first()
        change = lead.last_change if lead else None
        by_itself = change and change.actor == StageChange.Actor.SYSTEM
        if lead and change and by_itself and change.verb in {Verb.QUALIFY_FOR_MARKETING, Verb.DEMOTE}:
            since = Standing.objects.values_list("lane_since", flat=True).get(pk=lead.pk)
            with _refusing():
                lifecycle.advance(lead, Verb.UNDO, by=merging.by, merging=True, details={"cause": "unmerge"})
            began = change.before["lead"].get("stage_since") or since.isoformat()
            Standing.objects.filter(pk=lead.pk).update(lane_since=datetime.fromisoformat(began))


def _other_lead_since(entry: ContactMerge) -> Iterator[str]:
    """A lead that was absorbed opens again, and a person has one open lead at most."""
    known = entry.moved.get(KEY) or {}
    absorbed = known.get("absorbed")
    if not absorbed or not Lead.objects.filter(pk=absorbed["lead"]).exists():
        return
    home = "kept" if absorbed["contact"] == entry.kept_number else "merged"
    leads = Lead.objects.open().filter(contact=entry.kept_id).exclude(pk=absorbed["lead"])
    theirs = leads.filter(pk__in=known["merged"]) if home == "merged" else leads.exclude(pk__in=known["merged"])
    if other := theirs.first():
        yield _(
            "A new lead (episode %(number)d) began since; close it first, for the one the merge closed opens again."
        ) % {"number": other.episode}


def _which_lead_stays(kept: Contact, merged: Contact) -> Iterator[str]:
    both = list(Lead.objects.open().filter(contact__in=[kept, merged]).order_by("pk"))
    if len(both) == 2:
        stays = further(*both)
        goes = both[0] if stays is both[1] else both[1]
        yield _("Two leads are open: the one in “%(stays)s” stays, the one in “%(goes)s” closes as a duplicate.") % {
            "stays": Stage(stays.stage).label,
            "goes": Stage(goes.stage).label,
        }


rule(Moved(Submission, "contact"))
rule(Moved(ImportRow, "contact"))
rule(Moved(Lead, "referrer"))
rule(Leads(Lead, "contact"))
FORETOLD.append(_which_lead_stays)
CONTRADICTIONS.append(_other_lead_since)
