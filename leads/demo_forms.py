"""Three forms of the demo world: a white paper, a newsletter and a request for a demo, each in two languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crm import demo
from crm.demo import World
from crm.models import Contact, Workspace
from leads import gated_files
from leads.models import CaptureForm, Source, Submission

State = Submission.State
EMAIL = {"name": "email", "required": True, "label": {"en": "Work e-mail", "de": "Geschäftliche E\u2011Mail"}}
FIRST, LAST = {"name": "first_name"}, {"name": "last_name"}
COMPANY = {"name": "company"}
FORMS: tuple[dict[str, Any], ...] = (
    {
        "slug": "cold-chains", "name": "White paper: Cold chains", "kind_id": "white_paper", "source": "content",
        "fields": [EMAIL, FIRST | {"required": True}, LAST, COMPANY],
        "consents": ["newsletter:email", "profiling:"],
        "texts": {
            "en": {
                "eyebrow": "White paper, 24 pages, PDF", "title": "Cold chains without blind spots",
                "intro": "Where temperature gets lost between the loading ramp and the shelf, what it costs, and how"
                " three food companies closed the gap while their plants kept running.",
                "points": "Measuring: 40 sensors, one curve | page 4\nRetrofit in running operation | page 11\n"
                "Subsidies in 2026 and who may apply | page 19",
                "heading": "Where shall we send it?", "button": "Send me the white paper",
            },
            "de": {
                "eyebrow": "Whitepaper, 24 Seiten, PDF", "title": "Kühlketten ohne blinde Flecken",
                "intro": "Wo zwischen Laderampe und Regal Temperatur verloren geht, was das kostet und wie drei"
                " Lebensmittelunternehmen die Lücke im laufenden Betrieb geschlossen haben.",
                "points": "Messen: 40 Fühler, eine Kurve | Seite 4\n"
                "Kältemittel im laufenden Betrieb umstellen | Seite 11\n"
                "Fördermöglichkeiten 2026 und wer sie beantragen darf | Seite 19",
                "heading": "Wohin dürfen wir es senden?", "button": "Whitepaper anfordern",
            },
        },
    },
    {
        "slug": "newsletter", "name": "Newsletter", "kind_id": "newsletter_signup", "source": "newsletter",
        "fields": [EMAIL, FIRST], "consents": ["newsletter:email", "profiling:"],
        "texts": {
            "en": {
                "eyebrow": "Once a month, five minutes", "title": "What changes in cooling",
                "intro": "New rules, new refrigerants, one plant we looked at closely. No advertising for others.",
                "heading": "Where shall we send it?",
            },
            "de": {
                "eyebrow": "Einmal im Monat, fünf Minuten", "title": "Was sich in der Kühlung ändert",
                "intro": "Neue Regeln, neue Kältemittel, eine Anlage genau angesehen. Keine Werbung für andere.",
                "heading": "Wohin dürfen wir ihn senden?",
            },
        },
    },
    {
        "slug": "demo", "name": "Ask for a demo", "kind_id": "demo_request", "source": "demo_request",
        "fields": [
            EMAIL, FIRST, LAST | {"required": True}, COMPANY, {"name": "phone"},
            {
                "name": "custom:loading_ramps", "label": {"en": "Loading ramps", "de": "Laderampen"},
                "purpose": {
                    "en": "To show you a site of your size.",
                    "de": "Um Ihnen einen Standort Ihrer Größe zu zeigen.",
                },
            },
            {"name": "message"},
        ],
        "consents": ["offer:email", "offer:phone"],
        "texts": {
            "en": {
                "eyebrow": "30 minutes, on your own data", "title": "See your cold chain as one curve",
                "intro": "An engineer shows you what your sensors already know. You decide afterwards.",
                "points": "Bring a week of readings | CSV\nSee where it warms up | 10 minutes\n"
                "Ask what a retrofit costs | honestly",
                "heading": "When may we call?", "thanks": "An engineer answers within one working day.",
            },
            "de": {
                "eyebrow": "30 Minuten, mit Ihren eigenen Daten", "title": "Ihre Kühlkette als eine Kurve",
                "intro": "Eine Ingenieurin zeigt Ihnen, was Ihre Fühler längst wissen. Danach entscheiden Sie.",
                "points": "Eine Woche Messwerte mitbringen | CSV\nSehen, wo es warm wird | 10 Minuten\n"
                "Fragen, was ein Umbau kostet | ehrlich",
                "heading": "Wann dürfen wir anrufen?", "thanks": "Sie hören innerhalb eines Arbeitstages von uns.",
            },
        },
    },
)  # fmt: skip
PAPER = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 595]/Resources<</Font<</F<</Type/Font/Subtype/Type1"
    b"/BaseFont/Helvetica>>>>>>/Contents 4 0 R>>endobj\n4 0 obj<</Length 62>>stream\n"
    b"BT /F 18 Tf 40 520 Td (Cold chains without blind spots) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
#: how many sendings of each form ended how, oldest last
ENDS = ((State.DONE, 6), (State.PENDING, 2), (State.QUARANTINED, 1), (State.EXPIRED, 2))


@demo.chapter
def write_forms(world: World) -> None:
    """Make the forms, open them to the public, and tell how they did so far."""
    Workspace.objects.filter(pk=1, public_line="").update(public_line="Nordlicht Kältesysteme GmbH, Kiel")
    sources = {source.key: source for source in Source.objects.all()}
    for told in FORMS:
        if CaptureForm.objects.filter(slug=told["slug"]).exists():
            continue
        rest = {name: value for name, value in told.items() if name != "source"}
        form = CaptureForm.objects.create(
            **rest, source=sources[told["source"]], active=True, is_demo=True, created_by=world.people["mia"]
        )
        if form.slug == "cold-chains":
            kind = gated_files.TYPES[".pdf"]
            gated_files.keep(form, "Cold chains without blind spots.pdf", kind, PAPER)
        Submission.objects.bulk_create(_sendings(world, form))


def _sendings(world: World, form: CaptureForm) -> list[Submission]:
    people = list(Contact.objects.filter(is_demo=True).exclude(email="").order_by("pk")[:6])
    ends = [state for state, number in ENDS for _place in range(number)]
    if not form.waits_for_confirmation:
        ends = [state for state in ends if state in {State.DONE, State.QUARANTINED}]
    return [_sending(world, form, place, state, people) for place, state in enumerate(ends)]


def _sending(world: World, form: CaptureForm, place: int, state: str, people: list[Contact]) -> Submission:
    at, name = world.now - timedelta(hours=5 + 26 * place), f"demo-{form.slug}-{place}"
    submission = Submission(
        form=form, form_version=1, key=name, address=name, network="192.0.2.0/24", state=state, language="de",
        submitted_at=at,
    )  # fmt: skip
    if state == State.QUARANTINED:
        submission.suspicions = ["too_fast", "link"]
        submission.values = {"email": "win@prize.example.org", "first_name": "www.prize.example.org"}
    if state == State.DONE and people:
        submission.contact = people[place % len(people)]
        submission.confirmed_at = at + timedelta(minutes=9) if form.waits_for_confirmation else None
    return submission


@demo.after_removal
def remove_forms() -> None:
    """Delete the forms of the demo world; one that real people have sent stays, closed to the public."""
    Submission.objects.filter(form__is_demo=True, key__startswith="demo-").delete()
    CaptureForm.objects.filter(is_demo=True, submissions=None).delete()
    CaptureForm.objects.filter(is_demo=True).update(active=False, is_demo=False)
    Workspace.objects.filter(pk=1, public_line="Nordlicht Kältesysteme GmbH, Kiel").update(public_line="")
