"""A form that could not be kept: with the errors of the domain beside its fields, or with the version there is now."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from crm.settings_forms.recorded import CHANGED_MEANWHILE


def show_errors(form: Any, error: ValidationError) -> None:
    """Put the errors of a domain function beside the fields they name."""
    for name, texts in error.message_dict.items():
        plain = name.removesuffix("_id")
        form.add_error(plain if plain in form.fields else None, texts)


def anew(form: Any, version: int, **more: Any) -> Any:
    """Return the form with what was typed and the version there is now, saying that it changed meanwhile."""
    data = form.data.copy()
    data["version"] = str(version)
    fresh = type(form)(data, **more)
    fresh.add_error(None, CHANGED_MEANWHILE)
    return fresh
