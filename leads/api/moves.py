"""Moving a lead: every move passes the one door, and a refusal is answered in one place."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.described import NoFilters, described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import LARGEST_ID, Day, Instant, Money, Strict, Text, Whole
from crm.api.listing import listed
from crm.api.problems import Problem
from crm.models import Team, User
from leads import assignment, lifecycle
from leads.api.leads import LeadWithMoves, find, shown
from leads.lifecycle import Refused
from leads.models import Lead, Reason, StageChange
from leads.stages import NOT_FOR_PEOPLE, Verb

NEVER = -1  # a version no lead has
TO_SOMEBODY = (Verb.HAND_OFF, Verb.REASSIGN)
BY_PEOPLE = [verb for verb in Verb.values if verb not in NOT_FOR_PEOPLE]


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 1, "maximum": LARGEST_ID},
            {"type": "string", "minLength": 1, "maxLength": 254},
        ]
    }
)
class Named(serializers.Field):
    """A row by its number, or by what people call it."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, (int, str)):
            raise serializers.ValidationError(_("Write a number or a text."))
        if isinstance(data, int) and not 1 <= data <= LARGEST_ID:
            raise serializers.ValidationError(_("There is no such number."))
        if isinstance(data, str) and not 1 <= len(data) <= 254:
            raise serializers.ValidationError(_("Write 1 to 254 characters."))
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class MoveBody(Strict):
    """What a verb needs beside its version says the refusal that lacks it."""

    verb = serializers.ChoiceField(BY_PEOPLE)
    version = Whole(min_value=0, max_value=2**31 - 1, help_text="The version you have read.")
    reason = Text(max_length=60, required=False, help_text="Key from Settings, Reasons, of this verb.")
    note = Text(max_length=2000, required=False, allow_blank=True)
    assignee = Named(required=False, help_text="A person in sales: number or e-mail address.")
    team = Named(required=False, help_text="A team in sales: number or name.")
    by_rules = serializers.BooleanField(
        required=False, help_text="In place of assignee and team: whom the assignment rules name (hand_off, reassign)."
    )
    wake_on = Day(required=False)
    amount = Money(required=False)
    currency = Text(required=False, max_length=3, min_length=3)
    date = Day(required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given.get("by_rules"):
            return given
        if given["verb"] not in TO_SOMEBODY:
            raise serializers.ValidationError({"by_rules": _("This move gives the lead to nobody.")})
        if "assignee" in given or "team" in given:
            raise serializers.ValidationError({"by_rules": _("The rules name one, or you do; not both.")})
        return given


class StageChangeShown(serializers.ModelSerializer):
    """One row of the log, which is never changed."""

    by_id = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(source="reason.key", default=None, allow_null=True)
    at = Instant()

    class Meta:
        model = StageChange
        fields = ["id", "seq", "verb", "from_stage", "to_stage", "at", "actor", "by_id", "reason", "score", "grade"]
        extra_kwargs = {name: {"required": True} for name in fields}


@described(
    "GET",
    "The log of a lead",
    name="leads_moves_list",
    answer=page_of(StageChangeShown),
    filters=NoFilters,
    noes=(404,),
)
@described(
    "POST", "Move a lead", name="leads_move", answer=LeadWithMoves, body=MoveBody, noes=(404,),
    examples={
        "Accept": {"verb": "accept", "version": 2},
        "Hand over": {"verb": "hand_off", "version": 1, "assignee": "sam@example.com", "note": "Asked for prices."},
        "Hand over by the rules": {"verb": "hand_off", "version": 1, "by_rules": True},
        "Won": {"verb": "win", "version": 5, "amount": "12000.00", "date": "2026-05-01"},
    },
    about="409 with `code` stale, incomplete or refused and the verbs `allowed` now; the row is unchanged then.",
)  # fmt: skip
@endpoint(get="leads:read", post="leads:move")
def collection(request: Any, pk: int) -> Response:
    lead = find(request, pk)
    if request.method == "GET":
        return listed(request, lead.changes.select_related("reason"), NoFilters, StageChangeShown)
    sent = MoveBody(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    verb, version = values.pop("verb"), values.pop("version")
    by_rules = values.pop("by_rules", False)
    try:
        with transaction.atomic():
            details = _details(verb, values) | (assignment.by_the_rules(lead, verb) if by_rules else {})
            lifecycle.advance(lead, verb, by=request.user, version=_seen(lead, version), **details)
    except Refused as refused:
        raise refusal(refused, request.user) from refused
    except assignment.NobodyInSales as error:
        raise refusal(nobody(lead, verb), request.user) from error
    return Response(shown(lead, request.user))


def _seen(lead: Lead, revision: int) -> int:
    """Return the version the door is to compare: the lead's own when the caller has read its newest revision."""
    return lead.version if lead.revision == revision else NEVER


def _details(verb: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a Move; ValidationError by field for a reason, person or team there is none of."""
    if "reason" in values:
        values["reason"] = _reason(verb, values["reason"])
    if "assignee" in values:
        told = values["assignee"]
        named = {"pk": told} if isinstance(told, int) else {"email": told.lower()}
        values["assignee"] = _one(User.objects.filter(is_active=True, **named), "assignee")
    if "team" in values:
        told = values["team"]
        values["team"] = _one(Team.objects.filter(**{"pk" if isinstance(told, int) else "name": told}), "team")
    return values


def _one(found: Any, field: str) -> Any:
    row = found.first()
    if row is None:
        raise serializers.ValidationError({field: _("Nobody goes by this.")})
    return row


def _reason(verb: str, key: str) -> Reason:
    offered = Reason.objects.filter(kind=verb, active=True)
    reason = offered.filter(key=key).first()
    if reason is None:
        keys = ", ".join(offered.values_list("key", flat=True)) or "–"
        raise serializers.ValidationError(
            {"reason": _("There is no such reason. There are: %(keys)s.") % {"keys": keys}}
        )
    return reason


def nobody(lead: Lead, verb: str) -> Refused:
    return Refused([_("There is no team in sales to give it to.")], lead=lead, verb=verb)


def refusal(refused: Refused, by: User) -> Problem:
    """Return the 409 of a refused move: why, and what is possible now."""
    code = "stale" if refused.stale else "incomplete" if refused.asks else "refused"
    lead = Lead.objects.with_people().filter(pk=refused.lead.pk).first()
    allowed = lifecycle.allowed(lead, by) if lead else []
    more = {"version": lead.revision} if lead else {}
    return Problem(409, " ".join(refused.reasons), code=code, allowed=allowed, **more)
