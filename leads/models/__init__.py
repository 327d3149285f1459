from leads.models.agreement import Agreement
from leads.models.assignment import AssignmentRule, Rota, Seat
from leads.models.campaign import Campaign
from leads.models.capture_form import (
    OPEN_STATES,
    REQUESTS,
    SIGN_UPS,
    CaptureForm,
    GatedFile,
    PrizeDraw,
    PrizeEntry,
    Submission,
)
from leads.models.feedback import Feedback
from leads.models.handoff import Handoff
from leads.models.import_batch import ImportBatch, ImportRow, MappingTemplate
from leads.models.lead import Lead, Move
from leads.models.managed import Reason, Source
from leads.models.milestones import Milestones
from leads.models.notification import Digest, MailWish, Notification
from leads.models.nurturing import NurtureContent, NurtureTopic, Nurturing, Phase
from leads.models.qualification import Checklist, Finding
from leads.models.sla_event import SlaEvent
from leads.models.spend import Spend
from leads.models.stage_change import Remark, StageChange
from leads.models.standing import NO_RANK, Standing
from leads.models.step import Step
from leads.models.touch import Touch

__all__ = [
    "NO_RANK",
    "OPEN_STATES",
    "REQUESTS",
    "SIGN_UPS",
    "Agreement",
    "AssignmentRule",
    "Campaign",
    "CaptureForm",
    "Checklist",
    "Digest",
    "Feedback",
    "Finding",
    "GatedFile",
    "Handoff",
    "ImportBatch",
    "ImportRow",
    "Lead",
    "MailWish",
    "MappingTemplate",
    "Milestones",
    "Move",
    "Notification",
    "NurtureContent",
    "NurtureTopic",
    "Nurturing",
    "Phase",
    "PrizeDraw",
    "PrizeEntry",
    "Reason",
    "Remark",
    "Rota",
    "Seat",
    "SlaEvent",
    "Source",
    "Spend",
    "StageChange",
    "Standing",
    "Step",
    "Submission",
    "Touch",
]
