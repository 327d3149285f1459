"""How sure a share is, as criteria are judged: `crm.intervals`, with the fewest cases that say something."""

from __future__ import annotations

from crm.intervals import FEWEST, Share, wilson

__all__ = ["FEWEST", "Share", "wilson"]
