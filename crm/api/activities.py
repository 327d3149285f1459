"""What people did: read, and recorded once per message id. Nothing here is changed or deleted."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from crm import activities, visibility
from crm.activities import Happening
from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Id, Instant, Properties, Strict, Text
from crm.api.listing import DayFilter, Filters, IdFilter, TextFilter, listed
from crm.api.problems import errors_of
from crm.models import Activity, ActivityKind, Contact, Role, User
from crm.workdays import day_of

MOST = 200
NOTE = ActivityKind.Group.NOTE
EXAMPLE = {
    "contact_id": 1, "kind": "webinar_attended", "occurred_at": "2026-05-01T09:30:00Z", "message_id": "webinar-7-ada",
    "properties": {"title": "Scoring without guesswork", "minutes": 42},
}  # fmt: skip


class ActivityShown(serializers.ModelSerializer):
    contact_id = serializers.IntegerField(allow_null=True)
    kind = serializers.CharField(source="kind_id")
    by_id = serializers.IntegerField(allow_null=True)
    occurred_at, received_at = Instant(), Instant()
    properties = Properties()

    class Meta:
        model = Activity
        fields = [
            "id", "contact_id", "kind", "occurred_at", "received_at", "feed", "message_id", "source", "properties",
            "by_id",
        ]  # fmt: skip
        extra_kwargs = {"source": {"required": True}}

    def to_representation(self, activity: Activity) -> dict[str, Any]:
        """Leave out what colleagues wrote about somebody whose notes the reader may not read."""
        told = super().to_representation(activity)
        readable = self.context.get("notes_of")
        if activity.by_id and readable is not None and activity.contact_id not in readable:
            told["properties"] = {name: value for name, value in told["properties"].items() if name != "text"}
        return told


class ActivityNew(Strict):
    shown = ("id", "received_at", "feed", "by_id", "day")

    contact_id = Id()
    kind = Text(max_length=40, help_text="A key from Settings, Activity kinds.")
    occurred_at = Instant(required=False, help_text="Now when left out.")
    message_id = Text(max_length=100, required=False, help_text="Yours; the same one again records nothing.")
    source = Text(max_length=60, required=False, allow_blank=True)
    properties = Properties(required=False)


class ActivityRows(Strict):
    activities = ActivityNew(many=True, min_length=1, max_length=MOST)


class ActivityOutcome(serializers.Serializer):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(["created", "known", "failed"])
    id = serializers.IntegerField(allow_null=True)
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class ActivityOutcomes(serializers.Serializer):
    created = serializers.IntegerField()
    known = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = ActivityOutcome(many=True)


class ActivityFilters(Filters):
    contact = IdFilter("contact_id", label="Number of the contact.")
    kind = TextFilter("kind_id", label="Key of the kind.")
    since = DayFilter(method="from_day", label="From this local day on.")
    until = DayFilter(method="to_day", label="To this local day, inclusive.")

    def from_day(self, rows: Any, name: str, value: Any) -> Any:
        return rows.filter(day__gte=day_of(value))

    def to_day(self, rows: Any, name: str, value: Any) -> Any:
        return rows.filter(day__lte=day_of(value))


def visible_to(user: User) -> Any:
    """Return the activities of the people `user` sees; notes only of those whose notes they may read."""
    if user.role != Role.SALES_REP:
        return Activity.objects.exclude(contact=None)
    rows = Activity.objects.filter(contact__in=Contact.objects.visible_to(user))
    return rows.exclude(Q(kind__group=NOTE) & ~Q(contact__in=Contact.objects.filter(visibility.notes_of(user))))


def _context(user: User, rows: list[Activity]) -> dict[str, Any]:
    if user.role != Role.SALES_REP:
        return {}
    people = Contact.objects.filter(pk__in={row.contact_id for row in rows})
    return {"notes_of": set(people.filter(visibility.notes_of(user)).values_list("pk", flat=True))}


@described("GET", "List activities", name="activities_list", answer=page_of(ActivityShown), filters=ActivityFilters)
@described(
    "POST", "Record an activity", name="activities_create", status=201, answer=ActivityShown, body=ActivityNew,
    examples={"Webinar": EXAMPLE}, also={200: ActivityShown},
    about="200 with the stored one when your `message_id` is known already; nothing is recorded twice.",
)  # fmt: skip
@endpoint(get="activities:read", post="activities:write")
def collection(request: Any) -> Response:
    if request.method == "GET":
        return listed(
            request, visible_to(request.user), ActivityFilters, ActivityShown,
            context=lambda rows: _context(request.user, rows),
        )  # fmt: skip
    sent = ActivityNew(data=request.data)
    sent.is_valid(raise_exception=True)
    happening = _Desk(request.user).checked(sent.validated_data)
    recorded = activities.record_many([happening])
    stored = Activity.objects.get(feed=happening.feed, message_id=happening.message_id) if not recorded else None
    activity = stored or Activity.objects.get(pk=recorded[0].id)
    shown = ActivityShown(activity, context=_context(request.user, [activity]))
    return Response(shown.data, status=201 if recorded else 200)


@described("GET", "Read an activity", name="activities_read", answer=ActivityShown, noes=(404,))
@endpoint(get="activities:read")
def one(request: Any, pk: int) -> Response:
    activity = get_object_or_404(visible_to(request.user), pk=pk)
    return Response(ActivityShown(activity, context=_context(request.user, [activity])).data)


@described(
    "POST", "Record many activities", name="activities_bulk", answer=ActivityOutcomes, body=ActivityRows,
    examples={"One": {"activities": [EXAMPLE]}},
    about="A body that is not understood is refused whole, with the path of each mistake. What is understood succeeds"
    " or fails item by item; `known` has been recorded before.",
)  # fmt: skip
@endpoint(post="activities:write")
def bulk(request: Any) -> Response:
    sent = ActivityRows(data=request.data)
    sent.is_valid(raise_exception=True)
    desk = _Desk(request.user)
    results: list[dict[str, Any]] = []
    fine: dict[int, Happening] = {}
    for index, item in enumerate(sent.validated_data["activities"]):
        results.append({"index": index, "status": "failed", "id": None, "errors": []})
        try:
            fine[index] = desk.checked(item)
        except serializers.ValidationError as error:
            results[index]["errors"] = errors_of(error)
        except PermissionDenied as error:
            results[index]["errors"] = [{"field": "", "detail": str(error)}]
    new = {one.id for one in activities.record_many(fine.values())}
    stored = Activity.objects.filter(feed=desk.feed, message_id__in=[one.message_id for one in fine.values()])
    ids = dict(stored.values_list("message_id", "pk"))
    for index, happening in fine.items():
        pk = ids[happening.message_id]
        results[index] |= {"status": "created" if pk in new else "known", "id": pk}
        new.discard(pk)
    counts = {word: sum(one["status"] == word for one in results) for word in ("created", "known", "failed")}
    return Response(counts | {"results": results})


class _Desk:
    """Checks what one person sends; whom they may write about is asked once per contact."""

    def __init__(self, user: User) -> None:
        self.user, self.feed = user, f"api:{user.pk}"
        self._kinds = ActivityKind.objects.in_bulk()
        self._people: dict[int, str] = {}

    def checked(self, values: dict[str, Any]) -> Happening:
        """Return the activity as it is stored; ValidationError by field, PermissionDenied with a sentence."""
        kind = self._kinds.get(values["kind"])
        if kind is None:
            raise serializers.ValidationError({"kind": _("There is no such kind of activity.")})
        self._may_write(values["contact_id"], is_note=kind.group == NOTE)
        ours = not kind.inbound or kind.group in {NOTE, ActivityKind.Group.CALL}
        return Happening(
            values["contact_id"], kind.key, values.get("occurred_at") or timezone.now(), values.get("properties", {}),
            values.get("source", ""), self.feed, values.get("message_id") or str(uuid.uuid4()),
            by_id=self.user.pk if ours else None,
        )  # fmt: skip

    def _may_write(self, contact_id: int, *, is_note: bool) -> None:
        if contact_id not in self._people:
            contact = Contact.objects.visible_to(self.user).filter(pk=contact_id).first()
            if contact is None:
                raise serializers.ValidationError({"contact_id": _("There is no such contact.")})
            mine = visibility.may_edit_contact(self.user, contact)
            self._people[contact_id] = "" if mine else visibility.who_edits(contact)
        if self._people[contact_id]:
            raise PermissionDenied(self._people[contact_id])
        if is_note and self.user.role == Role.MARKETER:
            raise PermissionDenied(_("Notes belong to sales; marketing reads them."))
