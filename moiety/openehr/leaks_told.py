"""What is known of places where identity stands: advice for each kind, the attributes that the
reference model gives (RM 1.1.0), and rubrics and archetypes that speak of persons.
"""

import re
from typing import Literal, TypeAlias

LeakKind: TypeAlias = Literal[
    "named",
    "free_text",
    "any_value",
    "party",
    "identifier",
    "attachment",
    "parsable",
    "uri",
    "slot",
    "feeder_audit",
]

ADVICE: dict[LeakKind, str] = {
    "named": "The name of this node speaks of identity: keep it with the demographic service, "
    "and leave the node out or prohibit it (occurrences 0..0).",
    "free_text": "Anything can be typed here: offer coded text or a closed list, and where prose "
    "is wanted let the screen seal what it finds.",
    "any_value": "The template leaves the data type open, free text and attachments with it: "
    "constrain the value to the types that are meant.",
    "party": "A person can be named here: constrain the subject to PARTY_SELF, name clinicians by "
    "role or reference, and relatives by their relationship alone.",
    "identifier": "A number issued to a person fits here: allow only identifiers of things "
    "(specimens, orders, devices) and constrain issuer and type.",
    "attachment": "Scans, letters and photographs carry names inside, where no screen of words "
    "looks: refer to the imaging gateway or a de-identified copy.",
    "parsable": "Formatted text hides names in mark-up and headers: constrain the formalism to "
    "one that holds no prose, or use structured nodes.",
    "uri": "Addresses of other systems often end in a patient's number: point to a random id.",
    "slot": "Any archetype that the slot admits may come in, those of demographics too: fill the "
    "slot, close it, or name the archetypes that may stand there.",
    "feeder_audit": "A feeder audit can carry the sender's ids of the patient and the whole "
    "original message: keep them in the sending system.",
}
"""What the author of a template can do about each kind, in a sentence."""

LIKELY: frozenset[LeakKind] = frozenset(
    {"named", "free_text", "party", "identifier", "attachment", "feeder_audit"}
)
"""Kinds that, asked for by a template, are known to hold identities in practice."""

_PARTY: LeakKind = "party"
_TEXT: LeakKind = "free_text"
_ENTRY: tuple[tuple[str, str, LeakKind], ...] = (
    ("subject", "PARTY_PROXY", _PARTY),
    ("provider", "PARTY_PROXY", _PARTY),
    ("other_participations", "PARTICIPATION", _PARTY),
)

IMPLIED: dict[str, tuple[tuple[str, str, LeakKind], ...]] = {
    "COMPOSITION": (
        ("composer", "PARTY_PROXY", _PARTY),
        ("context/health_care_facility", "PARTY_IDENTIFIED", _PARTY),
        ("context/participations", "PARTICIPATION", _PARTY),
        ("context/location", "STRING", _TEXT),
    ),
    "EVENT_CONTEXT": (
        ("health_care_facility", "PARTY_IDENTIFIED", _PARTY),
        ("participations", "PARTICIPATION", _PARTY),
        ("location", "STRING", _TEXT),
    ),
    "OBSERVATION": _ENTRY,
    "EVALUATION": _ENTRY,
    "INSTRUCTION": (
        *_ENTRY,
        ("narrative", "DV_TEXT", _TEXT),
        ("wf_definition", "DV_PARSABLE", "parsable"),
    ),
    "ACTION": _ENTRY,
    "ADMIN_ENTRY": _ENTRY,
    "ACTIVITY": (("timing", "DV_PARSABLE", "parsable"),),
    "ISM_TRANSITION": (("reason", "DV_TEXT", _TEXT),),
    "ELEMENT": (("null_reason", "DV_TEXT", _TEXT),),
    "LOCATABLE": (
        ("links", "LINK", "uri"),
        ("feeder_audit", "FEEDER_AUDIT", "feeder_audit"),
    ),
}
"""Class → what the model gives it, said or not: (path below it, class there, kind). Those of
LOCATABLE stand at archetype roots alone in a report: every node has them.
"""

_WORDS = """
    first name|given name|forename|surname|family name|last name|maiden name|full name|middle name
    patient name|name of patient|person name|birth name|date of birth|birth date|birthdate
    place of birth|birthplace|address|postcode|post code|postal code|zip code|telephone|phone
    phone number|mobile number|email|e mail|fax|next of kin|emergency contact|contact person
    nhs number|chi number|ssn|social security number|medical record number|hospital number
    national identifier|national id|identity number|identity card|passport|passport number
    insurance number|driving licence|licence plate|photo|photograph|fingerprint|signature|username
    vorname|nachname|familienname|geburtsname|geburtsdatum|geburtsort|anschrift|adresse|postleitzahl
    telefon|telefonnummer|versichertennummer|krankenversichertennummer|personalausweis|unterschrift
    prénom|nom de famille|date de naissance|lieu de naissance|code postal|téléphone
    numéro de sécurité sociale|apellido|apellidos|fecha de nacimiento|dirección|código postal
    teléfono|documento de identidad|sobrenome|nome completo|data de nascimento|endereço|telefone
    cognome|data di nascita|indirizzo|codice fiscale|voornaam|achternaam|geboortedatum|adres
    burgerservicenummer|fornavn|etternavn|fødselsdato|fødselsnummer|förnamn|efternamn|födelsedatum
    personnummer|adress
"""
IDENTITY_WORDS = frozenset(word.strip() for word in re.split(r"[|\n]", _WORDS)) - {""}
"""Rubrics, in small letters and without hyphens, that ask for a person's identity (a small list
of English, German, French, Spanish, Portuguese, Italian, Dutch, Norwegian and Swedish)."""

DEMOGRAPHIC_CONCEPTS = frozenset(
    {
        "person",
        "person_name",
        "person_details",
        "personal_demographics",
        "individual_personal",
        "individual_personal_uk",
        "address",
        "address_cc",
        "electronic_communication",
        "telecom",
        "telecom_details",
        "telecom_uk",
        "contact",
        "next_of_kin",
    }
)
"""Concepts of published CLUSTER archetypes that describe a person."""
