"""The names of the demo world: invented people and companies, German and from abroad."""

from __future__ import annotations

from dataclasses import dataclass

Cities = tuple[tuple[str, str], ...]  # city, region


@dataclass(frozen=True)
class Land:
    """How people and companies of a country are called. Family names differ by gender where the language says so."""

    language: str
    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]
    cities: Cities
    forms: tuple[str, ...]
    of_women: tuple[str, ...] = ()

    def family(self, place: int, *, woman: bool) -> str:
        names = self.of_women if woman and self.of_women else self.families
        return names[place % len(names)]


LANDS: dict[str, Land] = {
    "DE": Land(
        "de",
        (
            "Annegret", "Hannelore", "Ottilie", "Ingeborg", "Maximiliane", "Friederike", "Cäcilie", "Katharina",
            "Hildegard", "Mechthild", "Anneliese", "Käthe", "Ulrike", "Wiebke", "Greta", "Silke", "Franziska", "Imke",
            "Birgit", "Leonie", "Tamara", "Dagmar", "Aylin", "Henrike", "Sabine", "Elfriede", "Renate", "Gesine",
        ),
        (
            "Jonas", "Ferdinand", "Carsten", "Tobias", "Jörg", "Sören", "Detlef", "Thorsten", "Jürgen", "Heiner",
            "Volker", "Burkhard", "Steffen", "Matthias", "Rüdiger", "Arne", "Yusuf", "Björn", "Konrad", "Malte",
            "Nils", "Eberhard", "Lorenz", "Hartmut",
        ),
        (
            "Oltmanns", "Achterberg", "Steinbrück", "Grünewald", "Wiedenbrück", "Kranzbühler", "Schallenberger",
            "Lindenmaier", "Hohenfels", "Saalfeld", "Brömmelhaupt", "Weißenborn", "Zumwinkel", "Rosendahl",
            "Quadflieg", "Demirtaş", "Petersen", "Kaltenbach", "Möllenkamp", "Vogelsang", "Tiefensee", "Hagedorn",
            "Blankenburg", "Süßmilch", "Ahrens", "Dörnberg", "Eggebrecht", "Fehrenbach", "Giesebrecht", "Hülsmann",
            "Janßen", "Kellinghusen", "Löwenstein", "Marquardt", "Nottebohm", "Overbeck", "Pfannenschmidt", "Lütke",
            "Stoltenfels", "Thielemann", "Uhlenbrock", "Wachholz", "Ziegenhain", "Buchwald", "Königsmann", "Rautenberg",
        ),
        (
            ("Stendal", "Sachsen-Anhalt"), ("Oldenburg", "Niedersachsen"), ("Wedel", "Schleswig-Holstein"),
            ("Mainz", "Rheinland-Pfalz"), ("Siegen", "Nordrhein-Westfalen"), ("Meppen", "Niedersachsen"),
            ("Görlitz", "Sachsen"), ("Lüneburg", "Niedersachsen"), ("Fulda", "Hessen"), ("Trier", "Rheinland-Pfalz"),
            ("Ulm", "Baden-Württemberg"), ("Passau", "Bayern"), ("Rostock", "Mecklenburg-Vorpommern"),
            ("Würzburg", "Bayern"), ("Bielefeld", "Nordrhein-Westfalen"), ("Cottbus", "Brandenburg"),
            ("Emden", "Niedersachsen"), ("Kempten", "Bayern"), ("Erfurt", "Thüringen"), ("Aalen", "Baden-Württemberg"),
        ),
        ("GmbH", "GmbH & Co. KG", "AG", "eG", "KG", "GmbH"),
    ),
    "AT": Land(
        "de", ("Theresia", "Valentina", "Magdalena"), ("Leopold", "Alois", "Korbinian"),
        ("Hofstätter", "Wimmer", "Obermoser", "Zangerl"),
        (("Linz", "Oberösterreich"), ("Graz", "Steiermark"), ("Dornbirn", "Vorarlberg")), ("GmbH", "KG"),
    ),
    "CH": Land(
        "de", ("Ursina", "Seraina", "Vreni"), ("Reto", "Beat", "Urs"), ("Zurbriggen", "Caduff", "Amstutz", "Bürgin"),
        (("Winterthur", "Zürich"), ("Olten", "Solothurn"), ("Chur", "Graubünden")), ("AG", "GmbH"),
    ),
    "NL": Land(
        "nl", ("Marijke", "Fenna", "Sanne"), ("Joost", "Thijs", "Ruben"),
        ("van der Meulen", "Dijkstra", "Hoekstra", "ten Brink"),
        (("Groningen", "Groningen"), ("Venlo", "Limburg")), ("B.V.", "N.V."),
    ),
    "DK": Land(
        "da", ("Astrid", "Mette", "Kirsten"), ("Henrik", "Søren", "Mikkel"),
        ("Østergaard", "Kjærsgaard", "Lindholm", "Bæk"),
        (("Esbjerg", "Syddanmark"), ("Aalborg", "Nordjylland")), ("A/S", "ApS"),
    ),
    "SE": Land(
        "sv", ("Ingrid", "Linnea", "Maj-Britt"), ("Björn", "Åke", "Gösta"),
        ("Hallström", "Öberg", "Sjögren", "Lundqvist"),
        (("Västerås", "Västmanland"), ("Göteborg", "Västra Götaland")), ("AB",),
    ),
    "IS": Land(
        "is", ("Sigríður", "Guðrún"), ("Gunnar", "Einar"), ("Thorsteinsson", "Jónsson"),
        (("Akureyri", "Norðurland"),), ("hf.",), of_women=("Thorsteinsdóttir", "Jónsdóttir"),
    ),
    "PL": Land(
        "pl", ("Ewa", "Małgorzata", "Agnieszka"), ("Tadeusz", "Zbigniew", "Wojciech"),
        ("Wiśniewski", "Dąbrowski", "Zieliński", "Wójcik"),
        (("Gdynia", "Pomorskie"), ("Poznań", "Wielkopolskie")), ("Sp. z o.o.", "S.A."),
        of_women=("Wiśniewska", "Dąbrowska", "Zielińska", "Wójcik"),
    ),
    "CZ": Land(
        "cs", ("Zdeňka", "Jiřina", "Markéta"), ("Marek", "Ondřej", "Bohumil"),
        ("Dvořáček", "Novotný", "Krejčí", "Šimek"),
        (("Liberec", "Liberecký kraj"), ("Brno", "Jihomoravský kraj")), ("s.r.o.", "a.s."),
        of_women=("Dvořáčková", "Novotná", "Krejčí", "Šimková"),
    ),
    "IT": Land(
        "it", ("Sofia", "Chiara", "Ludovica"), ("Lorenzo", "Davide", "Matteo"),
        ("Marchetti", "Bergamaschi", "Colombo", "Ferrero"),
        (("Bergamo", "Lombardia"), ("Modena", "Emilia-Romagna")), ("S.p.A.", "S.r.l."),
    ),
    "ES": Land(
        "es", ("Lucía", "Montserrat", "Itziar"), ("Íñigo", "Álvaro", "Joaquín"),
        ("Fernández Ybarra", "Etxeberria", "Núñez", "Garrido"),
        (("Cádiz", "Andalucía"), ("Zaragoza", "Aragón")), ("S.L.", "S.A."),
    ),
    "FR": Land(
        "fr", ("Noémie", "Anaïs", "Océane"), ("Étienne", "Gaël", "Loïc"),
        ("Charpentier", "Lefèvre", "Beaumont", "Gauthier"),
        (("Rennes", "Bretagne"), ("Colmar", "Grand Est")), ("SAS", "SARL"),
    ),
    "IE": Land(
        "en", ("Aoife", "Siobhán"), ("Daniel", "Cormac"), ("O’Sullivan", "Gallagher", "Brennan"),
        (("Cork", "Munster"), ("Galway", "Connacht")), ("Ltd",),
        of_women=("Ní Bhriain", "O’Sullivan", "Gallagher"),
    ),
    "GB": Land(
        "en", ("Imogen", "Thandiwe", "Harriet"), ("Kwame", "Rhys", "Alistair"),
        ("Asante-Boateng", "Fairweather", "Llewellyn", "Mokoena"),
        (("Grimsby", "Lincolnshire"), ("Leeds", "Yorkshire")), ("Ltd", "plc"),
    ),
    "US": Land(
        "en", ("Priya", "Renée", "Magnolia"), ("Caleb", "Hiroshi", "Darnell"),
        ("Raghunathan", "Whitaker", "Delacroix", "Nakamura"),
        (("Portland", "Oregon"), ("Duluth", "Minnesota")), ("Inc.", "LLC"),
    ),
    "IN": Land(
        "en", ("Ananya", "Lakshmi"), ("Rajesh", "Vikram"), ("Venkataraman", "Krishnamurthy", "Deshpande"),
        (("Chennai", "Tamil Nadu"), ("Pune", "Maharashtra")), ("Pvt Ltd",),
    ),
}  # fmt: skip

