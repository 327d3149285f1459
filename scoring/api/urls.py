"""Addresses of the API about scores."""

from __future__ import annotations

from django.urls import path

from scoring.api import scorecards, scores

urlpatterns = [
    path("leads/<int:pk>/score/", scores.score, name="api_lead_score"),
    path("scorecards/", scorecards.collection, name="api_scorecards"),
    path("scorecards/<int:pk>/", scorecards.one, name="api_scorecard"),
]
