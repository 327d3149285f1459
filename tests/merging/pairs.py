"""Two people who may be one, and everything that hangs on people as it can be compared."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from django.db import models
from django.db.models import F
from django.utils import timezone

from crm import consents, contacts
from crm.activities import Happening, record_many
from crm.models import (
    Activity,
    ConsentEvent,
    Contact,
    ContactKey,
    LegalBasis,
    PossibleDuplicate,
    ProfileChange,
    ResearchSurge,
    Suppression,
    TrackedId,
)
from leads import lifecycle
from leads.models import (
    CaptureForm,
    Handoff,
    ImportBatch,
    ImportRow,
    Lead,
    Source,
    StageChange,
    Standing,
    Submission,
    Touch,
)
from scoring import drain
from scoring.models import ContactSignals, Score
from tests.cast import Cast, a_lead, accepted, ada, an_mql, next_month, offered, qualified, reason

#: What counts changes, and clocks; what the log of the life cycle grew by.
LOGS = {"version", "updated_at", "scored_at", "seq", "told", "changed_at"}
TABLES = (
    Contact, ContactKey, Activity, ConsentEvent, LegalBasis, TrackedId, Lead, Standing, Handoff, Submission, ImportRow,
    PossibleDuplicate, Suppression, ContactSignals, Score, ResearchSurge,
)  # fmt: skip


def settle() -> None:
    """Let the engine work off all that waits."""
    while drain.drain(seconds=60):
        pass


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row about people, without what counts changes; touches without their own numbers."""
    told = {model.__name__: [_plain(row) for row in model._default_manager.order_by("pk")] for model in TABLES}
    touches = Touch.objects.order_by("lead", "place").values("lead", "place", "activity", "campaign", "source")
    return told | {"Touch": list(touches)}


def _plain(row: Any) -> dict[str, Any]:
    return {
        field.attname: bytes(value) if isinstance(value := getattr(row, field.attname), memoryview) else value
        for field in row._meta.concrete_fields
        if field.attname not in LOGS
    }


def logged() -> dict[str, dict[int, Any]]:
    """Return the rows of the logs by number: an un-merge may add to them, and changes none."""
    models_: tuple[type[models.Model], ...] = (ProfileChange, StageChange)
    return {model.__name__: {row["id"]: row for row in model._default_manager.values()} for model in models_}


KINDS = (
    "white_paper",
    "webinar_attended",
    "pricing_view",
    "page_view",
    "demo_request",
    "email_clicked",
    "call_out",
    "intent",
)
WORDS = ("confirmed", "withdrawn", "objected", "expired", "requested")
STAGES = ("none", "lead", "mql", "offered", "accepted", "qualified", "nurture", "lost", "lost and back")


class Pairs:
    """Makes pairs of contacts at random: what they say of themselves, did, allowed, and how far their leads came."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.cast, self.dice = cast, Random(seed)
        self.batch = ImportBatch.objects.create(file_name="a.csv", file_sha256="", state="done")
        self.form = CaptureForm.objects.create(
            name="Form", slug=f"form-{seed}", kind_id="contact_form", source=Source.objects.get(key="webinar")
        )
        self.count = 0

    def pair(self) -> tuple[Contact, Contact]:
        """Return two contacts that share a name, and leave a third behind who has to do with both."""
        self.count += 1
        one, other = self._person(), self._person()
        stranger = ada(first_name=f"Third{self.count}", email="", phone="")
        referred = a_lead(stranger, owner=self.cast.mia)
        Lead.objects.filter(pk=referred.pk).update(referrer=self.dice.choice([one, other, None]))
        if self.dice.random() < 0.5:
            low, high = sorted((one.pk, stranger.pk))
            PossibleDuplicate.objects.create(low_id=low, high_id=high, dismissed_at=timezone.now())
        return one, other

    def _person(self) -> Contact:
        dice, number = self.dice, self.dice.randrange(10**9)
        contact = ada(
            first_name=f"Ada{self.count}",
            email=dice.choice(["", f"p{number}@acme.example", "info@acme.example"]),
            phone=dice.choice(["", f"+49 30 {1000000 + number % 1000000}", "984XXXXXXX"]),
            job_title=dice.choice(["", "Marketing Manager", "Head of Sales", "Student"]),
            city=dice.choice(["", "Berlin", "Bremen"]), language=dice.choice(["", "de", "en"]),
            custom=dice.choice([{}, {"size": 5}, {"size": 7, "colour": "red"}]),
        )  # fmt: skip
        if dice.random() < 0.5:
            contacts.update_contact(contact, {"city": dice.choice(["Ulm", "Köln"])}, by=self.cast.mia, source="form")
        ContactKey.objects.create(contact=contact, system="erp", key=str(number))
        LegalBasis.objects.create(contact=contact, basis="request", since=timezone.localdate(), source="form")
        TrackedId.objects.create(contact=contact, value=f"device-{number}")
        self._lead(contact)
        self._deeds(contact, f"device-{number}")
        self._words(contact)
        lead = contact.leads.order_by("-episode").first()
        ImportRow.objects.create(
            batch=self.batch, number=ImportRow.objects.count() + 1, outcome="updated", contact=contact, lead=lead
        )
        ImportBatch.objects.filter(pk=self.batch.pk).update(rows=F("rows") + 1, updated=F("updated") + 1)
        Submission.objects.create(
            form=self.form, form_version=1, key=f"{self.form.pk}:{number}", state="discarded", language="de",
            address="", network="", submitted_at=timezone.now(), contact=contact,
        )  # fmt: skip
        if dice.random() < 0.1 and contact.email.startswith("p"):
            consents.suppress(contact.email, "asked")
        return contact

    def _deeds(self, contact: Contact, device: str) -> None:
        dice, now = self.dice, timezone.now()
        record_many(
            Happening(
                contact.pk, dice.choice(KINDS), now - timedelta(days=dice.randrange(60), hours=1),
                {"utm": {"campaign": f"c{dice.randrange(5)}"}, "topic": "CRM"} if dice.random() < 0.3 else {},
                anonymous_id=dice.choice(["", device]),
            )
            for _ in range(dice.randrange(8))
        )  # fmt: skip

    def _words(self, contact: Contact) -> None:
        dice, now = self.dice, timezone.now()
        for _ in range(dice.randrange(4)):
            consents.note(
                contact, dice.choice(WORDS), purpose=dice.choice(["newsletter", "offer", "profiling"]),
                channel=dice.choice(["email", "phone", ""]), source="form",
                at=now - timedelta(days=dice.randrange(900)),
            )  # fmt: skip

    def _lead(self, contact: Contact) -> None:
        wanted, cast = self.dice.choice(STAGES), self.cast
        long_ago = timezone.now() - timedelta(days=self.dice.randrange(70))
        if wanted == "none":
            return
        if wanted == "lead" or not contact.is_reachable:
            a_lead(contact, owner=self.dice.choice([cast.mia, cast.max]), at=long_ago)
            return
        make = {"mql": an_mql, "offered": offered, "accepted": accepted, "qualified": qualified}
        lead = make.get(wanted, an_mql)(cast, contact=contact, at=long_ago)
        if wanted == "nurture":
            lifecycle.advance(lead, "nurture", by=cast.mia, wake_on=next_month())
        elif wanted.startswith("lost"):
            lifecycle.advance(lead, "disqualify", by=cast.mia, reason=reason("disqualify"))
            if wanted.endswith("back"):
                a_lead(contact, owner=cast.max)
