"""What every model here shares: rows change field by field, never as a whole."""

from __future__ import annotations

from typing import Any

from django.db import models


class FieldwiseModel(models.Model):
    """A model whose existing rows are saved with `update_fields` only.

    A full save() of a stale form would put old values back over somebody else's change.
    """

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and kwargs.get("update_fields") is None:
            raise TypeError(f"Save a {type(self).__name__} with update_fields, so that only what changed is written.")
        super().save(*args, **kwargs)


def concrete_field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return the column `name` of `model`, such as 'owner_id'; StopIteration when it has none."""
    return next(field for field in model._meta.concrete_fields if name in {field.name, field.attname})
