"""Names the admin site of this project; Django reads it before any model is known."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class BatonAdmin(AdminConfig):
    default_site = "crm.admin_site.ReadingRoom"
