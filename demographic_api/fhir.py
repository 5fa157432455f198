"""The supported part of FHIR R4 `Patient` (https://hl7.org/fhir/R4/patient.html), as strict types.

What is not here is refused with its path: silently dropping half of an identity is worse than
refusing it.  Two elements are narrowed: dates of death carry no time of day, since an exact time
that two databases share would join them, and `meta` carries `versionId` and `profile` alone.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from moiety.kit.errors import Malformed
from moiety.wire.decoding import decode

# FHIR `string`: not empty, not blank, no control characters; one line, since these are names.
_PLAIN = r"\A(?=.*[^\s])[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z"
Text = Annotated[str, Meta(min_length=1, max_length=255, pattern=_PLAIN)]
Uri = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\A[^\s\x00-\x1f\x7f-\x9f]+\Z")]
# FHIR `date`: a year, a month or a day; whether the day exists is checked in patients.py.
Date = Annotated[str, Meta(pattern=r"\A[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?\Z")]
Texts = Annotated[list[Text], Meta(min_length=1, max_length=16)]


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An element with exactly the named children."""


class VersionMeta(Element, frozen=True):
    """`Resource.meta`; a version sent by a client is read and not believed."""

    versionId: Text | UnsetType = UNSET  # noqa: N815  FHIR's name
    profile: Annotated[list[Uri], Meta(min_length=1, max_length=8)] | UnsetType = UNSET


class Reference(Element, frozen=True):
    """`Reference`, by display alone: the issuer of an identifier."""

    display: Text


class Identifier(Element, frozen=True):
    """`Identifier`: a number, the system that it is unique in, and who issued it."""

    system: Uri
    value: Text
    use: Literal["usual", "official", "temp", "secondary", "old"] | UnsetType = UNSET
    assigner: Reference | UnsetType = UNSET


class HumanName(Element, frozen=True):
    """`HumanName`; at least one of its parts or the text is there (checked in patients.py)."""

    use: (
        Literal["usual", "official", "temp", "nickname", "anonymous", "old", "maiden"] | UnsetType
    ) = UNSET
    text: Text | UnsetType = UNSET
    family: Text | UnsetType = UNSET
    given: Texts | UnsetType = UNSET
    prefix: Texts | UnsetType = UNSET
    suffix: Texts | UnsetType = UNSET


class ContactPoint(Element, frozen=True):
    """`ContactPoint`: a telephone number, an e-mail address."""

    system: Literal["phone", "fax", "email", "pager", "url", "sms", "other"]
    value: Text
    use: Literal["home", "work", "temp", "old", "mobile"] | UnsetType = UNSET


class Address(Element, frozen=True):
    """`Address`."""

    use: Literal["home", "work", "temp", "old", "billing"] | UnsetType = UNSET
    type: Literal["postal", "physical", "both"] | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    line: Texts | UnsetType = UNSET
    city: Text | UnsetType = UNSET
    district: Text | UnsetType = UNSET
    postalCode: Text | UnsetType = UNSET  # noqa: N815  FHIR's name
    country: Text | UnsetType = UNSET


class PatientReference(Element, frozen=True):
    """`Reference` to a Patient of this service."""

    reference: Annotated[str, Meta(pattern=r"\APatient/[0-9a-f-]{36}\Z")]


class PatientLink(Element, frozen=True):
    """`Patient.link`: the person in whom a merged one lives on.  Written by `$merge` alone."""

    other: PatientReference
    type: Literal["replaced-by"]


class Patient(Element, frozen=True):
    """`Patient`."""

    resourceType: Literal["Patient"]  # noqa: N815  FHIR's name
    id: Text | UnsetType = UNSET
    meta: VersionMeta | UnsetType = UNSET
    identifier: Annotated[list[Identifier], Meta(min_length=1, max_length=32)] | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    name: Annotated[list[HumanName], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
    telecom: Annotated[list[ContactPoint], Meta(min_length=1, max_length=32)] | UnsetType = UNSET
    gender: Literal["male", "female", "other", "unknown"] | UnsetType = UNSET
    birthDate: Date | UnsetType = UNSET  # noqa: N815  FHIR's name
    deceasedBoolean: bool | UnsetType = UNSET  # noqa: N815  FHIR's name
    deceasedDateTime: Date | UnsetType = UNSET  # noqa: N815  FHIR's name
    address: Annotated[list[Address], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
    link: Annotated[list[PatientLink], Meta(min_length=1, max_length=1)] | UnsetType = UNSET


class MergeParameter(Element, frozen=True):
    """The one parameter of `$merge` and `$unmerge`, as FHIR R5 names it."""

    name: Literal["target-patient"]
    valueReference: PatientReference  # noqa: N815  FHIR's name


class MergeParameters(Element, frozen=True):
    """`Parameters` of `$merge` and `$unmerge`."""

    resourceType: Literal["Parameters"]  # noqa: N815  FHIR's name
    parameter: Annotated[list[MergeParameter], Meta(min_length=1, max_length=1)]


# Elements that FHIR R4 defines and that are refused here: they may be named in an answer.
VOCABULARY = frozenset(
    {
        "_birthDate",
        "_family",
        "_given",
        "communication",
        "contact",
        "contained",
        "extension",
        "generalPractitioner",
        "identifier",
        "implicitRules",
        "language",
        "lastUpdated",
        "link",
        "managingOrganization",
        "maritalStatus",
        "modifierExtension",
        "multipleBirthBoolean",
        "multipleBirthInteger",
        "period",
        "photo",
        "rank",
        "reference",
        "security",
        "source",
        "state",
        "tag",
        "text",
        "type",
    }
)


def decode_patient(body: bytes) -> Patient:
    """The Patient in `body`.  Raises Malformed with the FHIR expression of the first fault."""
    return decode(body, Patient, root="Patient", vocabulary=VOCABULARY)


def decode_target(body: bytes) -> UUID:
    """The person whom `$merge` names as its target.  Raises Malformed."""
    read = decode(body, MergeParameters, root="Parameters", vocabulary=VOCABULARY)
    try:
        return UUID(read.parameter[0].valueReference.reference.removeprefix("Patient/"))
    except ValueError:
        findings = [{"path": "Parameters.parameter[0].valueReference.reference", "rule": "an id"}]
        raise Malformed("A reference names a Patient by its id.", findings=findings) from None


def given(value: Any) -> Any:
    """A list of FHIR's, or an empty one where it is absent: FHIR knows no empty list."""
    return () if value is UNSET else value
