"""Synthetic persons as FHIR R4 Patients.

NHS numbers come from the 999 range, which is never issued; streets are invented; telephone numbers
lie in the range that Ofcom keeps for drama.  Names of staff (records.py) are drawn from other
lists, so that a name found on the clinical side can only be a patient's.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from demographic_api.nhs_number import SYSTEM, check_digit

GIVEN = (
    "Aderyn", "Aisling", "Alasdair", "Anwen", "Arjun", "Beatrix", "Benedek", "Bronwen", "Callum",
    "Cerys", "Ciaran", "Dafydd", "Deirdre", "Eilidh", "Elowen", "Farida", "Fergus", "Fiadh",
    "Gethin", "Gwilym", "Hamish", "Imogen", "Isolde", "Jago", "Kerensa", "Lachlan", "Lowenna",
    "Mairead", "Meredith", "Morwenna", "Niamh", "Oisin", "Olwen", "Padraig", "Petroc", "Rhiannon",
    "Rosalind", "Saoirse", "Seren", "Tamsin", "Tegan", "Uzma", "Winifred", "Yusuf", "Zainab",
)  # fmt: skip
FAMILY = (
    "Abernethy", "Achterberg", "Ballantyne", "Banerjee", "Carruthers", "Chatterjee", "Colquhoun",
    "Dalrymple", "Dhaliwal", "Eccleston", "Entwistle", "Fazakerley", "Featherstone", "Gallacher",
    "Gwynne-Owen", "Hathersage", "Hebblethwaite", "Inglethorpe", "Jankowski", "Kavanagh",
    "Kilbride", "Llewelyn", "Lanyon-Rowe", "MacAskill", "Mukherjee", "Nankervis", "Oluwaseun",
    "Ormerod", "Penhaligon", "Pritchard", "Quiller", "Ramanathan", "Rawtenstall", "Sotheran",
    "Szczepanski", "Trelawney", "Tregenza", "Ulverston", "Venkataraman", "Wolstenholme",
    "Wrigglesworth", "Yarborough", "Zachariadis",
)  # fmt: skip
_STREETS = (
    "Quillfeather Lane", "Saltmarsh Rise", "Thornbeck Avenue", "Wrenhollow Close",
    "Kittiwake Terrace", "Hartsgill Road", "Merrowdown Crescent", "Osierbank Gardens",
)  # fmt: skip
_TOWNS = (("Ashcombe-on-Wray", "ZZ99"), ("Nether Tolling", "ZZ98"), ("Port Carrow", "ZZ97"))
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass(frozen=True, slots=True)
class Person:
    """One synthetic person."""

    given: str
    family: str
    birth_date: date
    gender: str
    nhs_number: str
    local_number: str
    street: str
    town: str
    postcode: str
    telephone: str
    email: str

    def patient(self) -> dict[str, Any]:
        """FHIR R4 Patient."""
        hospital = "https://example.org/id/hospital-number"
        return {
            "resourceType": "Patient",
            "active": True,
            "identifier": [
                {"use": "official", "system": SYSTEM, "value": self.nhs_number},
                {"use": "usual", "system": hospital, "value": self.local_number},
            ],
            "name": [{"use": "official", "family": self.family, "given": [self.given]}],
            "telecom": [
                {"system": "phone", "value": self.telephone, "use": "mobile"},
                {"system": "email", "value": self.email},
            ],
            "gender": self.gender,
            "birthDate": self.birth_date.isoformat(),
            "address": [
                {
                    "use": "home",
                    "line": [self.street],
                    "city": self.town,
                    "postalCode": self.postcode,
                    "country": "GB",
                }
            ],
        }

    def tell_tales(self) -> tuple[str, ...]:
        """Every text that would say who this is, in the forms in which it could be written."""
        number, day = self.nhs_number, self.birth_date
        return (
            self.given, self.family, number, f"{number[:3]} {number[3:6]} {number[6:]}",
            self.local_number, self.street, self.town, self.postcode,
            self.postcode.replace(" ", ""), self.telephone, self.telephone.replace(" ", ""),
            self.email, day.isoformat(), day.strftime("%Y%m%d"), day.strftime("%d/%m/%Y"),
        )  # fmt: skip


def register(count: int, seed: int) -> list[Person]:
    """`count` different persons, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311  a story, not a secret
    numbers = _nhs_numbers(rng, count)
    return [_person(rng, number, index) for index, number in enumerate(numbers)]


def _nhs_numbers(rng: random.Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        stem = f"999{rng.randrange(10**6):06d}"
        if (check := check_digit(stem)) is not None:
            found[stem + check] = None
    return list(found)


def _person(rng: random.Random, nhs_number: str, index: int) -> Person:
    given, family = rng.choice(GIVEN), rng.choice(FAMILY)
    town, district = rng.choice(_TOWNS)
    inward = f"{rng.randrange(1, 10)}{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}"
    return Person(
        given=given,
        family=family,
        birth_date=date(1931, 1, 1) + timedelta(days=rng.randrange(75 * 365)),
        gender=rng.choice(("female", "male", "other")),
        nhs_number=nhs_number,
        local_number=f"MRN{rng.randrange(10**7):07d}{index:03d}",
        street=f"{rng.randrange(1, 200)} {rng.choice(_STREETS)}",
        town=town,
        postcode=f"{district} {inward}",
        telephone=f"07700 900{rng.randrange(1000):03d}",
        email=f"{given}.{family}.{index}@example.net".lower(),
    )
