"""What the whole workspace shares, and the kinds of activities it knows."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from crm.models import ActivityKind, Workspace
from crm.settings_forms.choices import CURRENCIES
from crm.settings_forms.recorded import RecordedForm
from crm.text import search_key

KIND_ICONS = [
    ("activity", _("Pulse")), ("globe", _("Globe")), ("download", _("Download")), ("mail", _("Letter")),
    ("phone", _("Telephone")), ("calendar", _("Calendar")), ("users", _("People")), ("file-text", _("Document")),
    ("message-square", _("Speech bubble")), ("hand", _("Raised hand")),
]  # fmt: skip


class WorkspaceForm(RecordedForm):
    what = "workspace"
    currency = forms.ChoiceField(
        label=_("Currency"), choices=CURRENCIES, help_text=_("For new leads and all sums. Default: EUR.")
    )

    class Meta:
        model = Workspace
        fields = ["name", "language", "currency", "reps_read_everything", "reps_may_export"]
        help_texts = {
            "name": _("Shown in mails and on printed pages."),
            "language": _("For people you invite and for mails; each person can choose their own. Default: English."),
            "reps_may_export": _("Off: reps cannot make files of lists. Default: off."),
            "reps_read_everything": _("Off: reps see their own and their team’s leads only. Default: off."),
        }


class ActivityKindForm(RecordedForm):
    what = "activity_kind"
    icon = forms.ChoiceField(label=_("Icon"), choices=KIND_ICONS, required=False)

    class Meta:
        model = ActivityKind
        fields = ["label", "group", "inbound", "icon"]
        help_texts = {"inbound": _("On: it counts as something the contact did, and may wake a lead. Default: on.")}

    def clean_label(self) -> str:
        label = self.cleaned_data["label"].strip()
        if self.instance._state.adding:
            key = slugify(search_key(label)).replace("-", "_")[:40]
            if not key or ActivityKind.objects.filter(key=key).exists():
                raise ValidationError(_("There is a kind with this name already, or it has no letters."))
            self.instance.key = key
        return label

    def clean_icon(self) -> str:
        return self.cleaned_data["icon"] or "activity"
