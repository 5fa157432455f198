"""The sixteen kinds of identifier that a clinical text may hold."""

from enum import StrEnum


class Label(StrEnum):
    """What a span identifies.  A span carries exactly one label; sites may add their own."""

    TELEPHONE = "TELEPHONE"
    EMAIL = "EMAIL"
    HOSPITAL_NUMBER = "HOSPITAL_NUMBER"
    NAME = "NAME"
    INITIALS = "INITIALS"
    ADDRESS_LINE = "ADDRESS_LINE"
    POSTCODE = "POSTCODE"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    NHS_NUMBER = "NHS_NUMBER"
    HCPC_NUMBER = "HCPC_NUMBER"
    ACCESSION_NUMBER = "ACCESSION_NUMBER"
    DATE = "DATE"
    GMC_NUMBER = "GMC_NUMBER"
    HOSPITAL_NAME = "HOSPITAL_NAME"
    EXTENSION = "EXTENSION"
    GP_IDENTIFIER = "GP_IDENTIFIER"


ALL = frozenset(Label)
"""Every label: what is looked for where nothing else is said."""
