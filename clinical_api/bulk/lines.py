"""The lines of a bulk file, as they are read.

    {"moiety": 1, "system_id": …}                                  what the file is; optional
    {"template": {"template_id", "revision", "opt": "<xml…"}}      a template that it needs
    {"template_adl2": {"adl": …}}                                  one in ADL 2
    {"stored_query": {"name", "version", "q"}}                     a stored query
    {"ehr_id": …, "ehr": {…}, "contribution": {…}}                 an EHR, with its first one
    {"ehr_id": …, "contribution": {"uid", "audit", "versions"}}    a later one
    {"ehr_id": …, "tags": [{"kind", "object_id", "version", "key"}]}  item tags of what it has
    {"inactive": {"template_id": …}}                               no new documents by this one
    {"end": {"ehrs": …, "lines": …}}                               the file is whole; optional

A version is ORIGINAL_VERSION or IMPORTED_VERSION in canonical JSON.  All but `data` may be absent:
a line {"ehr_id": …, "contribution": {"versions": [{"data": {…}}]}} is a new commit of today.
"""

from typing import Any
from uuid import UUID

import msgspec

from moiety.kit.errors import Malformed

# An empty Raw is false; a union with None is not to be had.
_ABSENT = msgspec.Raw()


class Uid(msgspec.Struct):
    """Any id of the model, by its value."""

    value: str


class VersionLine(msgspec.Struct, rename={"kind": "_type"}, forbid_unknown_fields=True):
    """ORIGINAL_VERSION or IMPORTED_VERSION; content and audits are read later, and closely.

    `number`: the version's number here, where it was imported under another.
    """

    kind: str = "ORIGINAL_VERSION"
    uid: Uid | None = None
    preceding_version_uid: msgspec.Raw = _ABSENT
    other_input_version_uids: list[Uid] = []
    contribution: msgspec.Raw = _ABSENT
    signature: str | None = None
    commit_audit: msgspec.Raw = _ABSENT
    lifecycle_state: msgspec.Raw = _ABSENT
    attestations: list[msgspec.Raw] = []
    data: msgspec.Raw = _ABSENT
    item: "VersionLine | None" = None
    number: int | None = None


class ContributionLine(msgspec.Struct, rename={"kind": "_type"}, forbid_unknown_fields=True):
    """A contribution with its versions in full (X_CONTRIBUTION)."""

    versions: list[VersionLine]
    kind: str = "X_CONTRIBUTION"
    uid: Uid | None = None
    audit: msgspec.Raw = _ABSENT


class EhrLine(msgspec.Struct, forbid_unknown_fields=True):
    """An EHR that is new here."""

    system_id: str | None = None
    time_created: str | None = None


class TemplateLine(msgspec.Struct, forbid_unknown_fields=True):
    """An operational template."""

    template_id: str
    opt: str
    revision: int | None = None
    time_created: str | None = None


class Adl2Line(msgspec.Struct, forbid_unknown_fields=True):
    """An operational template in ADL 2."""

    adl: str
    time_created: str | None = None


class QueryLine(msgspec.Struct, forbid_unknown_fields=True):
    """A version of a stored query."""

    name: str
    version: str
    q: str
    saved: str | None = None


class InactiveLine(msgspec.Struct, forbid_unknown_fields=True):
    """A template that new documents may not be written with."""

    template_id: str


class TagLine(msgspec.Struct, forbid_unknown_fields=True):
    """An item tag, of a version or (0) of the object as a whole."""

    kind: str
    object_id: str
    key: str
    version: int = 0
    value: str | None = None
    target_path: str | None = None


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line, whichever it is."""

    ehr_id: str | None = None
    ehr: EhrLine | None = None
    contribution: ContributionLine | None = None
    tags: list[TagLine] | None = None
    template: TemplateLine | None = None
    template_adl2: Adl2Line | None = None
    stored_query: QueryLine | None = None
    inactive: InactiveLine | None = None
    moiety: int | None = None
    system_id: str | None = None
    end: dict[str, int] | None = None


_DECODER = msgspec.json.Decoder(Line)


def read(text: bytes) -> Line:
    """A line.  Raises Malformed with what is wrong, never with what stands there."""
    try:
        line = _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise wrong("", "structure", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise wrong("", "JSON", "one JSON object") from None
    if line.moiety not in (None, 1):
        raise wrong("/moiety", "format", "1, the only one there is")
    if line.contribution is not None and not line.contribution.versions:
        raise wrong("/contribution/versions", "existence", "1..*")
    return line


def uuid_of(text: str | None, path: str) -> UUID:
    """A UUID of a line.  Raises Malformed."""
    try:
        return UUID(text or "")
    except ValueError:
        raise wrong(path, "format", "a UUID") from None


def wrong(path: str, rule: str, expected: str, **more: Any) -> Malformed:
    """What is told of a line."""
    finding = {"path": path, "rule": rule, "expected": expected, **more}
    return Malformed("The line is not what it must be.", findings=[finding])


class Tagged(msgspec.Struct, rename={"kind": "_type"}):
    """Of any object, its class and id."""

    kind: str = ""
    uid: Uid | None = None


_TAGGED = msgspec.json.Decoder(Tagged)


def tagged(text: bytes | msgspec.Raw) -> Tagged:
    """The class and id of an object, whatever else it is.  Raises Malformed."""
    try:
        return _TAGGED.decode(text)
    except msgspec.ValidationError as error:
        raise wrong("", "structure", str(error)) from None
