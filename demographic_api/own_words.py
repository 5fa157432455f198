"""A person's own identifiers, as the vault is told them: tokens under the screen key, no words."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, zip_longest

from demographic_api.fhir import Address, HumanName, Patient, given
from moiety.deid.own import variants
from moiety.deid.own.variants import Name, Subject

_TELEPHONES = frozenset({"phone", "fax", "pager", "sms"})


def tokens_of(patients: Sequence[Patient], token: Callable[[str], bytes]) -> bytes:
    """The tokens of everything that identifies a person, 16 octets each, in no telling order.

    `patients`: the person, and those who were merged into it.  Where all are too many, the surest
    of each are told.
    """
    each = (variants.forms_of(subject_of(patient)) for patient in patients)
    in_turn = (form for rank in zip_longest(*each) for form in rank if form is not None)
    found = islice(dict.fromkeys(in_turn), variants.MOST)
    return b"".join(sorted(token(form) for form in found))


def subject_of(patient: Patient) -> Subject:
    """What of a Patient may stand in a text and give the person away; titles do not."""
    telecom = given(patient.telecom)
    addresses = given(patient.address)
    return Subject(
        names=tuple(_name(name) for name in given(patient.name)),
        birth_date=patient.birthDate or None,
        numbers=tuple(one.value for one in given(patient.identifier)),
        telephones=tuple(one.value for one in telecom if one.system in _TELEPHONES),
        emails=tuple(one.value for one in telecom if one.system == "email"),
        lines=tuple(line for address in addresses for line in _lines(address)),
        places=tuple(place for address in addresses for place in _places(address)),
        postcodes=tuple(one.postalCode for one in addresses if one.postalCode),
    )


def _name(name: HumanName) -> Name:
    family = (name.family,) if name.family else ()
    return Name(tuple(given(name.given)), family, name.text or "")


def _lines(address: Address) -> Iterator[str]:
    yield from given(address.line)
    if address.text:
        yield from address.text.split(",")


def _places(address: Address) -> Iterator[str]:
    yield from (place for place in (address.city, address.district) if place)
