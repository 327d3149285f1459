"""Capture forms: what each asks, where it stands, what it is for. Marketing builds them in the product."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.response import Response

from crm.api.described import described, page_of
from crm.api.endpoint import endpoint
from crm.api.fields import Instant, Properties
from crm.api.listing import ChoiceFilter, Filters, InstantFilter, TextFilter, listed
from leads.models import CaptureForm


class FormField(serializers.Serializer):
    name = serializers.CharField(help_text="A key such as email; own fields begin with custom_.")
    required = serializers.BooleanField()
    label = Properties(help_text="By language; empty for the shipped words.")
    purpose = Properties(help_text="What the answer is for, by language.")

    def to_representation(self, field: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": field["name"], "required": bool(field.get("required")), "label": field.get("label") or {},
            "purpose": field.get("purpose") or {},
        }  # fmt: skip


class FormShown(serializers.ModelSerializer):
    address = serializers.SerializerMethodField(help_text="Where strangers fill it in, while it is active.")
    kind = serializers.CharField(source="kind_id", help_text="The activity that a submission is.")
    source = serializers.CharField(source="source.key")
    campaign_id = serializers.IntegerField(allow_null=True)
    waits_for_confirmation = serializers.BooleanField(help_text="Nothing happens before the address is confirmed.")
    languages = serializers.ListField(child=serializers.CharField())
    fields_asked = FormField(source="fields", many=True)
    consents = serializers.ListField(child=serializers.CharField(), help_text="Such as newsletter:email.")
    sites = serializers.ListField(child=serializers.CharField(), help_text="Where it may be embedded.")
    created_at, updated_at = Instant(), Instant()

    class Meta:
        model = CaptureForm
        fields = [
            "id", "version", "name", "slug", "active", "address", "kind", "source", "campaign_id",
            "waits_for_confirmation", "languages", "fields_asked", "consents", "sites", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {name: {"required": True} for name in ("version", "name", "slug", "active")}

    def get_address(self, form: CaptureForm) -> str:
        return f"{settings.SITE_URL}{reverse('public_form', args=[form.slug])}"


class FormFilters(Filters):
    slug = TextFilter("slug", label="The last part of the address, exactly.")
    kind = TextFilter("kind_id", label="Key of the activity.")
    active = ChoiceFilter(
        method="by_active", choices=[("true", "true"), ("false", "false")], label="Whether it is open to the public."
    )
    changed_since = InstantFilter("updated_at", label="Added or changed at this moment or later.")

    def by_active(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(active=value == "true")


def _all() -> Any:
    return CaptureForm.objects.select_related("source")


@described("GET", "List forms", name="forms_list", answer=page_of(FormShown), filters=FormFilters)
@endpoint(get="forms:read")
def collection(request: Any) -> Response:
    return listed(request, _all(), FormFilters, FormShown)


@described("GET", "Read a form", name="forms_read", answer=FormShown, noes=(404,))
@endpoint(get="forms:read")
def one(request: Any, pk: int) -> Response:
    return Response(FormShown(get_object_or_404(_all(), pk=pk)).data)
