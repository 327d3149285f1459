"""People, contacts and what happened to them, to look up under /admin/."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from crm.admin_site import ReadOnly
from crm.models import (
    Activity,
    ActivityKind,
    ApiToken,
    AuditEntry,
    Company,
    ConsentEvent,
    Contact,
    OutboxMessage,
    ProfileChange,
    Team,
    User,
    Workspace,
)


@admin.register(User)
class UserAdmin(ReadOnly):
    list_display = ["name", "email", "role", "team", "is_active"]
    list_select_related = ["team"]
    search_fields = ["name", "email"]
    exclude = ["password", "user_permissions", "groups"]


@admin.register(Team)
class TeamAdmin(ReadOnly):
    list_display = ["name", "side", "capacity", "response_hours"]


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnly):
    list_display = ["name", "time_zone", "language", "currency"]


@admin.register(ActivityKind)
class ActivityKindAdmin(ReadOnly):
    list_display = ["key", "label", "group", "inbound", "shipped"]
    ordering = ["key"]


@admin.register(Company)
class CompanyAdmin(ReadOnly):
    list_display = ["name", "domain", "city", "country"]
    search_fields = ["name_key__startswith"]


@admin.register(Contact)
class ContactAdmin(ReadOnly):
    list_display = ["name", "email", "company"]
    list_select_related = ["company"]
    search_fields = ["name_key__startswith", "email_key__startswith"]
    raw_id_fields = ["company"]


@admin.register(Activity)
class ActivityAdmin(ReadOnly):
    list_display = ["id", "kind", "occurred_at", "feed"]
    list_select_related = ["kind"]
    ordering = ["-id"]


@admin.register(ProfileChange, ConsentEvent)
class LogAdmin(ReadOnly):
    list_display = ["id", "contact", "at", "source"]
    list_select_related = ["contact"]
    ordering = ["-id"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ["id", "at", "actor", "action", "object"]
    list_select_related = ["actor"]
    ordering = ["-id"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly):
    list_display = ["key", "channel", "topic", "state", "attempts", "created_at"]
    list_filter = ["state", "channel"]
    ordering = ["-id"]

    def get_exclude(self, request: HttpRequest, obj: object = None) -> list[str]:
        """Leave out the text: it may hold a link that lets somebody in."""
        return ["payload"]


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    list_display = ["prefix", "user", "name", "expires_at", "last_used_at", "revoked_at"]
    list_select_related = ["user"]
    ordering = ["-id"]
    exclude = ["digest"]
