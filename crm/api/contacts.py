"""People: read, added, changed with their version, and brought in step with another system many at once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from crm import consents, contacts, visibility
from crm.api import stale
from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Country, Id, Instant, Link, Mail, Properties, Strict, Text, Whole
from crm.api.listing import Filters, IdFilter, InstantFilter, TextFilter, listed
from crm.api.problems import Problem, errors_of
from crm.email_address import email_key, is_shared
from crm.models import Company, Contact, ContactKey, Role, User
from crm.phone import phone_key

SOURCE = "api"
MOST = 100
EXAMPLE = {"first_name": "Ada", "last_name": "Brömmel", "email": "ada@acme.example", "job_title": "Head of Marketing"}


class ContactShown(serializers.ModelSerializer):
    company_id = serializers.IntegerField(allow_null=True)
    custom = Properties()
    created_at, updated_at = Instant(), Instant()

    class Meta:
        model = Contact
        fields = ["id", "version", *contacts.CONTACT_FIELDS, "created_at", "updated_at"]
        extra_kwargs = {name: {"required": True} for name in ("version", *contacts.CONTACT_FIELDS)}


def _text(name: str, **more: Any) -> Text:
    longest = Contact._meta.get_field(name).max_length  # type: ignore[union-attr]
    return Text(max_length=longest, required=False, allow_blank=True, **more)


class _ContactFields(Strict):
    shown = ("id", "version", "name", "created_at", "updated_at", "seniority", "function", "is_demo")

    first_name, last_name = _text("first_name"), _text("last_name")
    email, phone = Mail(max_length=254, required=False, allow_blank=True), _text("phone")
    job_title = _text("job_title")
    company_id = Id(required=False, allow_null=True)
    street, postcode, city, region = _text("street"), _text("postcode"), _text("city"), _text("region")
    country = Country(required=False, allow_blank=True)
    language, linkedin = _text("language"), Link(max_length=300, required=False, allow_blank=True)
    custom = Properties(required=False)


class ContactNew(_ContactFields):
    one_of = ("first_name", "last_name", "email", "phone")


class ContactChange(_ContactFields):
    version = Whole(min_value=0, max_value=2**31 - 1, help_text="The version you have read.")
    shown = tuple(name for name in _ContactFields.shown if name != "version")


class ExternalKey(Strict):
    """The contact's name in another system; (system, key) is one person."""

    system = Text(max_length=60)
    key = Text(max_length=200)


class ContactRow(_ContactFields):
    external_key = ExternalKey(required=False)


class ContactRows(Strict):
    """Up to 100 people, each found by external key, then by e-mail address; who is not found is added."""

    contacts = ContactRow(many=True, min_length=1, max_length=MOST)


