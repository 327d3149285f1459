"""Addresses of scoring."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, register_converter
from django.urls.converters import StringConverter

from scoring.views import backtests, editing, failures, glossary, health, passes, personas, score, trying, versions


class Part(StringConverter):
    """What a scorecard is made of."""

    regex = "criterion|group"


register_converter(Part, "part")

EDIT: list[URLPattern | URLResolver] = [
    path("", editing.page, name="scorecard_edit"),
    path("bars/", editing.bars, name="scorecard_bars"),
    path("criteria/new/", editing.new_criterion, name="criterion_new"),
    path("criteria/<int:row>/", editing.criterion, name="criterion"),
    path("groups/new/", editing.group, name="criterion_group_new"),
    path("groups/<int:row>/", editing.group, name="criterion_group"),
    path("<part:what>/<int:row>/removal/", editing.remove, name="scorecard_remove"),
    path("<part:what>/<int:row>/move/", editing.move, name="scorecard_move"),
]
SCORECARD: list[URLPattern | URLResolver] = [
    path("", versions.version, name="scorecard_version"),
    path("edit/", include(EDIT)),
    path("compare/<int:other>/", versions.compare, name="scorecard_compare"),
    path("drafts/", versions.start, name="scorecard_draft"),
    path("return/", versions.roll_back, name="scorecard_roll_back"),
    path("review/", versions.review, name="scorecard_review"),
    path("taking-back/", versions.take_back, name="scorecard_take_back"),
    path("disposal/", versions.discard, name="scorecard_discard"),
    path("signatures/", versions.sign, name="scorecard_sign"),
    path("publication/", versions.publish, name="scorecard_publish"),
    path("preview/", trying.preview, name="scorecard_preview"),
    path("preview/leads/", trying.twenty, name="scorecard_twenty"),
    path("backtest/", backtests.page, name="scorecard_backtest"),
]
urlpatterns = [
    path("api/v1/", include("scoring.api.urls")),
    path("leads/<int:pk>/score/", score.page, name="lead_score"),
    path("scorecards/", versions.scorecards, name="scorecards"),
    path("scorecards/<int:pk>/", include(SCORECARD)),
    path("scorecards/health/", health.page, name="criteria_health"),
    path("scorecards/passes/", passes.page, name="scoring_passes"),
    path("scorecards/personas/", personas.personas, name="personas"),
    path("scorecards/personas/new/", personas.persona, name="persona_new"),
    path("scorecards/personas/<int:pk>/", personas.persona, name="persona"),
    path("scorecards/personas/<int:pk>/removal/", personas.remove, name="persona_remove"),
    path("settings/failed-scores/", failures.page, name="settings_failed_scores"),
    path("settings/failed-scores/retries/", failures.retry, name="settings_retry_scores"),
    path("settings/failed-scores/retries/<int:pk>/", failures.retry, name="settings_retry_score"),
    path("settings/failed-scores/left-out/<int:pk>/", failures.leave_out, name="settings_leave_score_out"),
    path("glossary/", glossary.terms, name="glossary"),
]
