"""What is known of a text besides its words."""

from dataclasses import dataclass

from moiety.deid.text.known import Fingerprints


@dataclass(frozen=True, slots=True)
class Context:
    """Where a text stands, whose it is as far as the caller may know, what else the record holds.

    field         name of the column or heading that holds the text: `Patient name`, `NOK phone`
    path          openEHR path of the text: a demographic path is redacted whole
    known         the subject's identifiers in plain words: names, birth date, numbers, address
    fingerprints  the same as keyed fingerprints, for a caller that must not see them
    names         names found in other documents of the record; `detect_record` passes them itself
    """

    field: str | None = None
    path: str | None = None
    known: tuple[str, ...] = ()
    fingerprints: Fingerprints | None = None
    names: tuple[str, ...] = ()
