"""Addresses of the API about people."""

from __future__ import annotations

from django.urls import path

from crm.api import activities, companies, contacts
from crm.api.schema import Schema

urlpatterns = [
    path("schema/", Schema.as_view(), name="api_schema"),
    path("contacts/", contacts.collection, name="api_contacts"),
    path("contacts/bulk/", contacts.bulk, name="api_contacts_bulk"),
    path("contacts/<int:pk>/", contacts.one, name="api_contact"),
    path("companies/", companies.collection, name="api_companies"),
    path("companies/<int:pk>/", companies.one, name="api_company"),
    path("activities/", activities.collection, name="api_activities"),
    path("activities/bulk/", activities.bulk, name="api_activities_bulk"),
    path("activities/<int:pk>/", activities.one, name="api_activity"),
]
