"""A discovery call: what was said, how it ended, what it brought on each topic, what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from crm import activities
from crm.models import User
from crm.workdays import local_date
from leads import qualification, steps
from leads.models import Lead


@dataclass(frozen=True)
class Answer:
    """What the call brought on one topic of the checklist."""

    topic: str
    status: str
    evidence: str = ""


@transaction.atomic
def log(
    lead: Lead, kind: str, *, token: str, by: User, properties: Mapping[str, Any], answers: Sequence[Answer] = (),
    step: tuple[str, date | None] | None = None,
) -> bool:  # fmt: skip
    """Record one call with its answers and the step that follows; all of it or nothing, and once per `token`.

    `properties` are text, minutes and outcome, where given; `step` is what is to be done next and on which day. Return
    whether it was new. Raises ValueError for a topic the checklist does not have.
    """
    call = activities.record(lead.contact, kind, by=by, properties=dict(properties), feed="baton", message_id=token)
    if call is None:
        return False
    for answer in answers:
        qualification.note_finding(
            lead, answer.topic, answer.status, evidence=answer.evidence, dated_on=local_date(), by=by
        )
    if step and step[0]:
        steps.add(lead, {"what": step[0], "due_on": step[1]}, by=by)
    return True
