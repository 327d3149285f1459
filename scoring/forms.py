"""The forms of the scorecard editor: one criterion, one group, the bars, a persona, and the words of the verbs.

A form only reads what was typed into plain data; what may be said is decided by `scoring.validation`, and its errors
are put beside the fields they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activities import BY_MACHINE
from crm.models import ActivityKind
from scoring import own_fields, validation
from scoring.contents import BARS
from scoring.facts import FACTS, Fact, fact
from scoring.models import HORIZON, MOST_POINTS, Criterion, CriterionGroup, Dimension, Persona, ScorecardVersion
from scoring.operators import CHOICE, FLAG, JSON, NUMBER, OPERATORS, Operator

Kind = Criterion.Kind
MOST_LINES = 8
FLAGS = (("yes", gettext_lazy("yes")), ("no", gettext_lazy("no")))


def steps(least: int | None = None, most: int | None = None) -> forms.NumberInput:
    """Return a number field that a module gives its step buttons."""
    attrs: dict[str, Any] = {"data-steps": "", "inputmode": "numeric"}
    if least is not None:
        attrs["min"] = least
    if most is not None:
        attrs["max"] = most
    return forms.NumberInput(attrs=attrs)


def whole(label: Any, least: int, most: int, *, required: bool = True, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, required=required, widget=steps(least, most), help_text=help_text
    )


class Editing(forms.Form):
    """A form that carries what was seen, and takes the domain's errors."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    #: fields of the domain that appear under another name here
    fields_of: Mapping[str, str] = {}

    def take(self, error: ValidationError) -> None:
        """Put the domain's errors beside the fields they belong to."""
        told = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for name, texts in told.items():
            here = self.fields_of.get(name, name)
            for text in texts:
                self.add_error(here if here in self.fields else None, text)


# --- Values -------------------------------------------------------------------------------------------


def _values_of(asked: Fact, operator: Operator) -> dict[str, forms.Field]:
    """Return the fields that take what a fact is compared with."""
    if operator.takes == "none":
        return {}
    if operator.takes == "pair":
        return {"low": forms.FloatField(label=_("From"), widget=steps()), "high": forms.FloatField(
            label=_("To"), widget=steps()
        )}  # fmt: skip
    numeric = asked.type == NUMBER or operator.types == (NUMBER, JSON)
    if asked.type == CHOICE:
        known = list(validation.choices(asked).items())
        if operator.takes == "many":
            return {"value": forms.MultipleChoiceField(
                label=str(asked.label), choices=known, widget=forms.CheckboxSelectMultiple
            )}  # fmt: skip
        return {"value": forms.ChoiceField(label=str(asked.label), choices=known)}
    if asked.type == FLAG:
        return {"value": forms.ChoiceField(label=_("Value"), choices=FLAGS)}
    if operator.takes == "many":
        widget = forms.Textarea(attrs={"rows": 6})
        fields: dict[str, forms.Field] = {
            "value": forms.CharField(label=_("Values"), widget=widget, help_text=_("One per line."), max_length=40_000)
        }
    elif numeric:
        return {"value": forms.FloatField(label=_("Value"), widget=steps())}
    else:
        fields = {"value": forms.CharField(label=_("Value"), max_length=validation.LONGEST_VALUE)}
    if asked.type == JSON and JSON in operator.types and operator.key in {"is", "is_not", "in", "not_in"}:
        fields["as_number"] = forms.BooleanField(label=_("Compare as a number"), required=False)
    return fields


def _number(text: str) -> Any:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _read_value(asked: Fact, operator: Operator, cleaned: Mapping[str, Any]) -> Any:
    """Return what was typed as the value of a comparison."""
    if operator.takes == "none":
        return None
    if operator.takes == "pair":
        return [cleaned.get("low"), cleaned.get("high")]
    value = cleaned.get("value")
    if asked.type == FLAG:
        return {"yes": True, "no": False}.get(str(value))
    if operator.takes == "many" and isinstance(value, str):
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        return [_number(line) for line in lines] if cleaned.get("as_number") else lines
    return _number(str(value)) if cleaned.get("as_number") else value