# industry: German trades, international trades, employees from – to
INDUSTRIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], int, int]] = {
    "Mechanical engineering": (
        ("Maschinenbau", "Kältetechnik und Anlagenbau", "Fördertechnik", "Pumpenwerke"),
        ("Machine Works", "Robotics", "Pumps"), 80, 1900,
    ),
    "Logistics": (
        ("Hafenlogistik", "Kühlspedition", "Tiefkühlzentrum", "Logistik"),
        ("Cold Storage", "Freight", "Logistics"), 60, 2400,
    ),
    "Food processing": (
        ("Molkereigenossenschaft", "Fleischwaren", "Feinkost", "Brauhaus", "Getränkekontor"),
        ("Fresh Produce", "Dairy", "Foods"), 40, 1200,
    ),
    "Healthcare": (
        ("Klinikverbund", "Kreiskrankenhaus", "Laborgemeinschaft"), ("Hospitals", "Laboratories"), 150, 4200,
    ),
    "Pharmaceuticals": (("Arzneimittel", "Wirkstoffwerke"), ("Pharma Distribution", "Biologics"), 120, 3800),
    "Chemicals": (("Lackfabrik", "Chemische Werke"), ("Chemicals", "Coatings"), 90, 2600),
    "Energy": (("Stadtwerke", "Windparkservice", "Fernwärme"), ("Energy", "Wind Service"), 60, 900),
    "Packaging": (("Verpackungstechnik", "Kartonagen"), ("Packaging", "Containers"), 50, 800),
    "Metalworking": (
        ("Feinblech- und Behälterbau", "Gießerei", "Holz- und Metallwerke"), ("Steel", "Foundry"), 40, 1100,
    ),
    "Retail": (("Kaufhaus", "Gartencenter"), ("Markets", "Stores"), 30, 5000),
    "Textiles": (("Weberei", "Spinnerei"), ("Textiles", "Weaving"), 20, 600),
    "Consulting": (("Ingenieurbüro", "Unternehmensberatung"), ("Advisory", "Consulting"), 3, 60),
}  # fmt: skip

