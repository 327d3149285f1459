"""A team: the people who share a queue, a territory and working hours."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


def office_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, 9 to 18 o'clock: weekday (0 = Monday) → spans of local time."""
    return {str(day): [["09:00", "18:00"]] for day in range(5)}


class Team(FieldwiseModel):
    class Side(models.TextChoices):
        MARKETING = "marketing", _("Marketing")
        SALES = "sales", _("Sales")

    class Way(models.TextChoices):
        ROUND_ROBIN = "round_robin", _("In turn: whoever has waited longest")
        LEAST_BUSY = "least_busy", _("To whoever has the fewest open leads")
        QUEUE = "queue", _("Into the queue: whoever accepts first")

    name = models.CharField(_("Name"), max_length=120, unique=True)
    side = models.CharField(_("Side"), max_length=12, choices=Side, default=Side.SALES)
    territory = models.JSONField(
        _("Territory"), default=list, blank=True, help_text=_("Country codes, such as DE and AT.")
    )
    working_hours = models.JSONField(_("Working hours"), default=office_hours, blank=True)
    holiday_region = models.CharField(_("Public holidays"), max_length=6, default="DE", blank=True)
    time_zone = models.CharField(_("Time zone"), max_length=60, blank=True)
    half_eves = models.BooleanField(_("24 and 31 December are half days"), default=False)
    own_days = models.JSONField(_("Days of your own"), default=list, blank=True)
    capacity = models.PositiveIntegerField(_("Open leads per person"), default=50)
    way = models.CharField(_("How leads are given out"), max_length=12, choices=Way, default=Way.ROUND_ROBIN)
    response_hours = models.PositiveIntegerField(_("Working hours to answer a handoff"), default=8)
    hours_by_grade = models.JSONField(_("Working hours to answer, by grade"), default=dict, blank=True)
    remind_minutes = models.PositiveIntegerField(_("Reminder, working minutes before"), default=60)
    reassign_hours = models.PositiveIntegerField(_("Re-assign so many working hours after"), null=True, blank=True)
    auto_accept = models.BooleanField(_("Accept handoffs automatically"), default=False)
    uses_checklist = models.BooleanField(_("Ask for the qualification checklist"), default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name
