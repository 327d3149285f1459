"""What scoring adds to the settings: the page of failed scores, and its line on the health page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm import settings_catalogue
from crm.settings_catalogue import SYSTEM, Place
from scoring.models import FailedScore


def register() -> None:
    """Add our page and our line of health."""
    from crm.views.settings import health

    settings_catalogue.PLACES.append(
        Place("settings_failed_scores", _("Failed scores"), _("Who could not be scored, and why"), "list-x", SYSTEM, 75)
    )
    health.PARTS.append((_("Scores"), _scores))


def _scores() -> tuple[str, str]:
    """Return colour and sentence: red when somebody was given up, yellow while somebody is tried again."""
    rows = FailedScore.objects.filter(left_out=False)
    given_up, trying = rows.filter(next_try_at=None).count(), rows.exclude(next_try_at=None).count()
    if given_up:
        words = ngettext(
            "%(n)d person could not be scored. See Failed scores.",
            "%(n)d people could not be scored. See Failed scores.", given_up,
        )  # fmt: skip
        return "red", words % {"n": given_up}
    if trying:
        words = ngettext(
            "%(n)d person is tried again. See Failed scores.", "%(n)d people are tried again. See Failed scores.",
            trying,
        )  # fmt: skip
        return "yellow", words % {"n": trying}
    return "green", str(_("Everybody could be scored."))
