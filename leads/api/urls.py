"""Addresses of the API about what happens to people."""

from __future__ import annotations

from django.urls import path

from leads.api import campaigns, forms, handoffs, leads, moves, reports

urlpatterns = [
    path("leads/", leads.collection, name="api_leads"),
    path("leads/<int:pk>/", leads.one, name="api_lead"),
    path("leads/<int:pk>/moves/", moves.collection, name="api_lead_moves"),
    path("handoffs/", handoffs.collection, name="api_handoffs"),
    path("handoffs/<int:pk>/", handoffs.one, name="api_handoff"),
    path("campaigns/", campaigns.collection, name="api_campaigns"),
    path("campaigns/<int:pk>/", campaigns.one, name="api_campaign"),
    path("forms/", forms.collection, name="api_forms"),
    path("forms/<int:pk>/", forms.one, name="api_form"),
    path("reports/", reports.collection, name="api_reports"),
    path("reports/funnel/", reports.funnel, name="api_report_funnel"),
]
