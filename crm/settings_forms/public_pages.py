"""What stands around the pages strangers see: our web sites, and the links the law asks for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import Workspace
from crm.settings_forms.recorded import RecordedForm

HERE = {"localhost", "127.0.0.1"}


def origin(line: str) -> str:
    """Return a typed site as browsers name it, such as 'https://www.example.com'; '' when it is none."""
    address = line if "://" in line else f"https://{line}"
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError):
        return ""
    plain = parts.scheme == "http" and host in HERE
    bare = not (parts.username or parts.query or parts.fragment or parts.path.strip("/"))
    known = bare and (plain or parts.scheme == "https") and (("." in host and " " not in host) or host in HERE)
    if not known or not all(c.isalnum() or c in ".-" for c in host):
        return ""
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


class PublicPagesForm(RecordedForm):
    what = "workspace"
    shaped = ("sites",)
    addresses = forms.CharField(
        label=_("Our web sites"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One per line, such as https://www.example.com. Forms can be embedded there, and go on to there, only. Default: none."),  # noqa: E501
    )  # fmt: skip

    imprint_url = forms.URLField(
        label=_("Imprint"), required=False, assume_scheme="https", help_text=_("Linked below every public page.")
    )
    privacy_url = forms.URLField(
        label=_("Privacy notice"), required=False, assume_scheme="https",
        help_text=_("Linked below every public page and beside the consents."),
    )  # fmt: skip
    accessibility_url = forms.URLField(
        label=_("Accessibility statement"), required=False, assume_scheme="https",
        help_text=_("Linked below every public page; asked for by the BFSG."),
    )  # fmt: skip

    class Meta:
        model = Workspace
        fields = ["public_line", "imprint_url", "privacy_url", "accessibility_url", "unconfirmed_days"]
        help_texts = {
            "public_line": _("Below every public page and mail, such as “Acme GmbH, Kiel”."),
            "unconfirmed_days": _("Then what was typed is deleted. Default: 14."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["addresses"].initial = "\n".join(self.instance.sites)
        self.fields["unconfirmed_days"].validators += [MinValueValidator(1), MaxValueValidator(90)]

    def clean_addresses(self) -> list[str]:
        sites = []
        for line in dict.fromkeys(line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()):
            if not (site := origin(line)):
                raise ValidationError(
                    gettext("“%(line)s” is no web site. Write it like https://www.example.com.") % {"line": line[:100]}
                )
            sites.append(site)
        return sites[:50]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["sites"] = cleaned.get("addresses", self.instance.sites)
        return cleaned
