"""Who may send us messages, and what pages and events mean."""

from __future__ import annotations

from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import TrackingRule, WriteKey
from crm.settings_forms.recorded import RecordedForm
from crm.tracking.rules import NAMEABLE


class WriteKeyForm(RecordedForm):
    what = "write_key"

    class Meta:
        model = WriteKey
        fields = ["name", "system", "origins", "opens_leads"]
        help_texts = {
            "name": _("What sends with it, such as “Web site”. It becomes the source of its activities."),
            "system": _("Keys that share a system share their user ids; an import may use it too. Default: tracking."),
            "origins": _(
                "Addresses such as https://www.example.com, one a line, whose pages may send with this key. Empty: it"
                " is for servers only."
            ),
            "opens_leads": _("Off: they become contacts only. Default: on."),
        }
        widgets = {"origins": forms.Textarea(attrs={"rows": 3})}

    def clean_origins(self) -> str:
        return "\n".join(_origin(line) for line in self.cleaned_data["origins"].split())


def _origin(line: str) -> str:
    """Return an origin as browsers write it; ValidationError for what is none."""
    try:
        parts = urlsplit(line)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValidationError(
            gettext("Write an address such as https://www.example.com, without a path: %(line)s") % {"line": line}
        )
    return f"{parts.scheme}://{parts.hostname}{port}"


class TrackingRuleForm(RecordedForm):
    what = "tracking_rule"

    class Meta:
        model = TrackingRule
        fields = ["about", "pattern", "kind", "position"]
        help_texts = {
            "pattern": _("Upper and lower case are the same; * stands for anything, as in */pricing*."),
            "position": _("The first that fits decides; small numbers come first. Default: 100."),
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        kinds = self.fields["kind"].queryset.filter(group__in=NAMEABLE)  # type: ignore[attr-defined]
        self.fields["kind"].queryset = kinds  # type: ignore[attr-defined]

    def clean_pattern(self) -> str:
        pattern = self.cleaned_data["pattern"].strip()
        if not pattern.strip("*"):
            raise ValidationError(gettext("Write at least one letter besides *."))
        return pattern
