"""The daily mail: in the morning of each person's own time zone, once a day, even if the worker was away till noon."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import ngettext

from crm import outbox
from crm.models import User
from crm.workdays import workspace_zone
from leads import notifications
from leads.models import Digest, Notification

MORNING = time(7)
MOST = 50  # so many are named in one mail; the list has them all
KEPT = timedelta(days=60)


def send_due() -> int:
    """Put the daily mail of everybody whose morning has come into the outbox; return how many there were."""
    now = timezone.now()
    waiting = Notification.objects.filter(for_digest=True, read_at=None, shown_from__lte=now)
    people = User.objects.filter(pk__in=waiting.values("user"), is_active=True).order_by("pk")
    return sum(_send(one, now) for one in people)


def zone_of(user: User) -> zoneinfo.ZoneInfo:
    return user.zone if user.time_zone else workspace_zone()


def _send(user: User, now: datetime) -> bool:
    """Send what had happened by this morning. The row of the day, unique per person, keeps it to one mail."""
    zone = zone_of(user)
    today = now.astimezone(zone).date()
    morning = datetime.combine(today, MORNING, zone)
    if now < morning:
        return False
    with transaction.atomic():
        rows = Notification.objects.shown_to(user).unread().filter(for_digest=True, shown_from__lt=morning)
        told = list(rows.select_related("by").order_by("-at", "-pk"))
        if not told:
            return False
        digest, is_first = Digest.objects.get_or_create(user=user, day=today, defaults={"told": len(told)})
        if not is_first:
            return False
        Notification.objects.filter(pk__in=[one.pk for one in told]).update(for_digest=False)
        outbox.put("mail", "lead.digest", _mail(user, told, zone), subject=f"digest:{digest.pk}")
    return True


def _mail(user: User, told: list[Notification], zone: zoneinfo.ZoneInfo) -> dict[str, Any]:
    """Return the mail: what happened and the way to each lead, in the reader's language; it names no lead."""
    with translation.override(user.language), timezone.override(zone):
        count = len(told)
        subject = ngettext(
            "%(count)d thing happened with your leads", "%(count)d things happened with your leads", count
        )
        lines = [
            {
                "title": notifications.title(one.kind, one.by),
                "at": date_format(timezone.localtime(one.at), "SHORT_DATETIME_FORMAT"),
                "address": notifications.address_of(one.lead_id),
            }
            for one in told[:MOST]
        ]
        words = {
            "title": subject % {"count": count}, "lines": lines, "more": max(0, count - MOST),
            "list": notifications.list_address(), "wishes": notifications.wishes_address(), "language": user.language,
        }  # fmt: skip
        body = render_to_string("mail/digest.txt", words).strip()
        return {
            "to": [user.email], "subject": words["title"], "body": body,
            "html": render_to_string("mail/told.html", words),
        }  # fmt: skip


def forget_old() -> int:
    """Delete the rows of mails sent two months ago."""
    return Digest.objects.filter(day__lt=timezone.now().date() - KEPT).delete()[0]
