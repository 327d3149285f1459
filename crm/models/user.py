"""A person who works here: signs in by e-mail, has a role and a team."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.team import Team


class Role(models.TextChoices):
    MARKETER = "marketer", _("Marketer")
    SALES_REP = "sales_rep", _("Sales rep")
    SALES_LEAD = "sales_lead", _("Sales lead")
    ADMIN = "admin", _("Admin")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new person; without a password they sign in by the reset link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Return a new admin who may also use /admin/."""
        return self.create_user(email, password, **{"role": Role.ADMIN, "is_superuser": True, **fields})


class User(AbstractBaseUser, PermissionsMixin):
    class Theme(models.TextChoices):
        SYSTEM = "", _("As the system")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Start(models.TextChoices):
        TODAY = "", _("Today")
        MARKETING = "marketing_board", _("Marketing board")
        SALES = "sales_board", _("Sales board")
        CONTACTS = "contacts", _("Contacts")

    email = models.EmailField(_("E-mail"), unique=True)
    name = models.CharField(_("Name"), max_length=120)
    role = models.CharField(_("Role"), max_length=12, choices=Role, default=Role.SALES_REP)
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="members", verbose_name=_("Team")
    )
    capacity = models.PositiveIntegerField(_("Open leads at most"), null=True, blank=True)
    language = models.CharField(_("Language"), max_length=5, choices=settings.LANGUAGES, default="en")
    time_zone = models.CharField(_("Time zone"), max_length=60, blank=True)
    signs_for_marketing = models.BooleanField(_("Signs scorecards for marketing"), default=False)
    signs_for_sales = models.BooleanField(_("Signs scorecards for sales"), default=False)
    theme = models.CharField(_("Colours"), max_length=5, choices=Theme, blank=True, default="")
    density = models.CharField(
        _("Density"), max_length=8, choices=[("", _("Normal")), ("compact", _("Compact"))], blank=True
    )
    shortcuts = models.BooleanField(_("Single-key shortcuts"), default=True)
    start_page = models.CharField(
        _("First page after signing in"), max_length=20, choices=Start, blank=True, default=""
    )
    board_scope = models.CharField(max_length=5, default="", blank=True)
    is_demo = models.BooleanField(default=False)
    is_active = models.BooleanField(_("May sign in"), default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    #: What the workspace allows reps, where the session has just read it; for one request, never stored.
    reads_everything: bool | None = None
    exports: bool | None = None

    objects = UserManager()
    USERNAME_FIELD = EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def initials(self) -> str:
        parts = (self.name or self.email).split()
        return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper()

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone or settings.TIME_ZONE)
