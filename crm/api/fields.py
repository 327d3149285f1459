"""The fields of the API: they take what the schema says and nothing that merely looks like it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
LARGEST_ID = 2**63 - 1


class Strict(serializers.Serializer):
    """A body whose every member is known: read-only and unknown ones are refused by name (I31)."""

    #: Members that a reader sees and nobody writes.
    shown: tuple[str, ...] = ()
    #: Members of which one at least must say something.
    one_of: tuple[str, ...] = ()
    #: All such bodies by name; the schema says additionalProperties: false for them.
    bodies: dict[str, type[Strict]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Strict.bodies[cls.__name__] = cls

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            wrong = {name: _no_such(name in self.shown) for name in data if name not in self.fields}
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


def _no_such(is_shown: bool) -> str:
    return _("This is read-only.") if is_shown else _("There is no such field.")


class Text(serializers.CharField):
    """A string, and no number that could be written as one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError(_("Write this as a text."))
        return str(super().to_internal_value(data))


class TextSchema(OpenApiSerializerFieldExtension):
    """Says of a text that has to say something that blanks alone do not; that it is text says the generator."""

    target_class = "crm.api.fields.Text"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        longest = {"maxLength": self.target.max_length} if self.target.max_length else {}
        shortest = {} if self.target.allow_blank else {"minLength": self.target.min_length or 1, "pattern": r"\S"}
        return {"type": "string", **longest, **shortest}


@extend_schema_field({"type": "string", "maxLength": 254, "format": "email"})
class Mail(Text):
    """An e-mail address; whether it is one, crm.contacts says."""


@extend_schema_field({"type": "string", "maxLength": 300, "pattern": r"^https?://[a-z0-9-]+(\.[a-z0-9-]+)+(/[!-~]*)?$"})
class Link(Text):
    """A web address; which ones are safe, crm.contacts says."""


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{2}$"})
class Country(Text):
    """Two letters, such as DE."""


class Whole(serializers.IntegerField):
    """An integer, and no string or boolean that could be read as one."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError(_("Write this as a whole number."))
        return int(super().to_internal_value(data))


class Id(Whole):
    """The number of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": LARGEST_ID} | kwargs)


class Day(serializers.DateField):
    """A calendar day, 2026-05-01."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class Instant(serializers.DateTimeField):
    """A moment with its offset from UTC; shown in UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            told = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            told = None
        if told is None or told.tzinfo is None:
            raise serializers.ValidationError(_("Write the moment with its offset, such as 2026-05-01T09:30:00Z."))
        if not EARLIEST <= told <= timezone.now() + timedelta(minutes=5):
            raise serializers.ValidationError(_("This moment lies in the future, or before 1970."))
        return told.astimezone(UTC)

    def to_representation(self, value: Any) -> Any:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,2})?$"},
            {"type": "number", "minimum": 0, "maximum": 999_999_999_999},
        ]
    }
)
class Money(serializers.DecimalField):
    """An amount of money: a string such as "12000.00", or a number. Two decimals, rounded nowhere."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 14, "decimal_places": 2, "min_value": Decimal(0)} | kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or (isinstance(data, str) and not re.fullmatch(r"\d{1,12}(\.\d{1,2})?", data)):
            raise serializers.ValidationError(_("Write the amount as 12000.00."))
        return super().to_internal_value(data)


@extend_schema_field({"type": "object", "additionalProperties": {}, "maxProperties": 100})
class Properties(serializers.DictField):
    """An object of the caller's own: names up to 100 characters, 32 kB in all."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("Write this as an object."))
        if len(data) > 100 or len(str(data)) > 32_000:
            raise serializers.ValidationError(_("At most 100 members and 32 kB."))
        return data

    def to_representation(self, value: Any) -> Any:
        return value
