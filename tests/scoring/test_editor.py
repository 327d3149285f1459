"""The editor's pages: plain forms that say what is wrong, who was faster, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import consents, contacts
from crm.models import Contact, User
from scoring import awaited, contents, desk, drafting, personas, publishing, signing, versions
from scoring.models import Criterion, Persona, ScorecardVersion
from tests.cast import Cast, a_lead, ada
from tests.scoring.test_versions import a_changed_draft, change_points, live, put_live, seen

pytestmark = pytest.mark.django_db


def as_(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


@pytest.fixture
def draft(cast: Cast) -> ScorecardVersion:
    return versions.start_draft(live(), by=cast.mia)


def posted(draft: ScorecardVersion, key: str, **values: Any) -> dict[str, Any]:
    """Return what the form of a criterion sends when nothing is touched, with some fields touched."""
    row = draft.criteria.get(key=key)
    own = {"seen": drafting.seal_of(row), "label": str(row), "points": row.points, "group": row.group.key}
    if row.is_of_activities:
        own |= {"sort": row.kind, "window": row.window, "half_life": row.half_life or "", "cap": row.cap or ""}
        own |= {"max_count": row.max_count or ""}
    else:
        own |= {"fact": row.fact, "operator": row.operator}
    return own | values


def url(draft: ScorecardVersion, key: str) -> str:
    return reverse("criterion", args=[draft.pk, draft.criteria.get(key=key).pk])


# --- Criteria -----------------------------------------------------------------------------------------


def test_a_criterion_is_changed_by_a_plain_form(cast: Cast, draft: ScorecardVersion) -> None:
    answer = as_(cast.mia).post(url(draft, "white_paper"), posted(draft, "white_paper", points=12, cap=""))
    row = draft.criteria.get(key="white_paper")
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"/edit/#criterion-{row.pk}")
    assert (row.points, row.cap, row.label) == (12, None, "White paper")
    (change,) = contents.differences(live(), draft)
    assert (change.key, change.fields) == ("white_paper", ("points", "cap"))


def test_a_form_sent_back_untouched_changes_nothing(cast: Cast, draft: ScorecardVersion) -> None:
    User.objects.filter(pk=cast.mia.pk).update(language="de")
    browser = as_(cast.mia)
    for row in draft.criteria.select_related("group"):
        page = browser.get(reverse("scorecard_edit", args=[draft.pk]), {"open": f"criterion-{row.pk}"})
        form = page.context["opened"]["form"]
        sent: dict[str, Any] = {}
        for field in form:
            value = field.value()
            sent[field.name] = "" if value is None else value
        answer = browser.post(reverse("criterion", args=[draft.pk, row.pk]), sent)
        assert answer.status_code == 302, (row.key, answer.context and answer.context["opened"]["form"].errors)
    assert contents.differences(live(), draft) == []


@pytest.mark.parametrize(
    ("ask", "sent", "said"),
    [
        ("fact=industry&operator=in", {"value": "Food\nLebensmittel\n\n"}, ["Food", "Lebensmittel"]),
        ("fact=employees&operator=between", {"low": "50", "high": "999"}, [50, 999]),
        ("fact=seniority&operator=in", {"value": ["head", "vp"]}, ["head", "vp"]),
        ("fact=seniority&operator=is", {"value": "head"}, "head"),
        ("fact=free_mail&operator=is", {"value": "no"}, False),
        ("fact=city&operator=is_missing", {}, None),
        ("fact=job_title&operator=contains", {"value": "^(a+)+$"}, "^(a+)+$"),
        ("fact=custom.Branch&operator=is", {"value": "7", "as_number": "on"}, 7),
        ("fact=custom.Branch&operator=is", {"value": "7"}, "7"),
        ("fact=completeness&operator=at_least", {"value": "60"}, 60),
    ],
)
def test_every_fact_has_its_form(cast: Cast, draft: ScorecardVersion, ask: str, sent: Any, said: Any) -> None:
    address = f"{reverse('criterion_new', args=[draft.pk])}?{ask}"
    browser = as_(cast.mia)
    page = browser.get(address)
    assert page.status_code == 200
    operator = page.context["form"]["operator"].value()
    answer = browser.post(address, {"points": 5, "group": "company", "operator": operator, "label": "Mine"} | sent)
    assert answer.status_code == 302
    row = draft.criteria.get(label="Mine")
    assert (row.value, row.kind) == (said, "missing" if said is None else "profile")


def test_an_activity_is_asked_by_its_properties(cast: Cast, draft: ScorecardVersion) -> None:
    address = f"{reverse('criterion_new', args=[draft.pk])}?activity=page_view"
    sent = {
        "sort": "engagement", "points": 4, "group": "website", "label": "", "window": 30, "half_life": 14,
        "max_count": 3, "cap": 10, "property_0": "path", "operator_0": "starts_with", "value_0": "/pricing",
    }  # fmt: skip
    assert as_(cast.mia).post(address, sent).status_code == 302
    row = draft.criteria.get(activity_kind_id="page_view")
    assert row.where == [{"property": "path", "operator": "starts_with", "value": "/pricing"}]
    assert row.label == "Visited a page, where path starts with “/pricing”"
    assert "".join(piece.text for piece in desk.pieces(row)) == (
        "Visited a page, where path starts with “/pricing”, only the newest 3, within 30 days, halves in 14 days, "
        "at most 10 points"
    )


@pytest.mark.parametrize(
    ("ask", "sent", "field"),
    [
        ("fact=employees&operator=at_least", {"value": "many"}, "value"),
        ("fact=seniority&operator=is", {"value": "king"}, "value"),
        ("fact=city&operator=is", {"value": ""}, "value"),
        ("fact=city&operator=is", {"value": "Ulm", "points": "1001"}, "points"),
        ("fact=city&operator=is", {"value": "Ulm", "group": "elsewhere"}, "group"),
        ("fact=custom.religion&operator=is", {"value": "x"}, None),
        ("activity=page_view", {"sort": "engagement", "window": 0}, "window"),
        ("activity=page_view", {"sort": "engagement", "window": 9, "property_0": "a'", "operator_0": "is_known"},
         "property_0"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field(
    cast: Cast, draft: ScorecardVersion, ask: str, sent: Any, field: str | None
) -> None:
    before = draft.criteria.count()
    own = {"points": 5, "group": "company", "label": "Mine"}
    answer = as_(cast.mia).post(f"{reverse('criterion_new', args=[draft.pk])}?{ask}", own | sent)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field or "fact"]
    assert 'aria-invalid="true"' in answer.content.decode() or field is None
    assert draft.criteria.count() == before


@pytest.mark.parametrize("ask", ["fact=owner__password", "activity=nothing", "fact=custom."])
def test_an_unknown_question_is_not_found(cast: Cast, draft: ScorecardVersion, ask: str) -> None:
    assert as_(cast.mia).get(f"{reverse('criterion_new', args=[draft.pk])}?{ask}").status_code == 404


def test_two_people_change_one_criterion(cast: Cast, draft: ScorecardVersion) -> None:
    mine = posted(draft, "white_paper", points=12)
    change_points(draft, "white_paper", 14, cast.lena)
    answer = as_(cast.mia).post(url(draft, "white_paper"), mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Lena Brandt saved this while you were editing." in page
    assert "<td>12</td><td>14</td>" in "".join(page.split("\n")).replace("  ", "")
    assert draft.criteria.get(key="white_paper").points == 14
    again = mine | {"seen": answer.context["seen"]}
    assert as_(cast.mia).post(url(draft, "white_paper"), again).status_code == 302
    assert draft.criteria.get(key="white_paper").points == 12


def test_two_people_change_different_criteria(cast: Cast, draft: ScorecardVersion) -> None:
    mine = posted(draft, "white_paper", points=12)
    change_points(draft, "webinar", 14, cast.lena)
    assert as_(cast.mia).post(url(draft, "white_paper"), mine).status_code == 302


def test_a_removed_criterion_is_not_written(cast: Cast, draft: ScorecardVersion) -> None:
    row, mine = draft.criteria.get(key="video"), posted(draft, "video", points=12)
    address = url(draft, "video")
    sent = {"seen": drafting.seal_of(row)}
    removed = as_(cast.lena).post(reverse("scorecard_remove", args=[draft.pk, "criterion", row.pk]), sent)
    assert removed.status_code == 302
    assert not draft.criteria.filter(key="video").exists()
    assert as_(cast.mia).post(address, mine).status_code == 302
    assert not draft.criteria.filter(key="video").exists()


def test_a_stale_removal_removes_nothing(cast: Cast, draft: ScorecardVersion) -> None:
    row = draft.criteria.get(key="video")
    as_(cast.mia).post(reverse("scorecard_remove", args=[draft.pk, "criterion", row.pk]), {"seen": "x"})
    assert draft.criteria.filter(key="video").exists()


def test_criteria_are_ordered_by_buttons(cast: Cast, draft: ScorecardVersion) -> None:
    def order() -> list[str]:
        return list(draft.criteria.filter(group__key="role").values_list("key", flat=True))[:3]

    head = draft.criteria.get(key="head")
    browser = as_(cast.mia)
    address = reverse("scorecard_move", args=[draft.pk, "criterion", head.pk])
    assert order() == ["top", "head", "manager"]
    browser.post(address, {"to": "up"})
    assert order() == ["head", "top", "manager"]
    browser.post(address, {"to": "up"})
    assert order() == ["head", "top", "manager"]
    browser.post(address, {"to": "down"})
    browser.post(address, {"to": "down"})
    assert order() == ["top", "manager", "head"]
    assert contents.differences(live(), draft) == []


def test_groups_are_made_changed_and_removed_when_empty(cast: Cast, draft: ScorecardVersion) -> None:
    browser = as_(cast.mia)
    sent = {"label": "Region", "dimension": "fit", "minimum": 0, "maximum": 20}
    assert browser.post(reverse("criterion_group_new", args=[draft.pk]), sent).status_code == 302
    group = draft.groups.get(key="region")
    address = reverse("criterion_group", args=[draft.pk, group.pk])
    wrong = browser.post(address, sent | {"minimum": 30, "seen": drafting.seal_of(group)})
    assert (wrong.status_code, list(wrong.context["opened"]["form"].errors)) == (422, ["maximum"])
    assert browser.post(address, sent | {"maximum": 25, "seen": drafting.seal_of(group)}).status_code == 302
    group.refresh_from_db()
    full = draft.groups.get(key="role")
    for row in (group, full):
        browser.post(reverse("scorecard_remove", args=[draft.pk, "group", row.pk]), {"seen": drafting.seal_of(row)})
    assert list(draft.groups.filter(key__in=["region", "role"]).values_list("key", flat=True)) == ["role"]


def test_bars_are_changed_and_checked(cast: Cast, draft: ScorecardVersion) -> None:
    address = reverse("scorecard_bars", args=[draft.pk])
    sent = contents.of_bars(draft) | {"seen": drafting.seal_of(draft), "note": "Lower bar."}
    wrong = as_(cast.mia).post(address, sent | {"leave_total": 80})
    assert (wrong.status_code, list(wrong.context["opened"]["bars"].errors)) == (422, ["leave_total"])
    saved = as_(cast.mia).post(address, sent | {"bar_total": 100, "skip_review": ["A1", "B1"]})
    assert saved.status_code == 302
    draft.refresh_from_db()
    assert (draft.bar_total, draft.skip_review, draft.note) == (100, ["A1", "B1"], "Lower bar.")
    assert as_(cast.lena).post(address, sent | {"bar_total": 90}).status_code == 409


# --- The round ------------------------------------------------------------------------------------------


def test_a_round_by_plain_forms(cast: Cast, draft: ScorecardVersion) -> None:
    change_points(draft, "white_paper", 12, cast.mia)
    mia, lena = as_(cast.mia), as_(cast.lena)

    def page(browser: Client) -> Any:
        return browser.get(reverse("scorecard_version", args=[draft.pk]))

    def send(browser: Client, name: str, **values: Any) -> Any:
        return browser.post(reverse(name, args=[draft.pk]), {"seen": page(browser).context["digest"]} | values)

    assert send(mia, "scorecard_review").status_code == 302
    assert [side["may"] for side in page(mia).context["sides"]] == [True, False]
    assert [side["may"] for side in page(lena).context["sides"]] == [False, True]
    assert send(mia, "scorecard_sign", side="sales").status_code == 403
    assert send(lena, "scorecard_sign", side="sales", seen="0" * 64).status_code == 409
    assert send(mia, "scorecard_sign", side="marketing", note="Read.").status_code == 302
    assert send(lena, "scorecard_sign", side="sales").status_code == 302
    refused = send(mia, "scorecard_publish", reason="")
    assert refused.status_code == 409
    assert "Say why this version goes live." in refused.content.decode()
    refused = send(mia, "scorecard_publish", reason="It is time.")
    assert "without a back-test" in refused.content.decode()
    assert send(mia, "scorecard_publish", reason="It is time.", without_backtest="Nothing old yet.").status_code == 302
    assert publishing.carry_on(seconds=60)
    told = page(as_(cast.sam)).content.decode()
    assert live().pk == draft.pk
    for words in ("It is time.", "Nothing old yet.", "Whom it touched", "Mia Kowalczyk", "Signed for sales"):
        assert words in told
    first = ScorecardVersion.objects.get(number=1)
    back = mia.post(reverse("scorecard_roll_back", args=[first.pk]), {"reason": "Too many."})
    assert back.status_code == 302
    third = ScorecardVersion.objects.get(number=3)
    assert (third.state, contents.of_version(third)) == ("in_review", contents.of_version(first))


def test_signers_see_what_waits_for_them(cast: Cast, draft: ScorecardVersion) -> None:
    def waiting() -> list[int | None]:
        found = [awaited.versions(user) for user in (cast.mia, cast.max, cast.lena, cast.ava)]
        return [None if rows is None else rows.count() for rows in found]

    assert waiting() == [0, None, 0, None]
    versions.send_to_review(draft, by=cast.mia, seen=seen(draft))
    assert waiting() == [1, None, 1, None]
    versions.sign(draft, "marketing", by=cast.mia, seen=seen(draft))
    assert waiting() == [0, None, 1, None]


WRITES = (
    "scorecard_draft", "scorecard_roll_back", "scorecard_review", "scorecard_take_back", "scorecard_discard",
    "scorecard_sign", "scorecard_publish", "scorecard_bars", "criterion_new", "criterion_group_new", "persona_new",
)  # fmt: skip


def test_a_rep_reads_and_changes_nothing(cast: Cast, draft: ScorecardVersion) -> None:
    Persona.objects.create(name="Ideal", conditions=[{"fact": "country", "operator": "is", "value": "DE"}])
    before = contents.of_version(draft), signing.valid(draft), draft.state
    sam = as_(cast.sam)
    for name in ("scorecards", "personas"):
        assert sam.get(reverse(name)).status_code == 200
    for args in ([draft.pk], [live().pk]):
        assert sam.get(reverse("scorecard_version", args=args)).status_code == 200
    assert sam.get(reverse("scorecard_compare", args=[draft.pk, live().pk])).status_code == 200
    assert sam.get(reverse("scorecard_edit", args=[draft.pk])).status_code == 403
    for name in WRITES:
        address = reverse(name, args=[] if name == "persona_new" else [draft.pk])
        assert sam.post(address, {"side": "sales", "seen": seen(draft)}).status_code == 403, name
    row = draft.criteria.all()[0]
    for what, name in (("criterion", "scorecard_remove"), ("criterion", "scorecard_move")):
        assert sam.post(reverse(name, args=[draft.pk, what, row.pk])).status_code == 403
    draft.refresh_from_db()
    assert (contents.of_version(draft), signing.valid(draft), draft.state) == before


def test_a_frozen_version_has_no_editor(cast: Cast) -> None:
    mia = as_(cast.mia)
    version = live()
    assert mia.get(reverse("scorecard_edit", args=[version.pk])).status_code == 302
    row = version.criteria.all()[0]
    for address in (
        reverse("criterion", args=[version.pk, row.pk]), reverse("scorecard_bars", args=[version.pk]),
        reverse("scorecard_remove", args=[version.pk, "criterion", row.pk]),
        reverse("criterion_new", args=[version.pk]),
    ):  # fmt: skip
        assert mia.post(address, {"points": 1}).status_code == 404


def test_the_page_says_what_is_odd_and_what_changed(cast: Cast, draft: ScorecardVersion) -> None:
    a_lead()
    drafting.save_criterion(
        draft,
        {"kind": "profile", "fact": "postcode", "operator": "is", "value": "1", "points": 5, "group": "company"},
        by=cast.mia,
    )
    change_points(draft, "white_paper", 12, cast.mia)
    page = as_(cast.mia).get(reverse("scorecard_edit", args=[draft.pk])).content.decode()
    for words in ("2 changes to live", "never true", "delicate", "A postcode can stand for origin", "+10</del>+12"):
        assert words in page


def test_the_editor_costs_the_same_for_few_and_many_criteria(cast: Cast, draft: ScorecardVersion) -> None:
    mia, address = as_(cast.mia), reverse("scorecard_edit", args=[draft.pk])
    mia.get(address)
    with CaptureQueriesContext(connection) as many:
        mia.get(address)
    Criterion.objects.filter(version=draft, position__gt=3).delete()
    mia.get(address)
    with CaptureQueriesContext(connection) as few:
        mia.get(address)
    assert len(few) <= len(many) <= 60
    assert len(many) - len(few) <= 2


def test_versions_are_compared_in_words(cast: Cast) -> None:
    draft = a_changed_draft(cast)
    page = as_(cast.sam).get(reverse("scorecard_compare", args=[draft.pk, live().pk])).content.decode()
    assert "White paper" in page
    assert "<del>10</del>" in page
    assert "<ins>11</ins>" in page
    assert put_live  # the round itself stands in test_versions


# --- Personas -------------------------------------------------------------------------------------------


def test_a_lead_says_whom_it_matches(cast: Cast) -> None:
    sent = {
        "name": "Mid-size machinery", "kind": "ideal_customer", "description": "", "fact_0": "industry",
        "operator_0": "in", "value_0": "Mechanical engineering, Automotive", "fact_1": "employees",
        "operator_1": "between", "value_1": "50–999", "fact_2": "seniority", "operator_2": "is", "value_2": "Manager",
    }  # fmt: skip
    assert as_(cast.mia).post(reverse("persona_new"), sent).status_code == 302
    persona = Persona.objects.get()
    assert [one["value"] for one in persona.conditions] == [["Mechanical engineering", "Automotive"], [50, 999],
                                                            "manager"]  # fmt: skip
    lead, other = a_lead(), a_lead(ada(email="b@acme.example", job_title="Intern"))
    found = personas.matches([lead.contact_id, other.contact_id])
    assert found == {lead.contact_id: [persona], other.contact_id: []}
    page = as_(cast.sam if lead.owner == cast.sam else cast.mia).get(reverse("lead_score", args=[lead.pk]))
    assert page.context["personas"] == [persona]
    consents.note(lead.contact, "objected", purpose="profiling", source="test")
    assert personas.matches([lead.contact_id]) == {lead.contact_id: []}


def test_a_persona_asks_nothing_forbidden_and_nobody_is_overwritten(cast: Cast) -> None:
    contact = a_lead().contact
    contacts.update_contact(Contact.objects.get(pk=contact.pk), {"custom": {"religion": "x"}}, by=None, source="test")
    mia = as_(cast.mia)
    sent = {"name": "P", "kind": "persona", "fact_0": "city", "operator_0": "is", "value_0": "Ulm"}
    assert mia.post(reverse("persona_new"), sent | {"fact_0": "custom.religion"}).status_code == 422
    assert mia.post(reverse("persona_new"), sent | {"fact_0": "", "operator_0": ""}).status_code == 422
    assert mia.post(reverse("persona_new"), sent | {"operator_0": "at_least"}).status_code == 422
    assert Persona.objects.count() == 0
    mia.post(reverse("persona_new"), sent)
    persona = Persona.objects.get()
    read = personas.digest(persona)
    address = reverse("persona", args=[persona.pk])
    assert mia.post(address, sent | {"seen": read, "value_0": "Bonn"}).status_code == 302
    clash = as_(cast.lena).post(address, sent | {"seen": read, "value_0": "Köln"})
    assert (clash.status_code, Persona.objects.get().conditions[0]["value"]) == (409, "Bonn")
    assert "City is Bonn" in clash.content.decode()
    assert mia.post(reverse("persona_new"), sent).status_code == 422
    assert mia.post(reverse("persona_remove", args=[persona.pk])).status_code == 302
    assert Persona.objects.count() == 0
