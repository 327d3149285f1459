from scoring.models.failure import MOST_TRIES, FailedScore
from scoring.models.look import BacktestRun, Lift, Look, PreviewRun
from scoring.models.persona import Persona
from scoring.models.run import PublishRun
from scoring.models.score import ActiveScoring, Score, ScoreHistory
from scoring.models.scorecard import (
    HORIZON,
    MOST_POINTS,
    Criterion,
    CriterionGroup,
    Dimension,
    Scorecard,
    ScorecardVersion,
    Signature,
)
from scoring.models.signals import ContactSignals, FitPredicate, Matcher, PendingActivity, PendingContact

__all__ = [
    "HORIZON",
    "MOST_POINTS",
    "MOST_TRIES",
    "ActiveScoring",
    "BacktestRun",
    "ContactSignals",
    "Criterion",
    "CriterionGroup",
    "Dimension",
    "FailedScore",
    "FitPredicate",
    "Lift",
    "Look",
    "Matcher",
    "PendingActivity",
    "PendingContact",
    "Persona",
    "PreviewRun",
    "PublishRun",
    "Score",
    "ScoreHistory",
    "Scorecard",
    "ScorecardVersion",
    "Signature",
]
