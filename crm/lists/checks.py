"""What must hold for lists, jobs on their rows and exported files; `manage.py doctor` asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.doctor import check
from crm.lists import files
from crm.models import ListJob, ListPreference

GRACE = timedelta(hours=2)


@check("views", gettext_lazy("Every list opens with a view its reader may see"))
def _views(full: bool) -> Iterator[str]:
    hidden = ListPreference.objects.filter(view__shared=False).exclude(view__owner=F("user"))
    for user, kind in hidden.values_list("user_id", "kind")[:20]:
        yield _("The list %(list)s of person %(user)d opens with a view they may not see.") % {
            "list": kind,
            "user": user,
        }


@check("list_jobs", gettext_lazy("Every row of a job has one result, and exported files end in time"))
def _list_jobs(full: bool) -> Iterator[str]:
    acted = ListJob.objects.exclude(action="export").exclude(state__in=ListJob.AT_WORK)
    counted = acted.annotate(results=Count("lines")).exclude(results=F("done") + F("refused"))
    for pk, results, done in counted.order_by("-id").values_list("pk", "results", F("done") + F("refused"))[:20]:
        yield _("Job %(id)d on rows has %(results)d results for %(done)d row(s) done with.") % {
            "id": pk,
            "results": results,
            "done": done,
        }
    yield from _files()


def _files() -> Iterator[str]:
    kept, known = set(files.names()), set()
    for job in ListJob.objects.exclude(stored_as=""):
        known.add(job.stored_as)
        if job.has_file and job.stored_as not in kept:
            yield _("The file of export %(id)d is not there.") % {"id": job.pk}
        if job.expires_at and job.expires_at < timezone.now() - GRACE:
            yield _("The file of export %(id)d should be gone by now.") % {"id": job.pk}
    if left := len(kept - known):
        yield _("%(count)d exported file(s) belong to no job.") % {"count": left}
