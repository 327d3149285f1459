"""The kit: every part of the design in every state, for those who build pages and for picture checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crm import charts
from crm.templatetags.formats import count

ROLES = (
    ("paper", "canvas"),
    ("sheet", "cards, fields"),
    ("raised", "menu, dialog"),
    ("sunken", "hover, wells"),
    ("ink", "text"),
    ("ink-2", "second text"),
    ("ink-3", "third text"),
    ("line", "hairline"),
    ("line-2", "quiet border"),
    ("edge", "control border"),
    ("accent", "the baton"),
    ("accent-strong", "its hover"),
    ("accent-mid", "second step"),
    ("accent-soft", "changed"),
    ("accent-wash", "selected"),
    ("soon", "due soon"),
    ("soon-wash", "its ground"),
    ("late", "late, remove"),
    ("late-wash", "its ground"),
    ("marketing", "marketing holds it"),
    ("sales", "sales holds it"),
)
ICONS = """
    search plus x check chevron-down chevron-right chevron-left arrow-right arrow-left arrow-right-from-line clock
    triangle-alert hourglass phone mail calendar download file-text globe list-filter ellipsis undo-2 lock user pencil
    printer moon key-round circle-question-mark link calendar-check square-kanban chart-column sun ban flag rotate-cw
    list arrow-left-right rows-3 at-sign settings building-2 log-out info wifi-off trash-2 history hand inbox trophy
