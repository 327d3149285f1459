from crm.models.absence import Absence
from crm.models.activity import Activity, ActivityKind
from crm.models.api_token import ApiToken, KeptReply
from crm.models.audit import AuditEntry, AuditSeal
from crm.models.company import Company, CompanyKey
from crm.models.consent import Channel, ConsentEvent, ConsentText, LegalBasis, Purpose, Suppression
from crm.models.contact import Contact, ContactKey, ProfileChange, ResearchSurge
from crm.models.list_job import ListJob, ListJobRow, ListSelection
from crm.models.listed import ListPreference, SavedView
from crm.models.mail_recipient import MailRecipient
from crm.models.merge import ContactMerge, DuplicateSearch, PossibleDuplicate
from crm.models.outbox import OutboxMessage
from crm.models.session import RateLimitEntry, Session
from crm.models.team import Team
from crm.models.tracking import TrackedId, TrackingReceipt, TrackingRule, WriteKey
from crm.models.user import Role, User
from crm.models.webhook import Disclosure, WebhookAttempt, WebhookEndpoint
from crm.models.workspace import DeletionGate, Heartbeat, Workspace

__all__ = [
    "Absence",
    "Activity",
    "ActivityKind",
    "ApiToken",
    "AuditEntry",
    "AuditSeal",
    "Channel",
    "Company",
    "CompanyKey",
    "ConsentEvent",
    "ConsentText",
    "Contact",
    "ContactKey",
    "ContactMerge",
    "DeletionGate",
    "Disclosure",
    "DuplicateSearch",
    "Heartbeat",
    "KeptReply",
    "LegalBasis",
    "ListJob",
    "ListJobRow",
    "ListPreference",
    "ListSelection",
    "MailRecipient",
    "OutboxMessage",
    "PossibleDuplicate",
    "ProfileChange",
    "Purpose",
    "RateLimitEntry",
    "ResearchSurge",
    "Role",
    "SavedView",
    "Session",
    "Suppression",
    "Team",
    "TrackedId",
    "TrackingReceipt",
    "TrackingRule",
    "User",
    "WebhookAttempt",
    "WebhookEndpoint",
    "Workspace",
    "WriteKey",
]
