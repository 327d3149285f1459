"""How one person likes to work."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import User
from crm.settings_forms.choices import WordForNothing, time_zones


class PreferencesForm(forms.ModelForm):
    autofill = True
    time_zone = WordForNothing(
        label=_("Time zone"), nothing=("workspace", _("As the workspace")), choices=time_zones,
        help_text=_("For the times you see."),
    )  # fmt: skip
    theme = WordForNothing(
        label=_("Colours"), nothing=("system", User.Theme.SYSTEM.label), choices=User.Theme.choices,
        widget=forms.RadioSelect,
    )  # fmt: skip
    density = WordForNothing(
        label=_("Density"), nothing=("normal", _("Normal")), choices=[("compact", _("Compact"))],
        widget=forms.RadioSelect, help_text=_("Compact shows more rows at once."),
    )  # fmt: skip
    start_page = WordForNothing(
        label=_("First page after signing in"), nothing=("today", User.Start.TODAY.label), choices=User.Start.choices
    )

    class Meta:
        model = User
        fields = ["name", "language", "time_zone", "theme", "density", "start_page", "shortcuts"]
        help_texts = {"shortcuts": _("Off: single keys such as Z or ? do nothing; Ctrl K still works.")}
