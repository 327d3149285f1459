"""Every address of the product (architecture.md §4); the other apps are named by string."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from crm.api import nothing, schema
from crm.tracking.messages import TYPES
from crm.views import (
    absences,
    companies,
    contacts,
    duplicates,
    health,
    help_page,
    kit,
    list_jobs,
    lists,
    mail_events,
    merging,
    preferences,
    search,
    security,
    setup,
    tracking,
    tracking_events,
)
from crm.views import tokens as own_tokens
from crm.views.settings import (
    activity_kinds,
    audit_log,
    deliveries,
    email,
    people,
    public_pages,
    teams,
    tokens,
    workspace,
)
from crm.views.settings import health as settings_health
from crm.views.settings import recipients as settings_recipients
from crm.views.settings import tracking as settings_tracking
from crm.views.settings import webhooks as settings_webhooks
from crm.views.settings.entrance import overview

handler400 = "crm.views.errors.bad_request"
handler403 = "crm.views.errors.forbidden"
handler404 = "crm.views.errors.not_found"
handler500 = "crm.views.errors.server_error"

handler429 = "crm.views.errors.too_many"

SETTINGS = [
    path("", overview, name="settings"),
    path("people/", people.people, name="settings_people"),
    path("people/new/", people.invite, name="settings_invite"),
    path("people/<int:pk>/", people.person, name="settings_person"),
    path("people/<int:pk>/invitation/", people.invite_again, name="settings_invite_again"),
    path("people/<int:pk>/leave/", people.send_away, name="settings_send_away"),
    path("people/<int:pk>/return/", people.bring_back, name="settings_bring_back"),
    path("people/<int:pk>/sessions/", people.end_sessions, name="settings_end_sessions"),
    path("teams/", teams.teams, name="settings_teams"),
    path("teams/new/", teams.team, name="settings_team_new"),
    path("teams/<int:pk>/", teams.team, name="settings_team"),
    path("teams/<int:pk>/removal/", teams.remove, name="settings_team_remove"),
    path("workspace/", workspace.workspace, name="settings_workspace"),
    path("public/", public_pages.public_pages, name="settings_public"),
    path("kinds/", activity_kinds.kinds, name="settings_kinds"),
    path("kinds/new/", activity_kinds.kind, name="settings_kind_new"),
    path("kinds/<slug:key>/", activity_kinds.kind, name="settings_kind"),
    path("tracking/", settings_tracking.tracking, name="settings_tracking"),
    path("tracking/keys/new/", settings_tracking.write_key, name="settings_write_key_new"),
    path("tracking/keys/<int:pk>/", settings_tracking.write_key, name="settings_write_key"),
    path("tracking/keys/<int:pk>/revocation/", settings_tracking.revoke, name="settings_write_key_revoke"),
    path("tracking/rules/new/", settings_tracking.rule, name="settings_tracking_rule_new"),
    path("tracking/rules/<int:pk>/", settings_tracking.rule, name="settings_tracking_rule"),
    path("tracking/rules/<int:pk>/removal/", settings_tracking.remove_rule, name="settings_tracking_rule_remove"),
    path("email/", email.email, name="settings_email"),
    path("webhooks/", settings_webhooks.webhooks, name="settings_webhooks"),
    path("webhooks/new/", settings_webhooks.edit, name="settings_webhook_new"),
    path("webhooks/<int:pk>/", settings_webhooks.one, name="settings_webhook"),
    path("webhooks/<int:pk>/edit/", settings_webhooks.edit, name="settings_webhook_edit"),
    path("webhooks/<int:pk>/test/", settings_webhooks.test, name="settings_webhook_test"),
    path("webhooks/<int:pk>/secret/", settings_webhooks.rotate, name="settings_webhook_rotate"),
    path("webhooks/<int:pk>/secret/end/", settings_webhooks.end_overlap, name="settings_webhook_end_overlap"),
    path("webhooks/deliveries/<int:pk>/", settings_webhooks.delivery, name="settings_webhook_delivery"),
    path("webhooks/deliveries/<int:pk>/again/", settings_webhooks.send_again, name="settings_webhook_again"),
    path("recipients/", settings_recipients.recipients, name="settings_recipients"),
    path("recipients/mail/<str:key>/", settings_recipients.mail_recipient, name="settings_mail_recipient"),
    path("deliveries/", deliveries.deliveries, name="settings_deliveries"),
    path("deliveries/retries/", deliveries.retry_all, name="settings_retry_all"),
    path("deliveries/<int:pk>/retry/", deliveries.retry, name="settings_retry"),
    path("deliveries/<int:pk>/discard/", deliveries.discard, name="settings_discard"),
    path("health/", settings_health.health, name="settings_health"),
    path("tokens/", tokens.all_tokens, name="settings_tokens"),
    path("tokens/<int:pk>/revocation/", tokens.revoke, name="settings_token_revoke"),
    path("audit/", audit_log.audit_log, name="settings_audit"),
]
OWN = [
    path("", RedirectView.as_view(pattern_name="preferences")),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/theme/", preferences.theme, name="preferences_theme"),
    path("absences/", absences.index, name="absences"),
    path("absences/<int:pk>/removal/", absences.remove, name="absence_removal"),
    path("tokens/", own_tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/successor/", own_tokens.replace, name="token_replace"),
    path("tokens/<int:pk>/revocation/", own_tokens.revoke, name="token_revoke"),
    path("sessions/end-others/", preferences.end_other_sessions, name="end_other_sessions"),
    path("sessions/end/", preferences.end_session, name="end_session"),
]
LISTS = [
    path("<slug:kind>/filters/", lists.filters, name="list_filters"),
    path("<slug:kind>/columns/", lists.columns, name="list_columns"),
    path("<slug:kind>/views/", lists.views, name="list_views"),
    path("<slug:kind>/views/new/", lists.new_view, name="list_view_new"),
    path("<slug:kind>/first/", lists.begin_with, name="list_first"),
    path("<slug:kind>/selected/", list_jobs.prepare, name="list_selected"),
    path("<slug:kind>/begin/", list_jobs.begin, name="list_begin"),
    path("jobs/", list_jobs.index, name="list_jobs"),
    path("jobs/<int:pk>/", list_jobs.page, name="list_job"),
    path("jobs/<int:pk>/stop/", list_jobs.act, {"verb": "stop"}, name="list_job_stop"),
    path("jobs/<int:pk>/resume/", list_jobs.act, {"verb": "resume"}, name="list_job_resume"),
    path("jobs/<int:pk>/undo/", list_jobs.act, {"verb": "undo"}, name="list_job_undo"),
    path("jobs/<int:pk>/file/", list_jobs.file, name="list_job_file"),
    path("views/<int:pk>/", lists.view, name="list_view"),
    path("views/<int:pk>/removal/", lists.remove_view, name="list_view_removal"),
]
#: Pages of the sign-in package that this product does not offer: an admin keeps people and their addresses.
CLOSED = [
    path("signup/", security.closed),
    path("email/", security.closed),
    path("confirm-email/", security.closed),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", security.closed),
    path("login/code/confirm/", security.closed),
    re_path(r"^(?:3rdparty|social)/", security.closed),
]
#: Segment's HTTP API stands at the root; its SDKs write the addresses without a slash at the end.
TRACKING = [
    *(path(f"v1/{type}", tracking.receive, {"type": type}, name=f"track_{type}") for type in (*TYPES, "batch")),
    path("tracking/events/", tracking_events.events, name="tracking_events"),
    path("t.js", tracking.script, name="tracking_script"),
]

#: Where the mail provider's webhooks go, as django-anymail names the addresses.
MAIL = [path("anymail/<slug:provider>/tracking/", mail_events.receive, name="mail_events")]

urlpatterns = [
    path("contacts/", contacts.index, name="contacts"),
    path("contacts/<int:pk>/", contacts.page, name="contact"),
    path("contacts/<int:pk>/edit/", contacts.edit, name="contact_edit"),
    path("contacts/<int:pk>/consent/", contacts.consent_proof, name="contact_consent"),
    path("contacts/<int:pk>/compare/<int:other>/", contacts.compare, name="contact_compare"),
    path("contacts/<int:pk>/compare/<int:other>/dismissal/", duplicates.dismiss, name="duplicate_dismiss"),
    path("contacts/<int:pk>/merge/<int:other>/", merging.merge, name="contact_merge"),
    path("merges/<int:pk>/", merging.entry, name="merge"),
    path("merges/<int:pk>/undo/", merging.undo, name="merge_undo"),
    path("duplicates/", duplicates.index, name="duplicates"),
    path("duplicates/search/", duplicates.search, name="duplicates_search"),
    path("duplicates/<int:pk>/reconsideration/", duplicates.reconsider, name="duplicate_reconsider"),
    path("companies/", companies.index, name="companies"),
    path("companies/names/", companies.names, name="company_names"),
    path("companies/<int:pk>/", companies.page, name="company"),
    path("companies/<int:pk>/edit/", companies.edit, name="company_edit"),
    path("lists/", include(LISTS)),
    path("setup/", setup.setup, name="setup"),
    path("settings/", include(SETTINGS)),
    path("search/", search.search, name="search"),
    path("csp-reports/", security.csp_reports, name="csp_reports"),
    path("robots.txt", security.robots, name="robots"),
    path("help/", help_page.help_page, name="help"),
    path("accounts/", include(OWN)),
    path("accounts/", include(CLOSED)),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("kit/", kit.kit, name="kit"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("crm.api.urls")),
    path("api/docs/", schema.docs, name="api_docs"),
    path("", include(TRACKING)),
    path("", include(MAIL)),
    path("", include("leads.urls")),
    path("", include("scoring.urls")),
    re_path(r"^api/", nothing.here),
]
