"""What must hold for merges; `manage.py doctor` asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.doctor import check
from crm.merging.rules import without_rule
from crm.models import Activity, ConsentEvent, Contact, ContactMerge


@check("merge_rules", gettext_lazy("A merge knows what to do with everything that belongs to a contact"))
def _rules(full: bool) -> Iterator[str]:
    for relation in sorted(without_rule()):
        yield _("No rule says what a merge does to %(relation)s.") % {"relation": relation}


@check("merges", gettext_lazy("Who was merged is gone, whoever stayed is here, and the log can part them"))
def _merges(full: bool) -> Iterator[str]:
    entries = ContactMerge.objects.standing().order_by("-id")
    here = Contact.objects.filter(pk=OuterRef("merged_number"))
    for pk, number in entries.filter(Exists(here)).values_list("pk", "merged_number")[:20]:
        yield _("Contact %(contact)d is here, though merge %(id)d made it part of another.") % {
            "contact": number, "id": pk,
        }  # fmt: skip
    for pk in entries.filter(kept_values={}, erased_at=None).values_list("pk", flat=True)[:20]:
        yield _("Merge %(id)d can no longer be undone: what it takes is missing.") % {"id": pk}
    undone = ContactMerge.objects.exclude(undone_at=None).exclude(kept_values={})
    for pk in undone.values_list("pk", flat=True)[:20]:
        yield _("Merge %(id)d is undone and still holds what was known of the person.") % {"id": pk}
    yield from _strayed(entries if full else entries[:200])


def _strayed(entries: Iterable[ContactMerge]) -> Iterator[str]:
    """Yield a sentence per merge whose rows are no longer with the contact that stayed."""
    for entry in entries:
        for model in (Activity, ConsentEvent):
            ids = entry.moved.get(f"{model._meta.label}.contact", [])
            away = model._default_manager.filter(pk__in=ids[:500]).exclude(contact=entry.kept_id).order_by()
            if away.exists():
                yield _("Rows that merge %(id)d moved are with somebody else.") % {"id": entry.pk}
