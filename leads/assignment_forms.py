"""The form of an assignment rule, and the question which lead to try the rules on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy

from crm.models import Role, Team, User
from crm.settings_forms.recorded import RecordedForm
from leads.assignment_rules import plain
from leads.forms import who
from leads.models import AssignmentRule, Source

_ = gettext_lazy
POSTCODE = re.compile(r"^[0-9A-Za-z][0-9A-Za-z ]{0,9}(?:-[0-9A-Za-z][0-9A-Za-z ]{0,9})?$")
MOST_WORDS = 300


def words_in(text: str) -> list[str]:
    """Return the words of a text, parted by commas or lines, without doubles; ValidationError for too many."""
    found = list(dict.fromkeys(part.strip()[:200] for part in re.split(r"[,;\n]", text) if part.strip()))
    if len(found) > MOST_WORDS:
        raise ValidationError(gettext("Three hundred at most, please."))
    return found


class WordsField(forms.CharField):
    """Several words in one line or area, kept as a list."""

    def __init__(self, **more: Any) -> None:
        super().__init__(required=False, max_length=20_000, **more)

    def clean(self, value: Any) -> Any:
        return words_in(super().clean(value))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class TakerChoices(forms.ChoiceField):
    """A team in sales or a person who sells: "team-3", "person-12"."""

    def load(self, chosen: str = "") -> None:
        """Read the choices; somebody who left stays in the list where the row still names them."""
        teams = Team.objects.filter(side=Team.Side.SALES)
        sellers = [Role.SALES_REP, Role.SALES_LEAD, Role.ADMIN]
        people = User.objects.filter(is_active=True, role__in=sellers).select_related("team")
        self.choices = [
            ("", gettext("Choose …")),
            (gettext("Team"), [(f"team-{team.pk}", team.name) for team in teams]),
            (gettext("Person"), [(f"person-{one.pk}", who(one)) for one in people]),
        ]
        if chosen and not self.valid_value(chosen):
            self.choices.append((chosen, gettext("as it is")))


class RuleForm(RecordedForm):
    """One rule: a name, what must hold of a lead, and who gets it then."""

    what = "assignmentrule"
    shaped = ("conditions", "person_id", "team_id")

    accounts = WordsField(
        label=_("Named accounts"), widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Names of companies or domains, one per line, such as Acme GmbH or acme.example."),
    )  # fmt: skip
    countries = WordsField(label=_("Countries"), help_text=_("Codes with commas, such as DE, AT."))
    postcodes = WordsField(
        label=_("Postcodes"),
        help_text=_("Ranges or beginnings with commas, such as 80000-87999, 9. Best with a country."),
    )
    industries = WordsField(label=_("Industries"), help_text=_("Words of the industry’s name with commas."))
    least = forms.IntegerField(label=_("People in the company, at least"), required=False, min_value=0)
    most = forms.IntegerField(label=_("People in the company, at most"), required=False, min_value=0)
    languages = WordsField(label=_("Languages"), help_text=_("Codes with commas, such as de, fr."))
    interests = WordsField(
        label=_("Product interest"),
        help_text=_("Words of what the person looked at, downloaded or asked about, with commas."),
    )
    sources = forms.MultipleChoiceField(label=_("Sources"), required=False, widget=forms.CheckboxSelectMultiple)
    taker = TakerChoices(
        label=_("Goes to"), error_messages={"required": _("Name a person or a team in sales.")},
        help_text=_("A team gives it out as set below. A person who is away or full leaves it to their team."),
    )  # fmt: skip

    class Meta:
        model = AssignmentRule
        fields = ["name"]
        help_texts = {"name": _("Shown as the reason on the lead, such as “Key accounts”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row: AssignmentRule = self.instance
        self.initial.update({name: value for name, value in row.conditions.items() if name != "size"})
        self.initial["least"], self.initial["most"] = row.conditions.get("size", (None, None))
        taker = f"person-{row.person_id}" if row.person_id else f"team-{row.team_id}" if row.team_id else ""
        self.initial["taker"] = taker
        self.fields["taker"].load(taker)  # type: ignore[attr-defined]
        self.fields["sources"].choices = [(one.key, str(one)) for one in Source.objects.all()]  # type: ignore[attr-defined]

    @property
    def when(self) -> list[Any]:
        return [self[name] for name in self.fields if name not in {"name", "taker", "was"}]

    def _codes(self, name: str, shape: str, sentence: str) -> list[str]:
        found: list[str] = self.cleaned_data[name]
        if not all(re.fullmatch(shape, code, re.IGNORECASE) for code in found):
            raise ValidationError(sentence)
        return found

    def clean_countries(self) -> list[str]:
        codes = self._codes("countries", "[a-z]{2}", gettext("Write each country as two letters, such as DE."))
        return [code.upper() for code in codes]

    def clean_languages(self) -> list[str]:
        codes = self._codes("languages", "[a-z]{2,3}", gettext("Write each language as two letters, such as de."))
        return [code.lower() for code in codes]

    def clean_postcodes(self) -> list[str]:
        written = [one.replace("–", "-").replace(" - ", "-") for one in self.cleaned_data["postcodes"]]
        for one in written:
            first, _dash, last = one.partition("-")
            if not POSTCODE.match(one) or (last and plain(first) > plain(last)):
                raise ValidationError(gettext("Write postcodes as 80000-87999 or as a beginning, such as 80."))
        return written

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        size = [cleaned.get("least"), cleaned.get("most")]
        if None not in size and size[0] > size[1]:  # type: ignore[operator]
            self.add_error("most", gettext("At most is less than at least."))
        names: Iterable[str] = (
            "accounts", "countries", "postcodes", "industries", "languages", "interests", "sources",
        )  # fmt: skip
        asked = {name: cleaned[name] for name in names if cleaned.get(name)}
        cleaned["conditions"] = asked | ({"size": size} if size != [None, None] else {})
        kind, _sep, pk = cleaned.get("taker", "").partition("-")
        cleaned["person_id"] = int(pk) if kind == "person" else None
        cleaned["team_id"] = int(pk) if kind == "team" else None
        return cleaned
