"""How a call can end; kept with the activity as `outcome`."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OUTCOMES: dict[str, Promise] = {
    "reached": _("Spoke with them"),
    "message": _("Left a message"),
    "no_answer": _("No answer"),
    "call_back": _("Asked to be called later"),
    "wrong_number": _("Wrong number"),
}


def words(properties: dict[str, object]) -> str:
    """Return how a call ended as a stored activity says it, or '' where it does not."""
    return str(OUTCOMES.get(str(properties.get("outcome", "")), ""))