# the places that name companies; abroad the city does
PLACES = (
    "Altmark", "Emsland", "Oberlausitz", "Westfalen", "Rheinhessen", "Weserbergland", "Niederfinow", "Mosel-Saar",
    "Ammerland", "Hohe Rhön", "Lüneburger Heide", "Vogtland", "Allgäu", "Uckermark", "Sauerland", "Holstein",
    "Hunsrück", "Odenwald", "Ostfriesland", "Kraichgau", "Eichsfeld", "Bergstraße", "Fläming", "Chiemgau", "Eifel",
    "Wendland", "Spessart", "Prignitz", "Hohenlohe", "Werratal", "Münsterland", "Saale-Unstrut", "Angeln", "Taunus",
)  # fmt: skip

# titles of women, of men, weight; German where German is spoken
GERMAN_TITLES: tuple[tuple[str, str, int], ...] = (
    ("Einkaufsleiterin", "Einkaufsleiter", 6), ("Technische Leiterin", "Technischer Leiter", 6),
    ("Geschäftsführerin", "Geschäftsführer", 5), ("Betriebsleiterin", "Betriebsleiter", 6),
    ("Leiterin Instandhaltung", "Leiter Instandhaltung", 6), ("Energiemanagerin", "Energiemanager", 4),
    ("Einkäuferin", "Einkäufer", 5), ("Qualitätsmanagerin", "Qualitätsmanager", 4), ("IT-Leiterin", "IT-Leiter", 3),
    ("Leiterin Marketing", "Leiter Marketing", 4), ("Marketing Managerin", "Marketing Manager", 3),
    ("Werkstudentin", "Werkstudent", 2), ("Referentin der Geschäftsführung", "Referent der Geschäftsführung", 2),
    ("Head of Operations", "Head of Operations", 4), ("Facility Manager", "Facility Manager", 4), ("", "", 6),
)  # fmt: skip
TITLES: tuple[tuple[str, str, int], ...] = tuple(
    (title, title, weight)
    for title, weight in (
        ("Head of Procurement", 6), ("Head of Operations", 6), ("Managing Director", 5), ("Marketing Manager", 4),
        ("Plant Manager", 6), ("Facility Manager", 5), ("Chief Operating Officer", 3), ("Supply Chain Manager", 5),
        ("Sustainability Manager", 4), ("Project Engineer", 5), ("Head of Marketing", 3), ("Buyer", 5),
        ("Director of Engineering", 4), ("Quality Manager", 4), ("Research Associate", 2), ("Trainee", 1), ("", 6),
    )
)  # fmt: skip

