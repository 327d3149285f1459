"""The register of recipients: who gets personal data, what for, by which contract."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import keyset, mail_recipients
from crm.models import MailRecipient, WebhookEndpoint
from crm.settings_forms.register import MailRecipientForm
from crm.views.settings.entrance import for_admins, show


@for_admins
@require_safe
def recipients(request: HttpRequest) -> HttpResponse:
    """Who carries our mails, and every webhook with about how many people it was told."""
    rows = WebhookEndpoint.objects.annotate(
        people=Count("disclosures__contact", distinct=True), newest=Max("disclosures__last_at")
    )
    page = keyset.page(rows, request.GET.get("after", ""), order=("name", "id"))
    return show(request, "settings/recipients.html", {"page": page, "lines": mail_recipients.lines()})


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def mail_recipient(request: HttpRequest, key: str) -> HttpResponse:
    """Say who a mail server or provider is; there is a line for what is in use, or was."""
    line = mail_recipients.find(key)
    if line is None:
        raise Http404
    row = line.row or MailRecipient(key=key)
    form = MailRecipientForm(request.POST or None, instance=row, initial={} if line.row else {"purpose": line.purpose})
    if not form.is_valid():
        context = {"form": form, "line": line}
        return show(request, "settings/mail_recipient.html", context, status=422 if form.is_bound else 200)
    form.record(request.user)
    messages.success(request, _("Saved."))
    return redirect("settings_recipients")