def _initial_value(asked: Fact, operator: Operator, value: Any) -> dict[str, Any]:
    """Return a stored value as the fields show it; what another comparison left fits as far as it can."""
    many = value if isinstance(value, list) else [] if value is None else [value]
    if operator.takes == "pair":
        numbers = [one for one in many if not isinstance(one, (str, bool))] or [None]
        return {"low": _plain(numbers[0]), "high": _plain(numbers[-1])}
    if asked.type == FLAG:
        return {"value": "no" if many[:1] == [False] else "yes"}
    as_number = asked.type == JSON and any(not isinstance(one, str) for one in many)
    if operator.takes == "many":
        shown = many if asked.type == CHOICE else "\n".join(str(_plain(one)) for one in many)
        return {"value": shown, "as_number": as_number}
    return {"value": _plain(many[0]) if many else None, "as_number": as_number}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def comparisons(asked: Fact) -> list[Operator]:
    """Return the comparisons that fit a fact."""
    return [operator for operator in OPERATORS.values() if asked.type in operator.types]


# --- Criteria -----------------------------------------------------------------------------------------


class CriterionForm(Editing):
    """One criterion; a subclass knows what it asks."""

    label = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, required=False,
        help_text=gettext_lazy("As the score’s explanation calls it. Empty: the sentence itself."),
    )  # fmt: skip
    points = whole(gettext_lazy("Points"), -MOST_POINTS, MOST_POINTS)
    group = forms.ChoiceField(label=gettext_lazy("Group"))
    numbers: tuple[str, ...] = ()

    def __init__(self, *args: Any, version: ScorecardVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].choices = self._groups(version)  # type: ignore[attr-defined]

    def _groups(self, version: ScorecardVersion) -> list[tuple[str, Any]]:
        """Return the groups, and that there is none: for what gives no points."""
        return [("", _("none: it gives no points")), *group_choices(version)]

    def said(self) -> dict[str, Any]:
        """Return what was typed, as `validation.criterion` takes it."""
        raise NotImplementedError

    @property
    def short(self) -> list[forms.BoundField]:
        """The number fields, as they stand beside each other."""
        return [self[name] for name in ("points", *self.numbers) if name in self.fields]

    @property
    def question(self) -> list[forms.BoundField]:
        """The fields that say what is compared."""
        return [self[name] for name in self.fields if name in {"value", "low", "high", "as_number"}]


def group_choices(version: ScorecardVersion) -> list[tuple[str, Any]]:
    """Return the groups of a version by dimension, as a choice."""
    groups = list(version.groups.all())
    return [
        (str(dimension.label), [(group.key, str(group)) for group in groups if group.dimension == dimension])
        for dimension in Dimension
    ]


class FactForm(CriterionForm):
    """A criterion about who somebody is."""

    sort = forms.ChoiceField(
        label=gettext_lazy("What it does"), required=False,
        choices=[(Kind.PROFILE, gettext_lazy("Gives points")), (Kind.SALES_SIGNAL, Kind.SALES_SIGNAL.label)],
        help_text=gettext_lazy("A sales signal shows on accepted leads only and moves nothing."),
    )  # fmt: skip
    fact = forms.CharField(widget=forms.HiddenInput, required=False)
    operator = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, asked: Fact, operator: Operator, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked, self.compared = asked, operator
        values = _values_of(asked, operator)
        self.fields = {**{n: f for n, f in self.fields.items() if n == "seen"}, **values, **self.fields}
        self.fields["group"].required = False
        self.initial.update(fact=asked.key, operator=operator.key)

    fields_of = {"value": "value", "kind": "sort"}

    def take(self, error: ValidationError) -> None:
        if "low" in self.fields:
            self.fields_of = {**self.fields_of, "value": "high"}
        super().take(error)

    def said(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "kind": cleaned["sort"] or Kind.PROFILE, "label": cleaned["label"], "points": cleaned["points"],
            "group": cleaned["group"], "fact": self.asked.key, "operator": self.compared.key,
            "value": _read_value(self.asked, self.compared, cleaned),
        }  # fmt: skip