# numbers that regulators keep free for stories
PHONES: dict[str, tuple[str, ...]] = {
    "DE": (
        "+49 30 23125 {:03d}", "+49 40 66969 {:03d}", "+49 69 90009 {:03d}", "+49 89 99998 {:03d}",
        "+49 221 4710 {:03d}",
    ),
    "GB": ("+44 20 7946 0{:03d}", "+44 113 496 0{:03d}"),
    "US": ("+1 503 555 0{:03d}",),
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """Somebody from the pictures in the guide, with their company and the name of their story."""

    first_name: str
    last_name: str
    title: str
    company: str
    industry: str
    employees: int
    city: str
    country: str
    story: str


WELL_KNOWN: tuple[Known, ...] = (
    Known("Ada", "Brömmel", "Marketing Manager", "Acme Maschinenbau GmbH",
          "Mechanical engineering", 250, "Aalen", "DE", "worked_example"),
    Known("Katharina", "Weißenborn", "Head of Procurement", "Süddeutsche Kältetechnik und Anlagenbau GmbH & Co. KG",
          "Mechanical engineering", 640, "Ulm", "DE", "accepted"),
    Known("Annegret", "Oltmanns", "Technische Leiterin", "Nordwest Windparkservice",
          "Energy", 210, "Emden", "DE", "hand_raised"),
    Known("Carsten", "Wiedenbrück", "Werksleiter", "Holzwerke Altmark",
          "Metalworking", 320, "Stendal", "DE", "overdue"),
    Known("Jonas", "Achterberg", "Geschäftsführer", "Rheinhessische Verpackungstechnik GmbH",
          "Packaging", 290, "Mainz", "DE", "hand_raised"),
    Known("Hannelore", "Steinbrück-Ottensmeyer", "Einkaufsleiterin",
          "Westfälische Feinblech- und Behälterbau GmbH & Co. KG", "Metalworking", 450, "Siegen", "DE", "ready"),
    Known("Priya", "Raghunathan", "Chief Operating Officer", "Meridian Cold Storage",
          "Logistics", 730, "Portland", "US", "ready"),
    Known("Ferdinand", "Grünewald", "Geschäftsführer", "Emsländische Molkereigenossenschaft eG",
          "Food processing", 380, "Meppen", "DE", "ready"),
    Known("Lucía", "Fernández Ybarra", "Chief Operating Officer", "Puerto Sur Logística",
          "Logistics", 220, "Cádiz", "ES", "ready"),
    Known("Ewa", "Wiśniewska", "Head of Operations", "Bałtyk Chłodnie Sp. z o.o.",
          "Logistics", 300, "Gdynia", "PL", "offered"),
    Known("Gunnar", "Thorsteinsson", "Plant Manager", "Norðurljós Fish",
          "Food processing", 160, "Akureyri", "IS", "offered"),
    Known("Ottilie", "Kranzbühler", "Abteilungsleiterin Technik", "Landesversuchsanstalt für Lebensmittelkühlung",
          "Food processing", 140, "Fulda", "DE", "offered"),
    Known("Ingeborg", "Schallenberger", "Betriebsleiterin", "Getränkekontor Mosel-Saar",
          "Food processing", 75, "Trier", "DE", "sent_back"),
    Known("Kwame", "Asante-Boateng", "Chief Operating Officer", "Volta Pharma Distribution",
          "Pharmaceuticals", 540, "Leeds", "GB", "sent_back"),
    Known("Hildegard", "Zumwinkel-Ahrens", "Geschäftsführerin", "Tiefkühlzentrum Lüneburger Heide",
          "Logistics", 260, "Lüneburg", "DE", "qualified"),
    Known("Björn", "Hallström", "Supply Chain Manager", "Mälardalen Foodservice AB",
          "Food processing", 350, "Västerås", "SE", "accepted"),
    Known("Mechthild", "Rosendahl", "Leiterin Einkauf", "Kreiskrankenhaus Ammerland",
          "Healthcare", 880, "Oldenburg", "DE", "accepted"),
    Known("Thandiwe", "Mokoena", "Head of Operations", "Highveld Cold Chain",
          "Logistics", 190, "Grimsby", "GB", "qualified"),
    Known("Daniel", "O’Sullivan", "Facility Manager", "Liffey Fresh Produce",
          "Food processing", 120, "Cork", "IE", "accepted"),
    Known("Friederike", "Saalfeld", "Leiterin Technik", "Klinikverbund Weserbergland",
          "Healthcare", 2100, "Fulda", "DE", "nurtured"),
    Known("Henrik", "Østergaard", "Project Engineer", "Fjordkraft Anlæg",
          "Energy", 340, "Aalborg", "DK", "nurtured"),
    Known("Rajesh", "Venkataraman", "Plant Manager", "Coromandel Textiles",
          "Textiles", 480, "Chennai", "IN", "nurtured"),
    Known("Cäcilie", "Brömmelhaupt", "Energiemanagerin", "Stadtwerke Niederfinow",
          "Energy", 140, "Cottbus", "DE", "nurtured"),
    Known("Tobias", "Lindenmaier", "Logistikleiter", "Hafenlogistik Wedel GmbH",
          "Logistics", 85, "Wedel", "DE", "warm"),
    Known("Aoife", "Ní Bhriain", "Head of Operations", "Tidewater Robotics",
          "Mechanical engineering", 180, "Cork", "IE", "warm"),
    Known("Maximiliane", "von Hohenfels-Wittgenstein", "Leiterin Einkauf und Materialwirtschaft",
          "Vereinigte Papier- und Zellstoffwerke Oberlausitz AG", "Packaging", 640, "Görlitz", "DE", "fresh"),
    Known("Sofia", "Marchetti", "Head of Procurement", "Officine Lombarde S.p.A.",
          "Mechanical engineering", 510, "Bergamo", "IT", "warm"),
    Known("Noémie", "Charpentier", "Directrice", "Atelier Brumaire",
          "Textiles", 12, "Rennes", "FR", "nurtured"),
    Known("Marek", "Dvořáček", "Buyer", "Sklárny Jizera",
          "Metalworking", 410, "Liberec", "CZ", "withdrawn"),
    Known("Anneliese", "Quadflieg", "Geschäftsführerin", "Molkerei Hohe Rhön eG",
          "Food processing", 230, "Fulda", "DE", "won"),
)  # fmt: skip
