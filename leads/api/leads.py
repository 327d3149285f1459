"""Leads: read, opened for a person, their facts changed. Stages are moved in leads/api/moves.py."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from crm.api import contacts as people
from crm.api import stale
from crm.api.contacts import ContactNew
from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Day, Id, Instant, Money, Strict, Text, Whole
from crm.api.listing import ChoiceFilter, DayFilter, Filters, IdFilter, InstantFilter, TextFilter, listed
from crm.api.problems import Problem
from crm.models import Contact, LegalBasis, User
from leads import adding, capture, editing, lifecycle, rights
from leads.models import Lead, Source
from leads.reports.period import midnight
from leads.stages import Lane, Stage


class LeadShown(serializers.ModelSerializer):
    version = serializers.IntegerField(source="revision", help_text="Grows with every move and every change.")
    contact_id = serializers.IntegerField()
    owner_id = serializers.IntegerField(allow_null=True)
    team_id = serializers.IntegerField(allow_null=True)
    lane = serializers.ChoiceField(Lane.choices, source="standing.lane")
    score = serializers.IntegerField(source="standing.score", allow_null=True)
    grade = serializers.CharField(source="standing.grade", allow_blank=True)
    source = serializers.CharField(source="source.key", default=None, allow_null=True)
    entered_at, stage_since, changed_at, created_at = Instant(), Instant(), Instant(), Instant()

    class Meta:
        model = Lead
        fields = [
            "id", "version", "contact_id", "episode", "stage", "lane", "score", "grade", "owner_id", "team_id",
            "source", "source_detail", "amount", "currency", "next_step", "next_step_on", "wake_on", "closed_on",
            "round", "entered_at", "stage_since", "changed_at", "created_at",
        ]  # fmt: skip
        extra_kwargs = {name: {"required": True} for name in fields}


class LeadWithMoves(LeadShown):
    allowed = serializers.ListField(child=serializers.CharField(), help_text="Verbs you may use on it now.")

    class Meta(LeadShown.Meta):
        fields = [*LeadShown.Meta.fields, "allowed"]


ONE_DAY = timedelta(days=1)
READ_ONLY = tuple(LeadWithMoves.Meta.fields)


class LeadNew(Strict):
    """Of somebody known (`contact_id`) or new (`contact`); one of the two."""

    shown = READ_ONLY

    contact_id = Id(required=False)
    contact = ContactNew(required=False)
    company = Text(max_length=200, required=False, help_text="By name, for a new contact; found or added.")
    basis = serializers.ChoiceField(
        [choice for choice in LegalBasis.Basis.values if choice != "unknown"], required=False,
        help_text="Legal basis for a new contact.",
    )  # fmt: skip
    source = Text(max_length=60, help_text="A key from Settings, Sources.")
    source_detail = Text(max_length=200, required=False, allow_blank=True)


class LeadChange(Strict):
    version = Whole(min_value=0, max_value=2**31 - 1, help_text="The version you have read.")
    next_step = Text(max_length=200, required=False, allow_blank=True)
    next_step_on = Day(required=False, allow_null=True)
    source = Text(max_length=60, required=False)
    source_detail = Text(max_length=200, required=False, allow_blank=True)
    amount = Money(required=False, allow_null=True)
    currency = serializers.ChoiceField(["EUR", "CHF", "GBP", "USD"], required=False)

    shown = READ_ONLY


class LeadFilters(Filters):
    stage = ChoiceFilter(field_name="stage", choices=Stage.choices, label="Stage.")
    lane = ChoiceFilter(field_name="standing__lane", choices=Lane.choices, label="Lane of the boards.")
    owner = IdFilter("owner_id", label="Number of the owner.")
    team = IdFilter("team_id", label="Number of the team.")
    contact = IdFilter("contact_id", label="Number of the contact.")
    source = TextFilter("source__key", label="Key of the source.")
    since = DayFilter(method="entered_from", label="Entered on this day or later.")
    until = DayFilter(method="entered_to", label="Entered on this day or earlier.")
    changed_since = InstantFilter("changed_at", label="Moved or changed at this moment or later.")

    def entered_from(self, rows: Any, name: str, value: Any) -> Any:
        return rows.filter(entered_at__gte=midnight(value))

    def entered_to(self, rows: Any, name: str, value: Any) -> Any:
        return rows.filter(entered_at__lt=midnight(value + ONE_DAY))


def find(request: Any, pk: int) -> Lead:
    """Return the lead, if this person may see it."""
    return get_object_or_404(Lead.objects.visible_to(request.user).with_people(), pk=pk)


def shown(lead: Lead, by: User) -> dict[str, Any]:
    """Return the lead as it is now, with the verbs `by` may use."""
    lead = Lead.objects.with_people().get(pk=lead.pk)
    lead.allowed = lifecycle.allowed(lead, by)  # type: ignore[attr-defined]
    return dict(LeadWithMoves(lead).data)


@described("GET", "List leads", name="leads_list", answer=page_of(LeadShown), filters=LeadFilters)
@described(
    "POST", "Open a lead", name="leads_create", status=201, answer=LeadWithMoves, body=LeadNew,
    examples={
        "Somebody new": {"contact": people.EXAMPLE, "company": "Acme GmbH", "source": "webinar"},
        "Somebody known": {"contact_id": 1, "source": "webinar"},
    },
    about="A new lead belongs to whose token opened it. 409 when the contact has an open lead, or is somebody known.",
)  # fmt: skip
@endpoint(get="leads:read", post="leads:write")
def collection(request: Any) -> Response:
    if request.method == "GET":
        return listed(request, Lead.objects.visible_to(request.user).with_people(), LeadFilters, LeadShown)
    sent = LeadNew(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    if ("contact" in values) == ("contact_id" in values):
        raise serializers.ValidationError({"contact": _("Name either contact_id or contact.")})
    return Response(shown(_opened(values, request.user), request.user), status=201)


def _opened(values: dict[str, Any], by: User) -> Lead:
    about = {"source": source_by_key(values["source"]), "source_detail": values.get("source_detail", "")}
    if "contact" in values:
        people.refuse_known(values["contact"], by)
        people.check_company(values["contact"], by)
        people.refuse_nobody(values["contact"], "contact.")
        company, basis = values.get("company", ""), values.get("basis", "")
        return adding.add(values["contact"], by=by, token=uuid.uuid4().hex, company=company, basis=basis, **about)
    contact = Contact.objects.visible_to(by).filter(pk=values["contact_id"]).first()
    if contact is None:
        raise serializers.ValidationError({"contact_id": _("There is no such contact.")})
    try:
        return adding.add_for(contact, by=by, **about)
    except capture.AlreadyOpen as error:
        seen = Lead.objects.visible_to(by).filter(pk=error.lead.pk).exists()
        more = {"id": error.lead.pk} if seen else {}
        raise Problem(409, _("This contact has an open lead."), code="exists", **more) from error


def source_by_key(key: str) -> Source:
    """Return the source that is offered under this key; ValidationError names the keys there are."""
    source = Source.objects.filter(key=key, active=True).first()
    if source is None:
        keys = ", ".join(Source.objects.filter(active=True).values_list("key", flat=True))
        raise serializers.ValidationError(
            {"source": _("There is no such source. There are: %(keys)s.") % {"keys": keys}}
        )
    return source


@described("GET", "Read a lead", name="leads_read", answer=LeadWithMoves, noes=(404,))
@described(
    "PATCH", "Change the facts of a lead", name="leads_update", answer=LeadWithMoves, body=LeadChange, noes=(404,),
    examples={"Next step": {"version": 3, "next_step": "Call about the offer", "next_step_on": "2026-05-04"}},
    about="Stage, owner and score are read-only here: `POST …/moves/` moves a lead, the scorecard scores it.",
)  # fmt: skip
@endpoint(get="leads:read", patch="leads:write")
def one(request: Any, pk: int) -> Response:
    lead = find(request, pk)
    if request.method == "GET":
        return Response(shown(lead, request.user))
    if not rights.may_edit(request.user, lead):
        raise PermissionDenied(rights.who_may_edit(lead))
    sent = LeadChange(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    version = values.pop("version")
    if "source" in values:
        values["source_id"] = source_by_key(values.pop("source")).pk
    if values.get("next_step_on") and not values.get("next_step", lead.next_step):
        raise serializers.ValidationError({"next_step": _("Say what is to be done on that day.")})
    try:
        editing.change(lead, values, revision=version, by=request.user)
    except editing.Stale as error:
        raise stale.conflict(error.current.revision, error.by, values, error.current) from error
    return Response(shown(lead, request.user))
