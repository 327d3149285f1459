"""The words of consent, by version: forms show the newest, proofs keep the ones that were shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as shipped
from django.utils.translation import override

from crm import audit
from crm.models import ConsentText, User

#: purpose, channel, words in English; each is shipped in every language as version 1.
SHIPPED: tuple[tuple[str, str, str], ...] = (
    ("newsletter", "email", shipped("Yes, send me the newsletter by e-mail.")),
    ("offer", "email", shipped("Yes, you may write to me by e-mail about offers that fit.")),
    ("offer", "phone", shipped("Yes, you may call me about offers that fit.")),
    ("profiling", "", shipped("Yes, use what I read and click to choose what you send me.")),
)
LANGUAGES = ("en", "de")


def sha256(body: str) -> str:
    """Return the fingerprint under which a proof names its words."""
    return hashlib.sha256(body.encode()).hexdigest()


def newest(keys: Iterable[str], language: str) -> list[ConsentText]:
    """Return the newest text of each key such as 'newsletter:email' in `language`, in the order of the keys.

    A key without words in this language is left out.
    """
    wanted = list(keys)
    found: dict[str, ConsentText] = {}
    for text in ConsentText.objects.filter(language=language).order_by("version"):
        found[text.key] = text
    return [found[key] for key in wanted if key in found]


def publish(*, purpose: str, channel: str, language: str, body: str, by: User) -> ConsentText:
    """Store `body` as the next version; the present one is returned when the words are the same."""
    with transaction.atomic():
        same = ConsentText.objects.filter(purpose=purpose, channel=channel, language=language)
        current = same.order_by("-version").first()
        if current and current.body == body:
            return current
        last = same.aggregate(last=Max("version"))["last"] or 0
        text = ConsentText.objects.create(
            purpose=purpose, channel=channel, language=language, version=last + 1, body=body, sha256=sha256(body),
            created_by=by,
        )  # fmt: skip
        audit.record(by, "consent_text.published", f"consent_text:{text.pk}", version=text.version)
    return text


def evidence(text: ConsentText) -> dict[str, Any]:
    """Return the words as a proof keeps them: snapshot, version and fingerprint."""
    return {"text": text.body, "text_version": text.version, "text_sha256": text.sha256, "language": text.language}


def ship() -> None:
    """Add version 1 of the shipped texts where a purpose, channel and language has none."""
    known = set(ConsentText.objects.values_list("purpose", "channel", "language"))
    missing = []
    for language in LANGUAGES:
        with override(language):
            for purpose, channel, words in SHIPPED:
                if (purpose, channel, language) not in known:
                    body = _(words)
                    missing.append(
                        ConsentText(purpose=purpose, channel=channel, language=language, version=1, body=body,
                                    sha256=sha256(body))
                    )  # fmt: skip
    ConsentText.objects.bulk_create(missing)
