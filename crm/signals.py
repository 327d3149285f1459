"""What others may listen to. Every signal is sent inside the transaction that stored the fact."""

from __future__ import annotations

from django.dispatch import Signal

activity_recorded = Signal()  # activities: list[crm.activities.Recorded], new rows; history: bool, told by an import
activities_removed = Signal()  # contact_ids: list[int]: some of their activities are gone: an import was undone
people_identified = Signal()  # found: dict[int, datetime]: contacts tracking has come to know, and when
profile_changed = Signal()  # contact_ids: list[int]: the person or their company changed
contact_merged = Signal()  # kept_id: int, merged_id: int: the merged one is gone, its rows are the kept one's
contact_unmerged = Signal()  # kept_id: int, merged_id: int: both are here again, each with its own rows
contact_erased = Signal()  # contact_id: int
consent_changed = Signal()  # contact_ids: list[int]
