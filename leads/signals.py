"""What others may listen to. Every signal is sent inside the transaction that stored the fact."""

from __future__ import annotations

from django.dispatch import Signal

leads_opened = Signal()  # lead_ids: list[int]: a new episode began
lead_moved = Signal()  # lead: Lead, change: StageChange
round_opened = Signal()  # lead: Lead: it may become MQL (again)
