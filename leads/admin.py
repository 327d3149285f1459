"""Leads and their log, to look up under /admin/. The stage is moved through the door only."""

from __future__ import annotations

from django.contrib import admin

from crm.admin_site import ReadOnly
from leads.models import Campaign, Checklist, Finding, Handoff, ImportBatch, Lead, Reason, Source, StageChange, Standing


@admin.register(Lead)
class LeadAdmin(ReadOnly):
    list_display = ["id", "contact", "stage", "version", "owner", "team", "entered_at"]
    list_select_related = ["contact", "owner", "team"]
    list_filter = ["stage"]
    ordering = ["-id"]


@admin.register(StageChange)
class StageChangeAdmin(ReadOnly):
    list_display = ["lead_id", "seq", "verb", "from_stage", "to_stage", "at", "actor", "by"]
    list_select_related = ["by"]
    ordering = ["-id"]


@admin.register(Standing)
class StandingAdmin(ReadOnly):
    list_display = ["lead_id", "lane", "score", "grade", "rank"]
    ordering = ["-lead_id"]


@admin.register(Handoff)
class HandoffAdmin(ReadOnly):
    list_display = ["id", "lead_id", "offered_at", "assignee", "team", "due_at", "outcome"]
    list_select_related = ["assignee", "team"]
    ordering = ["-id"]


@admin.register(Finding)
class FindingAdmin(ReadOnly):
    list_display = ["id", "lead_id", "dimension", "status", "dated_on", "author"]
    list_select_related = ["author"]
    ordering = ["-id"]


@admin.register(Source)
class SourceAdmin(ReadOnly):
    list_display = ["key", "label", "kind", "active", "shipped"]


@admin.register(Reason)
class ReasonAdmin(ReadOnly):
    list_display = ["kind", "key", "label", "active", "shipped"]


@admin.register(Checklist)
class ChecklistAdmin(ReadOnly):
    list_display = ["framework", "must_confirm", "max_age_days"]


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnly):
    list_display = ["id", "file_name", "state", "rows", "created", "updated", "failed"]
    ordering = ["-id"]


@admin.register(Campaign)
class CampaignAdmin(ReadOnly):
    list_display = ["key", "name", "channel", "starts_on", "ends_on", "owner"]
    list_select_related = ["owner"]
    ordering = ["-id"]
