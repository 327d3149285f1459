"""How people like their lists: views kept under a name, and each person's columns and first view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel

if TYPE_CHECKING:
    from crm.models.user import User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> SavedViewQuerySet:
        """One's own views, and those that others share."""
        return self.filter(models.Q(owner=user) | models.Q(shared=True))


class SavedView(FieldwiseModel):
    """What a list was asked (filters, order, columns), under a name."""

    kind = models.CharField(max_length=20, editable=False)
    name = models.CharField(_("Name"), max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", editable=False)
    shared = models.BooleanField(_("Everybody may use it"), default=False)
    query = models.TextField(editable=False, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "kind", "name"], name="crm_savedview_name")]
        indexes = [models.Index(fields=["kind", "name", "id"], name="crm_savedview_list")]

    def __str__(self) -> str:
        return self.name


class ListPreference(FieldwiseModel):
    """The columns one person wants in a list, and the view it opens with."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    columns = models.JSONField(default=list)
    view = models.ForeignKey(SavedView, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="crm_listpreference_once")]
