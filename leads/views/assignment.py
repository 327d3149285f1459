"""Settings: the rules of assignment in order, how teams give leads out, and where a lead would go, tried out."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import audit, keyset, search
from crm.models import Contact, Team
from crm.views.settings.entrance import for_admins, show
from leads import assignment, assignment_rules
from leads.assignment_forms import RuleForm
from leads.models import AssignmentRule, Lead
from leads.stages import Lane

FEW = 8


@for_admins
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All rules with their sentences, the teams, and with ?lead= or ?q= where a lead would go and why."""
    rules = AssignmentRule.objects.select_related("person", "team")
    page = keyset.page(rules, request.GET.get("after", ""), order=("position", "id"), size=100)
    labels = assignment_rules.source_labels(page.rows)
    teams = Team.objects.filter(side=Team.Side.SALES).annotate(people=Count("members", filter=_takes_part()))
    question = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    lead = _lead(request.GET.get("lead", ""))
    context = {
        "page": page, "rules": [(rule, assignment_rules.sentence(rule, labels)) for rule in page.rows],
        "teams": teams, "q": question, "tried": lead, "decision": assignment.decide(lead) if lead else None,
        "suggested": [] if lead and not question else _leads(question),
    }  # fmt: skip
    return show(request, "settings/assignment.html", context)


def _takes_part() -> Q:
    return Q(members__is_active=True) & (Q(members__role="sales_rep") | Q(members__capacity__isnull=False))


def _lead(number: str) -> Lead | None:
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    return Lead.objects.with_people().filter(pk=number).first()


def _leads(question: str) -> list[Lead]:
    """Return the open leads a name, an address or a number finds; without a question the newest MQLs to hand over."""
    leads = Lead.objects.with_people()
    if not question:
        return list(leads.filter(standing__lane=Lane.MQL).order_by("-standing__lane_since", "-pk")[:FEW])
    if question.isascii() and question.isdigit() and len(question) < 18:
        return list(leads.filter(pk=question))
    if "@" in question:
        return list(leads.filter(contact__email_key=question.casefold()).order_by("-pk")[:FEW])
    people = search.by_name(Contact.objects.all(), question, FEW)
    return list(leads.filter(contact__in=people).order_by("-pk")[:FEW])


@for_admins
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new rule, or one to change."""
    row = get_object_or_404(AssignmentRule.objects.select_related("person", "team"), pk=pk) if pk else None
    form = RuleForm(request.POST or None, instance=row)
    if form.is_valid():
        saved = form.record(request.user)  # type: ignore[arg-type]
        messages.success(request, _("Saved. It holds for the next lead that is handed over."))
        answer = redirect("settings_assignment")
        answer["Location"] += f"#row-{saved.pk}"
        return answer
    context = {"form": form, "row": row}
    return show(request, "settings/assignment_rule.html", context, status=422 if form.is_bound else 200)


@for_admins
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a rule; leads it gave away keep its name in their log."""
    row = get_object_or_404(AssignmentRule, pk=pk)
    with transaction.atomic():
        audit.record(request.user, "assignmentrule.removed", f"assignmentrule:{pk}", name=row.name)  # type: ignore[arg-type]
        row.delete()
    messages.success(request, _("Removed."))
    return redirect("settings_assignment")
