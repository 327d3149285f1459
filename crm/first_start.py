"""The first start of an empty installation: one workspace, two teams, one admin. It happens once."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from crm import audit, workdays
from crm.models import Role, Team, User, Workspace


class AlreadySetUp(Exception):
    """Somebody is there already; nothing was written."""


@dataclass(frozen=True)
class Beginning:
    """What the set-up page asks for."""

    workspace: str
    name: str
    email: str
    password: str
    time_zone: str
    language: str


def is_empty() -> bool:
    """Whether nobody works here yet."""
    return not User.objects.exists()


def begin(first: Beginning) -> User:
    """Name the workspace, fix its time zone, add a marketing and a sales team, and return the one admin.

    Whoever comes second, even at the same moment, meets AlreadySetUp: the workspace's row is locked.
    """
    with transaction.atomic(), translation.override(first.language):
        workspace, _made = Workspace.objects.select_for_update().get_or_create(pk=1)
        if not is_empty():
            raise AlreadySetUp
        workspace.name, workspace.time_zone, workspace.language = first.workspace, first.time_zone, first.language
        workspace.save(update_fields=["name", "time_zone", "language"])
        Team.objects.create(name=_("Marketing"), side=Team.Side.MARKETING)
        Team.objects.create(name=_("Sales"), side=Team.Side.SALES)
        admin = User.objects.create_user(
            first.email, first.password, name=first.name, role=Role.ADMIN, language=first.language,
            signs_for_marketing=True, signs_for_sales=True,
        )  # fmt: skip
        audit.record(admin, "workspace.begun", "workspace:1", time_zone=first.time_zone, language=first.language)
    workdays.forget_zone()
    return admin
