"""Companies: read, added, changed with their version."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from crm import contacts, visibility
from crm.api import stale
from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Country, Instant, Link, Properties, Strict, Text, Whole
from crm.api.listing import Filters, InstantFilter, TextFilter, listed
from crm.models import Company, Role
from crm.text import search_key


class CompanyShown(serializers.ModelSerializer):
    custom = Properties()
    created_at, updated_at = Instant(), Instant()

    class Meta:
        model = Company
        fields = ["id", "version", *contacts.COMPANY_FIELDS, "created_at", "updated_at"]
        extra_kwargs = {name: {"required": True} for name in ("version", *contacts.COMPANY_FIELDS)}


def _text(name: str) -> Text:
    longest = Company._meta.get_field(name).max_length  # type: ignore[union-attr]
    return Text(max_length=longest, required=False, allow_blank=True)


class _CompanyFields(Strict):
    shown = ("id", "version", "created_at", "updated_at", "is_demo")

    domain, industry, phone = _text("domain"), _text("industry"), _text("phone")
    website = Link(max_length=300, required=False, allow_blank=True)
    employees = Whole(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    street, postcode, city, region = _text("street"), _text("postcode"), _text("city"), _text("region")
    country = Country(required=False, allow_blank=True)
    custom = Properties(required=False)


class CompanyNew(_CompanyFields):
    name = Text(max_length=200)


class CompanyChange(_CompanyFields):
    shown = tuple(name for name in _CompanyFields.shown if name != "version")
    version = Whole(min_value=0, max_value=2**31 - 1, help_text="The version you have read.")
    name = Text(max_length=200, required=False)


class CompanyFilters(Filters):
    name = TextFilter(method="by_name", label="The whole name; umlauts either way, case does not matter.")
    domain = TextFilter("domain", label="The domain, exactly.")
    changed_since = InstantFilter("updated_at", label="Added or changed at this moment or later.")

    def by_name(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(name_key=search_key(value))


@described("GET", "List companies", name="companies_list", answer=page_of(CompanyShown), filters=CompanyFilters)
@described(
    "POST", "Add a company", name="companies_create", status=201, answer=CompanyShown, body=CompanyNew,
    examples={"Acme": {"name": "Acme GmbH", "industry": "Mechanical engineering", "employees": 250, "country": "DE"}},
)  # fmt: skip
@endpoint(get="companies:read", post="companies:write")
def collection(request: Any) -> Response:
    if request.method == "GET":
        return listed(request, Company.objects.visible_to(request.user), CompanyFilters, CompanyShown)
    if request.user.role == Role.SALES_REP:
        raise PermissionDenied(_("A sales rep adds a company with a person, by its name."))
    sent = CompanyNew(data=request.data)
    sent.is_valid(raise_exception=True)
    company = contacts.create_company(sent.validated_data, by=request.user, source="api")
    return Response(CompanyShown(company).data, status=201)


@described("GET", "Read a company", name="companies_read", answer=CompanyShown, noes=(404,))
@described(
    "PATCH", "Change a company", name="companies_update", answer=CompanyShown, body=CompanyChange, noes=(404,),
    examples={"Grown": {"version": 0, "employees": 260}},
    about="Only the members sent are changed. 409 with who was first and the differences for another `version`.",
)  # fmt: skip
@endpoint(get="companies:read", patch="companies:write")
def one(request: Any, pk: int) -> Response:
    company = get_object_or_404(Company.objects.visible_to(request.user), pk=pk)
    if request.method == "GET":
        return Response(CompanyShown(company).data)
    if not visibility.may_edit_company(request.user, company):
        raise PermissionDenied(_("You can read this company, but not change it."))
    sent = CompanyChange(data=request.data)
    sent.is_valid(raise_exception=True)
    values = dict(sent.validated_data)
    version = values.pop("version")
    try:
        contacts.update_company(company, values, by=request.user, source="api", version=version)
    except contacts.Stale as error:
        raise stale.of_profile(error.current, values) from error
    return Response(CompanyShown(Company.objects.get(pk=pk)).data)
