"""Forms for topics of interest and for what may be sent to whom."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.text import search_key
from leads.models import NurtureContent, NurtureTopic


class VersionedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that carries which version the reader saw; writing is done by `nurture.save`."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("version", self.instance.version)

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class TopicForm(VersionedForm):
    class Meta:
        model = NurtureTopic
        fields = ["name", "words"]
        help_texts = {
            "words": _("Separated by commas; a part of a word is enough. Titles, addresses and questions count.")
        }

    def clean_words(self) -> str:
        words = [word.strip() for word in self.cleaned_data["words"].split(",")]
        if not any(search_key(word) for word in words):
            raise ValidationError(gettext("Enter at least one word."))
        return ", ".join(word for word in words if search_key(word))


class ContentForm(VersionedForm):
    class Meta:
        model = NurtureContent
        fields = ["title", "address", "phase", "topic"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic"].empty_label = _("Any topic")  # type: ignore[attr-defined]