""".split()  # noqa: SIM905
GRADES = [fit + engagement for fit in "ABCD" for engagement in "1234"]
STAGES = ("lead", "mql", "sal", "sql", "won", "lost", "nurture", "disqualified")


class SampleForm(forms.Form):
    """One field of each kind."""

    company = forms.CharField(initial="Molkerei Hohe Rhön eG")
    job_title = forms.CharField(required=False, help_text="Read as seniority and function.")
    email = forms.EmailField()
    owner = forms.ChoiceField(choices=[("1", "Sam Okafor, Team North"), ("2", "Jana Hübner, Team North")])
    due = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), required=False)
    note = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text="Facts only. The person may ask to read this.",
    )
    channel = forms.ChoiceField(
        widget=forms.RadioSelect, choices=[("mail", "E-mail"), ("phone", "Phone")], initial="mail"
    )
    topics = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, choices=[("a", "Retrofit"), ("b", "Subsidies")], required=False
    )
    agreed = forms.BooleanField(label="The contact agreed on the phone", required=False)
    source = forms.CharField(disabled=True, initial="Set by the import", required=False)


@dataclass(frozen=True)
class Card:
    """What the cards of the kit show; a real card is made from a lead."""

    name: str
    job: str
    company: str
    grade: str
    score: int
    delta: int
    state: str = ""
    curve: tuple[int, ...] = (60, 62, 70, 71, 88, 92, 110, 124)
    reasons: tuple[tuple[str, int], ...] = (("Webinar attended", 19), ("White paper ×2", 20))


def _cards() -> dict[str, Card]:
    return {
        "plain": Card("Priya Raghunathan", "VP Operations", "Meridian Cold Storage", "A2", 124, 16),
        "long": Card(
            "Maximiliane von Hohenfels-Wittgenstein",
            "Leiterin Einkauf und Materialwirtschaft",
            "Vereinigte Papier- und Zellstoffwerke Oberlausitz AG",
            "B4",
            58,
            0,
            curve=(58, 58, 57, 58),
        ),
        "focus": Card(
            "Ferdinand Grünewald",
            "Geschäftsführer",
            "Emsländische Molkereigenossenschaft eG",
            "B1",
            118,
            22,
            "is-focus",
        ),
        "selected": Card(
            "Annegret Oltmanns", "Head of Procurement", "Nordwest Windparkservice", "A1", 146, 12, "is-selected"
        ),
        "overdue": Card("Carsten Wiedenbrück", "Werksleiter", "Holzwerke Altmark", "A2", 126, 4, "is-overdue"),
        "moved": Card("Marek Dvořáček", "Buyer", "Sklárny Jizera", "B2", 110, 1, "is-moved"),
        "refused": Card(
            "Lucía Fernández Ybarra", "COO", "Puerto Sur Logística", "B2", 113, -5, curve=(130, 128, 121, 119, 113)
        ),
        "deal": Card(
            "Katharina Weißenborn",
            "Head of Procurement",
            "Süddeutsche Kältetechnik und Anlagenbau GmbH & Co. KG",
            "A1",
            135,
            18,
        ),
    }


def _bant(*statuses: str) -> list[dict[str, str]]:
    return [
        {"label": label, "status": status}
        for label, status in zip(("Budget", "Authority", "Need", "Timing"), statuses, strict=True)
    ]


def _figures() -> list[charts.Chart]:
    bars = [
        ("Webinar series “Retrofit”", 640.41, 49),
        ("White papers", 1010.27, 38),
        ("Search ads, generic", 2609.65, 15),
        ("Trade fair Chillventa", 3916.15, 13),
    ]
    scores = [22, 22, 31, 30, 30, 42, 41, 49, 48, 48, 56, 70, 69, 68, 82, 80, 79, 92, 118, 116, 119, 127, 135]
    start = date(2026, 8, 21)
    return [
        charts.Funnel(
            title="Furthest stage reached",
            note="pale: with marketing, full colour: with sales",
            summary="Of 1,248 leads that entered, 604 became MQL and 214 were qualified; 96 were won.",
            steps=[
                charts.Step("Entered", 1248),
                charts.Step("MQL", 604, "3 d 4 h", url="#"),
                charts.Step("Offered to sales", 541, "9 h"),
                charts.Step("Accepted (SAL)", 377, "2 h 50 min", True),
                charts.Step("Qualified (SQL)", 214, "11 d", True),
                charts.Step("Won", 96, "34 d", True),
            ],
        ),
        charts.StepLine(
            title="Score",
            summary="From 22 on 21 August to 135 on 19 November; above the bar of 110 since 2 November.",
            points=[(start + timedelta(days=place * 4), value) for place, value in enumerate(scores)],
            bar=110,
            leave_bar=95,
            marks=[(start + timedelta(days=72), "MQL, 1 Nov")],
        ),
        charts.Bars(
            title="Cost per SQL by campaign, in €",
            note="full colour: below the average",
            summary="Webinars were cheapest at €640; the trade fair cost six times as much.",
            measure="€ per SQL",
            bars=[
                charts.Bar(name, value, f"{value:,.2f}", f"{sqls} SQL", value < 1388, "#") for name, value, sqls in bars
            ],
            reference=(1388, "average 1,388"),
        ),
        charts.Stacked(
            title="Where each source’s leads are",
            summary="White papers brought most leads; webinars the largest share of won ones.",
            parts=["won", "open", "lost", "disqualified"],
            rows=[
                ("Webinars", (27, 96, 61, 30)),
                ("White papers", (24, 180, 160, 124)),
                ("Partners and referrals", (7, 41, 18, 11)),
            ],
        ),
        charts.Histogram(
            title="Leads by score",
            summary="92 leads stand at or above the bar of 110.",
            bar_at=6,
            bar_label="MQL bar 110",
            classes=[
                (count(low), value)
                for low, value in zip(range(-10, 181, 20), (12, 230, 344, 260, 141, 88, 51, 24, 12, 5), strict=True)
            ],
        ),
        charts.Lines(
            title="Cost per SQL by month, in €",
            note="line: 2026, dashes: 2025",
            summary="Since April every month was cheaper than the year before.",
            periods=["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct"],
            label="2026",
            before_label="2025",
            values=[1710, 1650, 1690, 1590, 1540, 1600, 1570, 1500, 1450, 1388],
            before=[1480, 1520, 1600, 1590, 1690, 1720, 1700, 1740, 1760, 1730],
        ),
    ]


def _samples() -> dict[str, Any]:
    now = timezone.now()
    sam = SimpleNamespace(pk=2, name="Sam Okafor", email="sam@example.com")
    wrong = SampleForm({"email": "anna@example", "company": "", "owner": "1", "channel": "mail"})
    return {
        "roles": ROLES,
        "schemes": ("light", "dark"),
        "grades": GRADES,
        "stages": STAGES,
        "icons": ICONS,
        "sam": sam,
        "cards": _cards(),
        "form": SampleForm(),
        "wrong_form": wrong,
        "figures": _figures(),
        "sparks": [(60, 62, 70, 88, 92, 110, 124), (130, 128, 121, 113), (58, 58)],
        "clocks": [
            timedelta(hours=7),
            timedelta(hours=3, minutes=10),
            timedelta(minutes=48),
            timedelta(hours=-1, minutes=-20),
        ],
        "bants": [
            _bant("confirmed", "stated", "confirmed", "unknown"),
            _bant("confirmed", "confirmed", "confirmed", "ruled_out"),
            _bant(*["unknown"] * 4),
        ],
        "due": now + timedelta(hours=3),
        "moments": [
            now - timedelta(seconds=20),
            now - timedelta(minutes=12),
            now - timedelta(days=1),
            now - timedelta(days=23),
        ],
        "holders": ("marketing", "handing", "sales", "resting", "nobody"),
        "trends": (18, -5, 0),
    }


@login_required
def kit(request: HttpRequest) -> HttpResponse:
    """For staff only, because it is of no use to anybody else."""
    if not request.user.is_staff:  # type: ignore[union-attr]
        raise PermissionDenied
    return render(request, "kit.html", _samples())
