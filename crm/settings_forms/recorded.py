"""Forms of settings: they write what changed, refuse a page that is out of date, and leave a line in the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm import audit
from crm.models import User

CHANGED_MEANWHILE = _("Somebody else changed this meanwhile. Look it over and save again to keep your version.")


def fingerprint(row: Any, names: Iterable[str]) -> str:
    """Return a short print of what `row` holds under `names`, '' for no row; it tells a stale page from a fresh one."""
    if row is None:
        return ""
    told = "|".join(f"{name}={_plain(getattr(row, name))!r}" for name in names)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


class RecordedForm(forms.ModelForm):
    """A form about one row. `was` carries what the row held when the page was shown; `why`, if asked, is logged."""

    was = forms.CharField(required=False, widget=forms.HiddenInput)
    what = ""
    #: Fields of the row that the form shows in another shape; clean() puts them into cleaned_data.
    shaped: tuple[str, ...] = ()
    #: Fields whose change is logged without what they hold.
    unlogged: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["was"].initial = self._print(self._stored())

    @property
    def tracked(self) -> list[str]:
        return [*(self._meta.fields or ()), *self.shaped]

    def _stored(self) -> Any:
        """Return the row as the database has it, None for a new one."""
        if self.instance._state.adding:
            return None
        return type(self.instance)._default_manager.filter(pk=self.instance.pk).first()

    def _print(self, row: Any) -> str:
        return fingerprint(row, self.tracked)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        now = self._print(self._stored())
        if cleaned.get("was", "") != now:
            self.data = self.data.copy()  # type: ignore[attr-defined]
            self.data[self.add_prefix("was")] = now  # type: ignore[index]
            raise ValidationError(CHANGED_MEANWHILE)
        return cleaned

    def record(self, by: User) -> Any:
        """Write the changed fields, log old and new, and return the row."""
        row, before, new = self.instance, self._stored(), self.cleaned_data
        changed = [name for name in self.tracked if before is None or getattr(before, name) != new[name]]
        for name in changed:
            setattr(row, name, new[name])
        if not changed:
            return row
        with transaction.atomic():
            row.save(**({} if before is None else {"update_fields": changed}))
            told: dict[str, Any] = {
                name: "…" if name in self.unlogged else [_plain(getattr(before, name, None)), _plain(new[name])]
                for name in changed
            }
            if new.get("why"):
                told["why"] = new["why"]
            audit.record(by, f"{self.what}.{'added' if before is None else 'changed'}", f"{self.what}:{row.pk}", **told)
        return row


def _plain(value: Any) -> Any:
    return getattr(value, "pk", value)
