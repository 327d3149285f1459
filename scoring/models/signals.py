"""What the engine reads instead of the activities: each predicate is answered once and kept packed per contact."""

from __future__ import annotations

from django.db import models

from crm.models import Contact


class Matcher(models.Model):
    """One question about an activity: its kind and what its properties must say. Ids are never reused."""

    id = models.SmallAutoField(primary_key=True)
    hash = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40)
    where = models.JSONField(default=list)
    filled = models.BooleanField(default=False, help_text="Older activities have been answered as well.")


class FitPredicate(models.Model):
    """One question about who somebody is; `bit` is its place in the bitmap of a contact, never reused."""

    bit = models.SmallAutoField(primary_key=True)
    hash = models.CharField(max_length=64, unique=True)
    fact = models.CharField(max_length=80)
    operator = models.CharField(max_length=20)
    value = models.JSONField(null=True)
    filled = models.BooleanField(default=False, help_text="Contacts known before have been asked as well.")


class ContactSignals(models.Model):
    """All that scoring knows of one contact (scoring/packing.py reads the two blobs).

    `lead` is the contact's newest episode, the one that is scored; `counts_from` is that lead's first day.
    """

    contact = models.OneToOneField(Contact, models.CASCADE, primary_key=True, related_name="signals")
    lead_id = models.BigIntegerField(null=True)
    counts_from = models.IntegerField(default=0)
    objected = models.BooleanField(default=False, help_text="Objected to profiling: no score.")
    fit_bits = models.BinaryField(default=b"")
    data = models.BinaryField(default=b"")


class PendingActivity(models.Model):
    """An activity that waits for the drain, written in the transaction that stored it."""

    activity_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()


class PendingContact(models.Model):
    """A contact whose profile, consent or lead changed; with `rebuild` its signals are counted anew."""

    contact_id = models.BigIntegerField(db_index=True)
    rebuild = models.BooleanField(default=False)
