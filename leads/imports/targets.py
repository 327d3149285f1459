"""What a column of a list can mean: the targets a person chooses from, and the words by which they are recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass

import holidays.registry
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.models import ActivityKind
from crm.text import search_key

KEY, OWN, OWN_COMPANY, ACTIVITY = "key", "own", "own_company", "activity."
PERSON, COMPANY, LEAD, HISTORY, RIGHTS = (
    _("Person"), _("Company"), pgettext_lazy("group of import targets", "Lead"), _("Timeline"), _("Permission"),
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """One meaning: its key in the mapping, its words, and the headers (English, German) that mean it."""

    key: str
    label: str | Promise
    group: str | Promise
    headers: str = ""


#: In the order they are offered. `headers` are compared folded and without signs, parted by blanks.
TARGETS: tuple[Target, ...] = (
    Target(KEY, _("Key in the other system"), PERSON, "id key uid recid prospectid mqlid leadid contactid kontaktid"
           " customerid kundennummer leadnumber opportunityid schulnummer nummer personid"),
    Target("contact.first_name", _("First name"), PERSON, "firstname givenname forename vorname first"),
    Target("contact.last_name", _("Last name"), PERSON, "lastname surname familyname name nachname familienname last"
           " fullname contactname ansprechpartner"),
    Target("contact.email", _("E-mail"), PERSON, "email emailaddress mail mailadresse emailadresse"),
    Target("contact.phone", _("Phone"), PERSON, "phone telephone phonenumber mobile cell telefon telefonnummer tel"
           " mobil handy rufnummer"),
    Target("contact.job_title", _("Job title"), PERSON, "jobtitle title position role occupation funktion beruf rolle"),
    Target("contact.street", _("Street"), PERSON, "street address address1 addressline1 strasse anschrift adresse"),
    Target("contact.postcode", _("Postcode"), PERSON, "postcode zip zipcode zipcodeprefix postalcode plz postleitzahl"),
    Target("contact.city", _("City"), PERSON, "city town suburb ort stadt location wohnort"),
    Target("contact.region", _("Region"), PERSON, "region state province bundesland kanton"),
    Target("contact.country", _("Country"), PERSON, "country countrycode land staat"),
    Target("contact.language", _("Language"), PERSON, "language sprache"),
    Target("contact.linkedin", _("Profile page"), PERSON, "linkedin profile xing profil"),
    Target(OWN, _("Own field of the person"), PERSON),
    Target("company.name", _("Company"), COMPANY, "company companyname organisation organization account firm firma"
           " unternehmen sitename accountname betrieb kurzbezeichnung schulbezeichnung1"),
    Target("company.domain", _("Domain"), COMPANY, "domain"),
    Target("company.website", _("Website"), COMPANY, "website url homepage web webseite internet"),
    Target("company.industry", _("Industry"), COMPANY, "industry sector branche segment businesssegment"),
    Target("company.employees", _("Employees"), COMPANY, "employees staff headcount mitarbeiter beschaeftigte"),
    Target("company.phone", _("Phone of the company"), COMPANY, "companyphone zentrale"),
    Target("company.street", _("Street of the company"), COMPANY),
    Target("company.postcode", _("Postcode of the company"), COMPANY),
    Target("company.city", _("City of the company"), COMPANY, "companycity firmensitz sitz"),
    Target("company.country", _("Country of the company"), COMPANY),
    Target("company.key", _("Key of the company"), COMPANY, "companyid accountid firmennummer"),
    Target(OWN_COMPANY, _("Own field of the company"), COMPANY),
    Target("lead.source", _("Source"), LEAD, "source leadsource origin channel quelle herkunft kanal leadquelle"),
    Target("lead.source_detail", _("Campaign or occasion"), LEAD, "campaign sourcedetail kampagne anlass utmcampaign"),
    Target("lead.stage", _("Stage"), LEAD, "stage status dealstage leadstage leadstatus stufe phase converted"),
    Target("lead.entered_at", _("Lead since"), LEAD, "created createdat createddate date entered firstcontactdate"
           " engagedate leadsince erstellt angelegt datum erstkontakt eingang"),
    Target("lead.stage_at", _("Stage since, or closed on"), LEAD, "closedate wondate closedat abschlussdatum"
           " abgeschlossen stagedate gewonnenam"),
    Target("lead.amount", _("Amount"), LEAD, "amount value dealvalue closevalue revenue umsatz betrag wert summe"),
    Target("lead.currency", _("Currency"), LEAD, "currency waehrung"),
    Target("lead.owner", _("Owner"), LEAD, "owner verantwortlich inhaber betreuer"),
    Target("lead.next_step", _("Next step"), LEAD, "nextstep naechsterschritt"),
    Target("lead.next_step_on", _("Next step on"), LEAD, "nextstepon faellig wiedervorlage duedate"),
    Target("lead.wake_on", _("Wakes on"), LEAD, "wakeon"),
    Target("note", _("Note"), HISTORY, "note notes comment comments remark notiz notizen bemerkung kommentar"),
    Target("objection.", _("Does not want any contact"), RIGHTS, "donotcontact optout werbesperre keinkontakt"),
    Target("objection.email", _("Does not want e-mail"), RIGHTS, "donotemail emailoptout keinemail"),
    Target("objection.phone", _("Does not want calls"), RIGHTS, "donotcall keinanruf telefonsperre"),
)  # fmt: skip
TURNOVER = {"revenue", "umsatz"}  # an amount beside a stage or a date, else a figure of the company
MOMENTS = {"lead.entered_at", "lead.stage_at", "lead.wake_on", "lead.next_step_on"}
NUMBERS = {"lead.amount", "company.employees"}
CHOICES = {"lead.stage", "lead.source"}  # their words are mapped one by one
_BY_HEADER = {word: target.key for target in TARGETS for word in target.headers.split()}

#: Countries as lists write them → the two letters we keep.
COUNTRIES = {
    name: code
    for code, names in {
        "DE": "germany deutschland", "AT": "austria oesterreich", "CH": "switzerland schweiz",
        "FR": "france frankreich",
        "GB": "uk unitedkingdom greatbritain england grossbritannien", "US": "usa unitedstates unitedstatesofamerica",
        "NL": "netherlands niederlande holland", "BE": "belgium belgien", "IT": "italy italien", "ES": "spain spanien",
        "PL": "poland polen", "CZ": "czechia tschechien", "DK": "denmark daenemark", "SE": "sweden schweden",
        "NO": "norway norwegen", "FI": "finland finnland", "IE": "ireland irland", "PT": "portugal",
        "LU": "luxembourg luxemburg", "HU": "hungary ungarn", "RO": "romania rumaenien", "GR": "greece griechenland",
        "IN": "india indien", "AE": "unitedarabemirates uae", "AU": "australia australien", "CA": "canada kanada",
        "SG": "singapore singapur", "BR": "brazil brasilien", "JP": "japan", "CN": "china", "TR": "turkey tuerkei",
        "KE": "kenya kenia", "PH": "philippines philippinen", "JO": "jordan jordanien", "KR": "korea southkorea",
    }.items()
    for name in names.split()
}  # fmt: skip
_FURTHER = {
    word: codes[1]
    for name, codes in holidays.registry.COUNTRIES.items()
    for word in (name.replace("_", ""), codes[2].lower())
}

#: Words for a stage as lists use them → our stage.
STAGES = {
    word: stage
    for stage, words in {
        "lead": "lead new open neu offen no false 0 nein prospecting prospect notresponding kontakt contacted",
        "mql": "mql potential marketingqualified interessent",
        "sal": "sal accepted angenommen",
        "sql": "sql qualified qualifiziert engaging opportunity verkaufschance inprogress inprogresspositive"
               " inprogressnegative angebot proposal negotiation verhandlung",
        "won": "won gewonnen converted closedwon customer kunde yes true 1 ja",
        "lost": "lost verloren closedlost",
        "nurture": "nurture longterm later spaeter",
        "disqualified": "disqualified junk junklead spam invalid justenquiry ungeeignet",
    }.items()
    for word in words.split()
}  # fmt: skip

#: Words for a source as lists use them → the key of a shipped one.
SOURCES = {
    word: key
    for key, words in {
        "organic_search": "google organic organicsearch suche bing livechatgoogleorganic",
        "paid_search": "paidsearch ppc cpc sea adwords googleads", "direct": "direct directtraffic direkt",
        "social": "social socialmedia facebook linkedin xing instagram youtube quora", "email": "email newslettermail",
        "referral": "referral reference empfehlung customerreferral byrecommendation referralsites",
        "contact_form": "website webform form formular kontaktformular landingpagesubmission",
        "call_in": "call anruf phone telefon", "trade_fair": "fair messe tradefair", "display": "display banner",
        "webinar": "webinar", "event": "event veranstaltung", "other": "other otherpublicities sonstige andere",
        "unknown": "unknown unbekannt", "purchased_list": "purchased purchasedlist adresskauf",
    }.items()
    for word in words.split()
}  # fmt: skip


def plain(text: str) -> str:
    """Return `text` as headers and words are compared: folded, umlauts as two letters, letters and digits only."""
    return re.sub(r"[^0-9a-z]", "", search_key(text))


def country(text: str) -> str:
    """Return the two letters of a country by its English name or three letters, the nearer ones also in German."""
    word = plain(text)
    return COUNTRIES.get(word) or _FURTHER.get(word, "")


def by_header(header: str) -> str:
    """Return the target a column of this name usually means, '' when the name says nothing."""
    return _BY_HEADER.get(plain(header), "")


def groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what can be chosen, by group: (group, [(key, words)]), in the reader's language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for target in TARGETS:
        found.setdefault(str(target.group), []).append((target.key, str(target.label)))
    kinds = ((f"{ACTIVITY}{kind.key}", str(kind)) for kind in ActivityKind.objects.exclude(key="note"))
    found[str(HISTORY)] += sorted(kinds, key=lambda kind: kind[1])
    return list(found.items())