class Outcome(serializers.Serializer):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(["created", "updated", "unchanged", "failed"])
    id = serializers.IntegerField(allow_null=True)
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class Outcomes(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = Outcome(many=True)


class ContactFilters(Filters):
    email = TextFilter(method="by_email", label="E-mail address, compared without case.")
    company = IdFilter("company_id", label="Number of the company.")
    changed_since = InstantFilter("updated_at", label="Added or changed at this moment or later.")

    def by_email(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(email_key=email_key(value)).exclude(email_key="")


# --- Reading and adding ---------------------------------------------------------------------------


@described("GET", "List contacts", name="contacts_list", answer=page_of(ContactShown), filters=ContactFilters)
@described(
    "POST", "Add a contact", name="contacts_create", status=201, answer=ContactShown, body=ContactNew,
    examples={"Ada": EXAMPLE},
    about="Refused with 409 when somebody has this e-mail address already, or asked never to be contacted.",
)  # fmt: skip
@endpoint(get="contacts:read", post="contacts:write")
def collection(request: Any) -> Response:
    if request.method == "GET":
        return listed(request, Contact.objects.visible_to(request.user), ContactFilters, ContactShown)
    sent = ContactNew(data=request.data)
    sent.is_valid(raise_exception=True)
    contact = add(sent.validated_data, request.user)
    return Response(ContactShown(contact).data, status=201)


def add(values: dict[str, Any], by: User, *, keyed: bool = False) -> Contact:
    """Store a new contact; PermissionDenied for reps, Problem 409 for somebody known or suppressed.

    `keyed` says that another system knows the person by a key, which is enough to be somebody.
    """
    if by.role == Role.SALES_REP:
        raise PermissionDenied(_("A sales rep adds a person together with a lead: POST /api/v1/leads/."))
    refuse_known(values, by)
    check_company(values, by)
    if not keyed:
        refuse_nobody(values)
    return contacts.create_contact(values, by=by, source=SOURCE)


def refuse_nobody(values: dict[str, Any], path: str = "") -> None:
    """ValidationError, naming the fields, for a person of whom neither name nor address nor number is told."""
    contacts.validated_contact(values)
    if not any(str(values.get(name) or "").strip() for name in ContactNew.one_of):
        text = _("Enter a name, an e-mail address or a phone number.")
        raise serializers.ValidationError({f"{path}{name}": text for name in ContactNew.one_of})


def refuse_known(values: dict[str, Any], by: User) -> None:
    """Problem 409 when a personal address is somebody's already, or is on the suppression list (I57)."""
    asked = Contact(
        email_key=email_key(values.get("email", "")),
        phone_key=phone_key(values.get("phone", ""), values.get("country", "")),
    )
    if consents.is_suppressed(asked):
        raise Problem(409, _("This person has asked not to be contacted. Their data cannot be entered again."),
                      code="suppressed")  # fmt: skip
    known = _by_email(asked.email_key)
    if known:
        visible = Contact.objects.visible_to(by).filter(pk=known.pk).exists()
        more = {"id": known.pk} if visible else {}
        raise Problem(409, _("Somebody with this e-mail address is here already."), code="exists", **more)


def check_company(values: dict[str, Any], by: User) -> None:
    """Refuse a company the person does not see as one that does not exist."""
    wanted = values.get("company_id")
    if wanted and not Company.objects.visible_to(by).filter(pk=wanted).exists():
        raise serializers.ValidationError({"company_id": _("There is no such company.")})


def _by_email(key: str) -> Contact | None:
    if not key or is_shared(key):
        return None
    return Contact.objects.filter(Q(email_key=key) & ~Q(email_key="")).order_by("id").first()


# --- One ------------------------------------------------------------------------------------------


@described("GET", "Read a contact", name="contacts_read", answer=ContactShown, noes=(404,))
@described(
    "PATCH", "Change a contact", name="contacts_update", answer=ContactShown, body=ContactChange, noes=(404,),
    examples={"New job": {"version": 3, "job_title": "CMO"}},
    about="Only the members sent are changed. 409 with who was first and the differences for another `version`.",
)  # fmt: skip
@endpoint(get="contacts:read", patch="contacts:write")
def one(request: Any, pk: int) -> Response:
    contact = get_object_or_404(Contact.objects.visible_to(request.user), pk=pk)
    if request.method == "GET":
        return Response(ContactShown(contact).data)
    if not visibility.may_edit_contact(request.user, contact):
        raise PermissionDenied(visibility.who_edits(contact))
    sent = ContactChange(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    version = values.pop("version")
    if values.get("company_id") != contact.company_id:
        check_company(values, request.user)
    if any(values.get(name) == "" for name in ContactNew.one_of):
        refuse_nobody({name: getattr(contact, name) for name in ContactNew.one_of} | values)
    try:
        contacts.update_contact(contact, values, by=request.user, source=SOURCE, version=version)
    except contacts.Stale as error:
        raise stale.of_profile(error.current, values) from error
    return Response(ContactShown(Contact.objects.get(pk=pk)).data)


# --- Many -----------------------------------------------------------------------------------------


@described(
    "POST", "Bring many contacts in step", name="contacts_bulk", answer=Outcomes, body=ContactRows,
    examples={"Ada": {"contacts": [EXAMPLE | {"external_key": {"system": "erp", "key": "4711"}}]}},
    about="A body that is not understood is refused whole, with the path of each mistake. What is understood succeeds"
    " or fails item by item; nothing is written for one that failed.",
)  # fmt: skip
@endpoint(post="contacts:write")
def bulk(request: Any) -> Response:
    sent = ContactRows(data=request.data)
    sent.is_valid(raise_exception=True)
    results = [_upserted(index, item, request.user) for index, item in enumerate(sent.validated_data["contacts"])]
    counts = {
        word: sum(one["status"] == word for one in results) for word in ("created", "updated", "unchanged", "failed")
    }
    return Response(counts | {"results": results})


def _upserted(index: int, item: dict[str, Any], by: User) -> dict[str, Any]:
    try:
        with transaction.atomic():
            status, pk = _upsert(item, by)
        return {"index": index, "status": status, "id": pk, "errors": []}
    except (ValidationError, serializers.ValidationError) as error:
        errors = errors_of(error)
    except (Problem, PermissionDenied, contacts.Stale) as error:
        errors = [{"field": "", "detail": str(error)}]
    return {"index": index, "status": "failed", "id": None, "errors": errors}


def _upsert(item: dict[str, Any], by: User) -> tuple[str, int]:
    values = dict(item)
    key = values.pop("external_key", None)
    if not key and not values.get("email"):
        raise serializers.ValidationError({"email": _("Name an external_key or an e-mail address to be found by.")})
    known = ContactKey.objects.filter(**key).select_related("contact").first() if key else None
    contact = known.contact if known else _by_email(email_key(values.get("email", "")))
    if contact is None:
        contact, status = add(values, by, keyed=bool(key)), "created"
    else:
        status = "updated" if _change(contact, values, by) else "unchanged"
    if key and not known:
        ContactKey.objects.create(contact=contact, **key)
    return status, contact.pk


def _change(contact: Contact, values: dict[str, Any], by: User) -> bool:
    if not Contact.objects.visible_to(by).filter(pk=contact.pk).exists():
        raise Problem(409, _("Somebody with this e-mail address is here already."), code="exists")
    if not visibility.may_edit_contact(by, contact):
        raise PermissionDenied(visibility.who_edits(contact))
    if values.get("company_id") != contact.company_id:
        check_company(values, by)
    return bool(contacts.update_contact(contact, values, by=by, source=SOURCE))
