"""Every setting there is: where it stands, what it does, what it is by default. The search over settings reads it (E1).

The apps on the right add their own; crm knows them by URL name only.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.text import search_key


@dataclass(frozen=True)
class Place:
    """One page of the settings, in the side navigation."""

    name: str
    label: str | Promise
    about: str | Promise
    icon: str
    group: str | Promise
    position: int

    @property
    def url(self) -> str:
        return reverse(self.name)


@dataclass(frozen=True)
class Setting:
    """One thing that can be set: its page, its words, its effect and its default."""

    place: str
    label: str | Promise
    effect: str | Promise
    default: str | Promise
    anchor: str = ""

    @property
    def url(self) -> str:
        return reverse(self.place) + (f"#{self.anchor}" if self.anchor else "")


PEOPLE, LISTS, SYSTEM = _("People"), _("Lists and rules"), _("Running it")
PLACES: list[Place] = [
    Place("settings_people", _("People"), _("Who works here, with which role"), "users", PEOPLE, 10),
    Place("settings_teams", _("Teams"), _("Queues, working hours, territories"), "users-round", PEOPLE, 20),
    Place("settings_workspace", _("Workspace"), _("Name, language, currency, who reads what"), "building-2", LISTS, 30),
    Place(
        "settings_public", _("Public pages"), _("Your web sites, and the links below every form"), "globe", LISTS, 35
    ),
    Place("settings_kinds", _("Activity kinds"), _("What can happen with a contact"), "activity", LISTS, 60),
    Place("settings_tracking", _("Tracking"), _("Write keys, and what pages and events mean"), "radio", LISTS, 65),
    Place("settings_email", _("E-mail"), _("What mail providers tell, and whether opening counts"), "mail", LISTS, 66),
    Place("settings_webhooks", _("Webhooks"), _("Other systems that are told what happens"), "webhook", SYSTEM, 67),
    Place(
        "settings_recipients", _("Recipients"), _("Who receives personal data, and what for"), "book-user", SYSTEM, 68
    ),
    Place(
        "settings_deliveries", _("Deliveries"), _("Mail and webhooks on their way, and what failed"), "send", SYSTEM, 70
    ),
    Place(
        "settings_tokens", _("Tokens"), _("Programs that act for people, and what they may do"), "key-round", SYSTEM, 75
    ),
    Place("settings_health", _("Health"), _("Worker, queues, database, disk"), "heart-pulse", SYSTEM, 80),
    Place("settings_audit", _("Audit log"), _("Who changed what, and when"), "scroll-text", SYSTEM, 90),
]
SETTINGS: list[Setting] = [
    Setting(
        "settings_people",
        _("Invite a person"),
        _("Adds somebody with a role, a team and a link to choose a password."),
        "–",
    ),
    Setting(
        "settings_people",
        _("Role"),
        _("Decides what a person sees and may do, from their next click on."),
        _("Sales rep"),
    ),
    Setting("settings_people", _("May sign in"), _("Off ends every session of the person at once."), _("On")),
    Setting(
        "settings_people",
        _("Signs scorecards"),
        _("A scorecard goes live only with a signature of each side."),
        _("Off"),
    ),
    Setting(
        "settings_people",
        _("Open leads at most"),
        _("Keeps the rules from giving this person more; 0 gives none."),
        _("As the team"),
    ),
    Setting("settings_teams", _("Side"), _("Marketing hands over, sales accepts."), _("Sales")),
    Setting("settings_teams", _("Territory"), _("Countries whose leads go to this team."), _("Every country")),
    Setting(
        "settings_teams", _("Working hours"), _("The answer clock runs only then."), _("Monday to Friday, 9:00–18:00")
    ),
    Setting(
        "settings_teams", _("Public holidays"), _("The answer clock stands still on them."), _("Germany, all states")
    ),
    Setting("settings_teams", _("Time zone"), _("Working hours are meant in it."), _("As the workspace")),
    Setting("settings_teams", _("24 and 31 December are half days"), _("Work ends at noon on both days."), _("Off")),
    Setting("settings_teams", _("Days of your own"), _("The answer clock stands still, or stops at noon."), _("None")),
    Setting(
        "settings_teams", _("Working hours to answer, by grade"), _("A better grade is due sooner."), _("As the team")
    ),
    Setting("settings_teams", _("Reminder, working minutes before"), _("Whoever has to answer gets a mail."), "60"),
    Setting(
        "settings_teams",
        _("Re-assign so many working hours after"),
        _("Somebody else gets the lead, once."),
        _("Never"),
    ),
    Setting(
        "settings_teams",
        _("How leads are given out"),
        _("In turn, to whoever has the fewest open leads, or into the queue."),
        _("In turn"),
    ),
    Setting("settings_teams", _("Open leads per person"), _("Nobody gets more by rule."), "50"),
    Setting("settings_teams", _("Working hours to answer a handoff"), _("Then the handoff is overdue."), "8"),
    Setting("settings_teams", _("Accept handoffs automatically"), _("Offered leads become SAL at once."), _("Off")),
    Setting(
        "settings_teams", _("Ask for the qualification checklist"), _("Off: SQL without confirmed topics."), _("On")
    ),
    Setting("settings_workspace", _("Name"), _("Shown in mails and on printed pages."), "–", "id_name"),
    Setting(
        "settings_workspace", _("Language"), _("For people you invite and for mails."), _("English"), "id_language"
    ),
    Setting("settings_workspace", _("Currency"), _("For new leads and all sums."), "EUR", "id_currency"),
    Setting(
        "settings_workspace",
        _("Sales reps may read every lead"),
        _("Off: their own and their team’s only."),
        _("Off"),
        "id_reps_read_everything",
    ),
    Setting(
        "settings_workspace",
        _("Sales reps may export what they see"),
        _("Off: reps cannot make files of lists."),
        _("Off"),
        "id_reps_may_export",
    ),
    Setting(
        "settings_workspace", _("Time zone"), _("Days and due times follow it; chosen once, at the first start."), "–"
    ),
    Setting(
        "settings_public",
        _("Our web sites"),
        _("Only there can a form be embedded, and only there does it go on to."),
        _("None"),
        "id_addresses",
    ),
    Setting(
        "settings_public",
        _("Imprint, privacy notice, accessibility"),
        _("Linked below every public page."),
        _("None"),
        "id_imprint_url",
    ),
    Setting(
        "settings_public",
        _("Days until an unconfirmed sign-up vanishes"),
        _("What nobody confirmed by then is deleted."),
        "14",
        "id_unconfirmed_days",
    ),
    Setting(
        "settings_kinds",
        _("Own activity kinds"),
        _("Can be recorded, scored and filtered like the shipped ones."),
        _("None"),
    ),
    Setting("settings_tracking", _("Write keys"), _("Let a site or an app send what people do."), _("None")),
    Setting(
        "settings_tracking",
        _("What pages and events mean"),
        _("Pages by their path and events by their name count as kinds of activities."),
        _("The shipped list"),
    ),
    Setting("settings_webhooks", _("Webhooks"), _("Tell other systems of moves, handoffs and grades."), _("None")),
    Setting(
        "settings_webhooks",
        _("Send name, e-mail address, phone and company along"),
        _("Off: numbers and facts only."),
        _("Off"),
    ),
    Setting("settings_webhooks", _("Serves marketing"), _("Nothing about people we may not market to."), _("Off")),
    Setting("settings_webhooks", _("Secret"), _("A new one overlaps with the one before for seven days."), "–"),
    Setting("settings_recipients", _("Register of recipients"), _("Recipient, purpose, country, contract; kept."), "–"),
    Setting(
        "settings_email",
        _("Count opened e-mails"),
        _("Off: what providers tell about opened mails is not kept."),
        _("Off"),
        "id_counts_opens",
    ),
    Setting("settings_email", _("Mail providers"), _("Where each sends its events, and which are let in."), _("None")),
    Setting(
        "settings_deliveries", _("Send again or discard"), _("For mail and webhooks that failed eight times."), "–"
    ),
    Setting(
        "settings_tokens",
        _("Tokens of the API"),
        _("Who may act through a program; a token is revoked at once."),
        _("None"),
    ),
    Setting(
        "preferences",
        _("Language, time zone, colours, density"),
        _("How you see Baton; for you only."),
        _("As the workspace"),
    ),
    Setting("absences", _("Absences"), _("When you are away, or people of yours."), _("None")),
    Setting("preferences", _("Single-key shortcuts"), _("Off: single keys do nothing."), _("On")),
    Setting("preferences", _("First page after signing in"), _("Where you begin."), _("Today")),
]


def places() -> list[Place]:
    """Return the pages that exist, in order."""
    found = []
    for place in sorted(PLACES, key=lambda one: one.position):
        try:
            reverse(place.name)
        except NoReverseMatch:
            continue
        found.append(place)
    return found


def find(question: str) -> list[Setting]:
    """Return the settings whose words hold every word of `question`, in the reader's language."""
    words = search_key(question).split()
    return [
        one for one in SETTINGS if all(word in search_key(f"{one.label} {one.effect} {one.default}") for word in words)
    ]
