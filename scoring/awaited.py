"""How many versions wait for the reader's signature, beside the navigation's entry, for signers only."""

from __future__ import annotations

from django.db.models import QuerySet

from crm import context
from crm.models import User
from scoring import signing
from scoring.models import ScorecardVersion, Signature


def versions(user: User) -> QuerySet[ScorecardVersion] | None:
    """Return the versions in review that wait for `user`; None for who does not sign."""
    sides = [side for side in Signature.Side.values if signing.holds_key(user, side)]
    if not sides:
        return None
    standing = Signature.objects.filter(voided_at=None)
    found = ScorecardVersion.objects.filter(state=ScorecardVersion.State.IN_REVIEW).exclude(
        pk__in=standing.filter(by=user).values("version")
    )
    for side in sides if len(sides) == 1 else ():
        found = found.exclude(pk__in=standing.filter(side=side).values("version"))
    return found


context.COUNTS["scorecards"] = versions
