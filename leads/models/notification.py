"""What a person is told of: a row per person and event, read or not; and by which way each kind reaches them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Role, User, Workspace
from leads.models.lead import Lead


class NotificationKind(models.TextChoices):
    OFFERED = "offered", _("A lead is handed over to me")
    QUEUED = "queued", _("A lead comes into the queue of my team")
    REASSIGNED = "reassigned", _("A lead is re-assigned to me")
    DUE = "due", _("An answer of mine is due soon")
    STEP = "step", _("A next step of mine is due")
    OVERDUE = "overdue", _("A handoff in my team is overdue")
    ACCEPTED = "accepted", _("Sales accepts a lead I handed over")
    SENT_BACK = "sent_back", _("Sales sends a lead back that I handed over")
    CLOSED = "closed", _("A lead I handed over is won or lost")


class Digest(models.Model):
    """One mail a day that tells a person of several things. The row is what keeps it to one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="digests", db_index=False)
    day = models.DateField(help_text="The person's own date.")
    made_at = models.DateTimeField(default=timezone.now)
    told = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="leads_digest_once_a_day")]
        indexes = [models.Index(fields=["day"], name="leads_digest_day")]


class NotificationQuerySet(models.QuerySet["Notification"]):
    def shown_to(self, user: User) -> NotificationQuerySet:
        """What the person may see now: of leads they may read, and no move that can still be undone unseen."""
        mine = self.filter(user=user, shown_from__lte=timezone.now())
        if user.role != Role.SALES_REP or user.reads_everything:
            return mine
        allowed = models.Q(lead__in=Lead.objects.shared_by(user))
        if user.reads_everything is None:  # asked in the same statement, because the frame of a page has only one
            allowed |= models.Q(models.Exists(Workspace.objects.filter(reps_read_everything=True)))
        return mine.filter(allowed)

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at=None)


class Notification(models.Model):
    Kind = NotificationKind

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", db_index=False)
    kind = models.CharField(max_length=12, choices=NotificationKind)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="notifications")
    event = models.CharField(max_length=60, help_text="What happened, such as lead:42:7.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    shown_from = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    for_digest = models.BooleanField(default=False, help_text="Waits for the next daily mail.")

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["user", "event", "kind"], name="leads_notification_once")]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="leads_notification_list"),
            models.Index(fields=["user"], name="leads_notification_unread", condition=models.Q(read_at=None)),
            models.Index(fields=["user"], name="leads_notification_digest", condition=models.Q(for_digest=True)),
            models.Index(fields=["at"], name="leads_notification_age"),
        ]


class MailWish(models.Model):
    """How a person wants to hear of one kind by e-mail, where it differs from the default."""

    class How(models.TextChoices):
        NOW = "now", _("at once")
        DAILY = "daily", _("once a day")
        NEVER = "never", _("no e-mail")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="mail_wishes", db_index=False)
    kind = models.CharField(max_length=12, choices=NotificationKind)
    how = models.CharField(max_length=6, choices=How)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="leads_mailwish_once")]
