"""Tokens of the API: issued and shown once, found by their hash, replaced with both valid for a while, revoked."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import audit
from crm.api.scopes import SCOPES
from crm.models import ApiToken, User

DAYS, MOST_DAYS = 90, 730
OVERLAP = timedelta(days=7)
#: baton_, eight characters that are shown, and 256 random bits.
SHAPE = re.compile(r"baton_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def digest(secret: str) -> str:
    """Return what is stored of the secret part; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue(
    user: User, scopes: Iterable[str], *, name: str, days: int = DAYS, by: User | None = None
) -> tuple[ApiToken, str]:
    """Store a new token of `user` and return it with its text, which cannot be shown again.

    ValueError with a sentence for a scope there is none of, for none at all, and for days outside 1–730.
    """
    wanted = list(dict.fromkeys(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise ValueError(
            _("There is no scope %(scope)s. There are: %(all)s.") % {"scope": unknown[0], "all": ", ".join(SCOPES)}
        )
    if not wanted:
        raise ValueError(_("A token needs at least one scope."))
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(_("A token is valid for 1 to %(most)d days.") % {"most": MOST_DAYS})
    return _store(user, [scope for scope in SCOPES if scope in wanted], name, timedelta(days=days), by)


def _store(user: User, scopes: list[str], name: str, lasts: timedelta, by: User | None) -> tuple[ApiToken, str]:
    prefix, secret = "".join(secrets.choice(LETTERS) for _n in range(8)), secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user, name=name, prefix=prefix, digest=digest(secret), scopes=scopes, created_by=by,
            expires_at=timezone.now() + lasts,
        )  # fmt: skip
        audit.record(by, "token.issued", _subject(token), user=user.pk, scopes=scopes, until=token.expires_at)
    return token, f"baton_{prefix}_{secret}"


def _subject(token: ApiToken) -> str:
    return f"api_token:{token.pk}"


def known(text: str) -> ApiToken | None:
    """Return the token that `text` is, valid or not; None when its secret is not right."""
    shape = SHAPE.fullmatch(text)
    if shape is None:
        return None
    token = ApiToken.objects.select_related("user__team").filter(prefix=shape[1]).first()
    right = hmac.compare_digest(token.digest if token else digest(""), digest(shape[2]))
    return token if right else None


def is_valid(token: ApiToken) -> bool:
    """Whether a known token opens anything now."""
    return token.revoked_at is None and token.expires_at > timezone.now() and token.user.is_active


def count_use(token: ApiToken) -> int:
    """Note that the token was used, and return how often in this minute; one row, true for every process."""
    now = timezone.now()
    minute = int(now.timestamp()) // 60
    row = ApiToken.objects.filter(pk=token.pk)
    again = Case(When(minute=minute, then=F("used") + 1), default=Value(1))
    row.update(used=again, minute=minute, last_used_at=now)
    return row.values_list("used", flat=True).get()


def rotate(token: ApiToken, *, by: User | None) -> tuple[ApiToken, str]:
    """Return the successor of a token with its text; the old one stays valid for seven days at most.

    ValueError with a sentence when it has a successor already, or opens nothing any more.
    """
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().select_related("user").get(pk=token.pk)
        if not is_valid(token):
            raise ValueError(_("This token is no longer valid; make a new one."))
        if token.replaced_by_id:
            raise ValueError(_("This token has a successor already."))
        new, text = _store(token.user, token.scopes, token.name, token.expires_at - token.created_at, by)
        ends = min(token.expires_at, timezone.now() + OVERLAP)
        if not ApiToken.objects.filter(pk=token.pk, replaced_by=None).update(replaced_by=new, expires_at=ends):
            raise ValueError(_("This token has a successor already."))
        audit.record(by, "token.rotated", _subject(token), successor=new.pk)
    return new, text


def revoke(token: ApiToken, *, by: User | None) -> bool:
    """End a token at once; False when it was ended before."""
    with transaction.atomic():
        ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        if ended:
            audit.record(by, "token.revoked", _subject(token))
    return bool(ended)


def flag_exposed(token: ApiToken) -> None:
    """Remember that a token stood in an address; once."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, exposed_at=None).update(exposed_at=timezone.now()):
            audit.record(token.user, "token.exposed", _subject(token))
