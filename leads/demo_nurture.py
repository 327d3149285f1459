"""What the demo world's marketing sends to people who rest."""

from __future__ import annotations

from crm import demo
from crm.demo import World
from leads import nurture
from leads.models import NurtureContent, NurtureTopic, Phase

#: name, the words it is known by, (phase, title, path) of what may be sent
TOPICS = (
    ("Retrofit", "retrofit, spare parts, ersatzteil", (
        (Phase.AWARENESS, "Checklist for hall retrofits", "checklist"),
        (Phase.CONSIDERATION, "Retrofit without standstill: a case study", "case"),
    )),
    ("Heat recovery", "heat, wärme, kilowatt", (
        (Phase.AWARENESS, "Heat that you paid for", "heat"),
        (Phase.DECISION, "What a recovery unit pays back", "payback"),
    )),
    ("Refrigerants", "f-gas, refrigerant, kältemittel", (
        (Phase.AWARENESS, "What the F-gas rules change", "f-gas"),
        (Phase.CONSIDERATION, "Refrigerants after 2027, compared", "compared"),
    )),
    ("Cold chains", "cold, dairy, hall", ((Phase.CONSIDERATION, "Cold chains without blind spots", "cold-chains"),)),
)  # fmt: skip


@demo.chapter
def suggest_contents(world: World) -> None:
    """Add the topics and contents, and group who rests."""
    if NurtureTopic.objects.filter(is_demo=True).exists():
        return
    for name, words, contents in TOPICS:
        topic, is_new = NurtureTopic.objects.get_or_create(name=name, defaults={"words": words, "is_demo": True})
        if is_new:
            NurtureContent.objects.bulk_create(
                NurtureContent(
                    topic=topic, phase=phase, title=title, address=f"https://example.com/{path}/", is_demo=True
                )
                for phase, title, path in contents
            )
    while nurture.group():
        pass


@demo.after_removal
def forget_contents() -> None:
    """Take the topics and contents off again; a topic that real contents name stays."""
    NurtureContent.objects.filter(is_demo=True).delete()
    NurtureTopic.objects.filter(is_demo=True, contents=None).delete()
    NurtureTopic.objects.filter(is_demo=True).update(is_demo=False)
