"""What the workspace keeps of what mail providers tell."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.models import Workspace
from crm.settings_forms.recorded import RecordedForm


class EmailForm(RecordedForm):
    what = "workspace"

    class Meta:
        model = Workspace
        fields = ["counts_opens"]
        help_texts = {
            "counts_opens": _("Opening is measured by an invisible picture, for which people must have agreed. Default: off.")  # noqa: E501
        }  # fmt: skip