class ActivityForm(CriterionForm):
    """A criterion about what somebody did."""

    numbers = ("max_count", "window", "half_life", "cap")
    sort = forms.ChoiceField(
        label=gettext_lazy("What it does"),
        choices=[(kind, kind.label) for kind in (Kind.ENGAGEMENT, Kind.HAND_RAISE, Kind.SALES_SIGNAL)],
        help_text=gettext_lazy(
            "Raising a hand makes an MQL at once, within the window. A sales signal shows on accepted leads only."
        ),
    )
    max_count = whole(gettext_lazy("Only the newest"), 1, 1000, required=False)
    window = whole(gettext_lazy("Window, days"), 1, HORIZON)
    half_life = whole(gettext_lazy("Halves in, days"), 1, 3650, required=False)
    cap = whole(gettext_lazy("At most, points"), 0, MOST_POINTS, required=False)
    fields_of = {"kind": "sort", "where": "property_0"}

    def __init__(self, *args: Any, activity: ActivityKind, lines: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.activity = activity
        self.lines = min(lines, validation.MOST_CONDITIONS)
        self.fields["group"].required = False
        known = [("", "–"), *[(o.key, o.label) for o in OPERATORS.values() if JSON in o.types]]
        for n in range(self.lines):
            self.fields[f"property_{n}"] = forms.CharField(label=_("Property"), required=False, max_length=60)
            self.fields[f"operator_{n}"] = forms.ChoiceField(label=_("Comparison"), required=False, choices=known)
            self.fields[f"value_{n}"] = forms.CharField(
                label=_("Value"), required=False, max_length=2000,
                help_text=_("Several with commas; numbers count as numbers.") if n == 0 else "",
            )  # fmt: skip

    @property
    def conditions(self) -> list[list[forms.BoundField]]:
        """The comparisons of the activity's properties, line by line."""
        return [[self[f"{name}_{n}"] for name in ("property", "operator", "value")] for n in range(self.lines)]

    def said(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "kind": cleaned["sort"], "label": cleaned["label"], "points": cleaned["points"],
            "group": cleaned["group"], "activity_kind_id": self.activity.pk, "where": self._where(),
            "window": cleaned["window"], "half_life": cleaned["half_life"], "max_count": cleaned["max_count"],
            "cap": cleaned["cap"],
        }  # fmt: skip

    def _where(self) -> list[dict[str, Any]]:
        found = []
        for n in range(self.lines):
            name, operator = self.cleaned_data.get(f"property_{n}", ""), self.cleaned_data.get(f"operator_{n}", "")
            if name or operator:
                value = _typed(OPERATORS.get(operator), self.cleaned_data.get(f"value_{n}", ""))
                found.append({"property": name, "operator": operator, "value": value})
        return found


def _typed(operator: Operator | None, text: str) -> Any:
    """Return the value of a property comparison: numbers where they are meant, lists by commas, “…” for text."""
    if operator is None or operator.takes == "none":
        return text or None
    if operator.takes in {"many", "pair"}:
        return [_guessed(part.strip()) for part in text.split("," if operator.takes == "many" else "–") if part.strip()]
    return text if operator.key in {"contains", "starts_with"} else _guessed(text.strip())


def _guessed(text: str) -> Any:
    if len(text) > 1 and text[0] in '"“„' and text[-1] in '"”“':
        return text[1:-1]
    return _number(text) if text and not text[0].isalpha() else text


def _as_typed(operator: str, value: Any) -> str:
    """Return a stored value as it is typed; text that looks like a number stands in quotes."""

    def quoted(one: Any) -> str:
        exact = operator in {"contains", "starts_with"}
        if isinstance(one, str) and not exact and not isinstance(_guessed(one), str):
            return f"“{one}”"
        return str(_plain(one))

    if isinstance(value, list):
        return ("–" if operator == "between" else ", ").join(quoted(one) for one in value)
    return "" if value is None else quoted(value)


def criterion_form(
    version: ScorecardVersion,
    asked: Fact | ActivityKind,
    data: Any = None,
    *,
    operator: str = "",
    row: Criterion | None = None,
    seen: str = "",
    prefer: str = "",
) -> CriterionForm:
    """Return the form that fits a question, filled from `row`; `operator` is the comparison chosen last."""
    initial: dict[str, Any] = {"seen": seen, "points": 10, "group": prefer, "window": HORIZON, "sort": Kind.ENGAGEMENT}
    if row is not None:
        initial |= {"points": row.points, "label": str(row), "group": row.group.key if row.group else ""}
    if isinstance(asked, Fact):
        fitting = {one.key: one for one in comparisons(asked)}
        stored = row.operator if row else ""
        chosen = fitting.get(operator or stored) or next(iter(fitting.values()))
        initial["sort"] = Kind.PROFILE
        if row is not None:
            initial |= _initial_value(asked, chosen, row.value)
            initial["sort"] = Kind.SALES_SIGNAL if row.kind == Kind.SALES_SIGNAL else Kind.PROFILE
        return FactForm(data, version=version, asked=asked, operator=chosen, initial=initial)
    lines = 1
    if row is not None:
        initial |= {
            "sort": row.kind, "window": row.window, "half_life": row.half_life, "max_count": row.max_count,
            "cap": row.cap,
        }  # fmt: skip
        lines = len(row.where) + 1
        for n, one in enumerate(row.where):
            initial |= {
                f"property_{n}": one["property"], f"operator_{n}": one["operator"],
                f"value_{n}": _as_typed(one["operator"], one.get("value")),
            }  # fmt: skip
    if data is not None:
        lines = max(lines, sum(key.startswith("property_") for key in data))
    return ActivityForm(data, version=version, activity=asked, lines=lines, initial=initial)


def catalogue() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return everything a criterion may ask about who somebody is, by heading: (key, label)."""
    own = own_fields.offered()
    found = [(_("Who they are"), [(one.key, str(one.label)) for one in FACTS.values()])]
    return [*found, (_("Own fields"), [(key, str(fact(key).label)) for key in own])] if own else found


def happenings() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return everything somebody can do, by heading: (key, label)."""
    kinds = list(ActivityKind.objects.exclude(key__in=BY_MACHINE.values()))
    groups = ActivityKind.Group
    return [
        (str(groups(group).label), [(kind.key, str(kind)) for kind in kinds if kind.group == group])
        for group in groups.values
        if any(kind.group == group for kind in kinds)
    ]


# --- Groups and bars ------------------------------------------------------------------------------------


class GroupForm(Editing):
    label = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    dimension = forms.ChoiceField(label=gettext_lazy("Dimension"), choices=Dimension.choices)
    minimum = whole(gettext_lazy("At least"), -MOST_POINTS, MOST_POINTS)
    maximum = whole(gettext_lazy("At most"), -MOST_POINTS, MOST_POINTS)

    @classmethod
    def of(cls, data: Any, group: CriterionGroup | None, seen: str) -> GroupForm:
        """Return the form of a group, or of a new one."""
        if group is None:
            return cls(data, initial={"minimum": 0, "maximum": 40, "dimension": Dimension.FIT})
        names = {name: getattr(group, name) for name in ("dimension", "minimum", "maximum")}
        return cls(data, initial=names | {"label": str(group), "seen": seen})

    def said(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("label", "dimension", "minimum", "maximum")}


class BarsForm(Editing):
    letter_a = whole(gettext_lazy("A from"), 1, 100)
    letter_b = whole(gettext_lazy("B from"), 1, 100)
    letter_c = whole(gettext_lazy("C from"), 1, 100)
    digit_1 = whole(gettext_lazy("1 from"), 1, 100)
    digit_2 = whole(gettext_lazy("2 from"), 1, 100)
    digit_3 = whole(gettext_lazy("3 from"), 1, 100)
    bar_fit = whole(gettext_lazy("MQL from fit"), 0, 100)
    bar_engagement = whole(gettext_lazy("and engagement"), 0, 100)
    bar_total = whole(gettext_lazy("or from a total of"), 0, 200)
    bar_total_fit = whole(gettext_lazy("with fit of at least"), 1, 100)
    leave_total = whole(gettext_lazy("Leaves below a total of"), 0, 200)
    skip_review = forms.MultipleChoiceField(
        label=gettext_lazy("Grades that go to sales without review"), required=False,
        choices=[(f"{letter}{digit}", f"{letter}{digit}") for letter in "ABCD" for digit in "1234"],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("What changes, and why"), required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}), help_text=gettext_lazy("The signers read this first."),
    )  # fmt: skip

    @classmethod
    def of(cls, data: Any, version: ScorecardVersion, seen: str) -> BarsForm:
        return cls(data, initial={name: getattr(version, name) for name in (*BARS, "note")} | {"seen": seen})

    def said(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in BARS}

    def _of(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def bars(self) -> list[forms.BoundField]:
        return self._of("bar_fit", "bar_engagement", "bar_total", "bar_total_fit", "leave_total")

    @property
    def grades(self) -> list[forms.BoundField]:
        return self._of("letter_a", "letter_b", "letter_c", "digit_1", "digit_2", "digit_3")


# --- Personas -------------------------------------------------------------------------------------------


class PersonaForm(Editing):
    """A saved group of criteria: name, and up to eight conditions, line by line."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Persona.Kind.choices)
    description = forms.CharField(label=gettext_lazy("In one sentence"), max_length=300, required=False)

    def __init__(self, *args: Any, lines: int = 3, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = min(lines, MOST_LINES)
        facts = [("", "–"), *[(key, label) for _heading, rows in catalogue() for key, label in rows]]
        operators = [("", "–"), *[(one.key, one.label) for one in OPERATORS.values()]]
        for n in range(self.lines):
            stored = self.initial.get(f"fact_{n}", "")
            known = facts if stored in dict(facts) else [*facts, (stored, stored)]
            self.fields[f"fact_{n}"] = forms.ChoiceField(label=_("Fact"), required=False, choices=known)
            self.fields[f"operator_{n}"] = forms.ChoiceField(label=_("Comparison"), required=False, choices=operators)
            self.fields[f"value_{n}"] = forms.CharField(
                label=_("Value"), required=False, max_length=2000,
                help_text=_("Several with commas, a span as 50–999.") if n == 0 else "",
            )  # fmt: skip

    @classmethod
    def of(cls, data: Any, persona: Persona | None, seen: str) -> PersonaForm:
        initial: dict[str, Any] = {"seen": seen}
        conditions = persona.conditions if persona else []
        if persona:
            initial |= {"name": persona.name, "kind": persona.kind, "description": persona.description}
        for n, one in enumerate(conditions):
            initial |= {f"fact_{n}": one["fact"], f"operator_{n}": one["operator"], f"value_{n}": _persona_value(one)}
        return cls(data, initial=initial, lines=max(3, len(conditions) + 1))

    @property
    def conditions(self) -> list[list[forms.BoundField]]:
        return [[self[f"{name}_{n}"] for name in ("fact", "operator", "value")] for n in range(self.lines)]

    def said(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "kind", "description")}

    def asked(self) -> list[dict[str, Any]]:
        """Return the conditions; an error of one stands beside its line."""
        found = []
        for n in range(self.lines):
            key, operator = self.cleaned_data.get(f"fact_{n}", ""), self.cleaned_data.get(f"operator_{n}", "")
            if not key and not operator:
                continue
            said = {"fact": key, "operator": operator, "value": self._value(n, key, operator)}
            try:
                found.append(validation.condition(said))
            except ValidationError as error:
                for name, texts in error.message_dict.items():
                    self.add_error(f"{name}_{n}", texts)
        if not found and not self.errors:
            self.add_error("fact_0", _("Name at least one condition."))
        return found

    def _value(self, n: int, key: str, operator: str) -> Any:
        text = self.cleaned_data.get(f"value_{n}", "").strip()
        known = OPERATORS.get(operator)
        try:
            asked = fact(key)
        except KeyError:
            return text
        if known is None or known.takes == "none":
            return text or None
        names = {str(label).casefold(): choice for choice, label in validation.choices(asked).items()}
        if asked.type == FLAG:
            return text.casefold() in {"yes", "true", "1", str(FLAGS[0][1]).casefold()}
        parts = [part.strip() for part in text.replace("-", "–").split("–")] if known.takes == "pair" else (
            [part.strip() for part in text.split(",") if part.strip()] if known.takes == "many" else [text]
        )  # fmt: skip
        numeric = asked.type == NUMBER or known.types == (NUMBER, JSON)
        read = [_number(part) if numeric else names.get(part.casefold(), part) for part in parts]
        return read if known.takes in {"pair", "many"} else read[0]


def _persona_value(condition: Mapping[str, Any]) -> str:
    """Return the value of a persona's condition as it is typed."""
    value = condition.get("value")
    try:
        known = validation.choices(fact(condition["fact"]))
    except KeyError:
        known = {}
    if isinstance(value, bool):
        return str(FLAGS[0][1] if value else FLAGS[1][1])
    if isinstance(value, list):
        shown = [known.get(one, str(_plain(one))) if isinstance(one, str) else str(_plain(one)) for one in value]
        return ("–" if condition["operator"] == "between" else ", ").join(shown)
    return "" if value is None else known.get(value, str(_plain(value))) if isinstance(value, str) else str(value)


# --- The words of the verbs -------------------------------------------------------------------------------


class ReasonForm(Editing):
    """Why something is done."""

    reason = forms.CharField(label=gettext_lazy("Why"), max_length=300, required=False)


class SignForm(Editing):
    side = forms.ChoiceField(choices=[("marketing", ""), ("sales", "")], widget=forms.HiddenInput)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=500, required=False)


class PublishForm(Editing):
    reason = forms.CharField(label=gettext_lazy("Why it goes live"), max_length=300, required=False)
    without_backtest = forms.CharField(label=gettext_lazy("Why without a back-test"), max_length=300, required=False)
