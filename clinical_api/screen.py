"""The identifier screen: no subject's identity enters through a write door.

It walks a document's text and identifiers with their paths.  A national number is rejected where an
identifier names a national issuer or type, or where a cue word stands before it; every other
finding is recorded by path, kind and offsets.  Coded values are not looked at: a code is not words.
What the policy rejects is answered with path and kind, never with the value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from clinical_api.settings import Settings
from moiety.deid import identifiers, national_numbers
from moiety.deid.identifiers import Finding
from moiety.kit.errors import Unprocessable

_NOT_TEXT = frozenset(
    {"_type", "code_string", "archetype_node_id", "archetype_id", "template_id", "terminology_id",
     "uid", "units", "media_type", "rm_version", "integrity_check"}
)  # fmt: skip
_SUBJECT = "SUBJECT_IDENTITY"
_NATIONAL_ISSUERS = ("nhs", "chi", "hscni", "h&c", "health and care", "national insurance", "hmrc")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and the path of the text that holds it."""

    path: str
    finding: Finding

    def place(self) -> dict[str, Any]:
        """Where it is and of which kind, as `screen_finding` keeps it."""
        one = self.finding
        return {"path": self.path, "kind": one.kind, "start": one.start, "length": one.length}


def screen(document: bytes, settings: Settings) -> list[Found]:
    """What the policy records of a canonical JSON document.  Raises Unprocessable for the rest.

    A subject who is named is rejected by every policy: that is the model's rule, not a guess.  Only
    a deployment that takes any subject id as a pseudonym does not ask.
    """
    rejected: list[Found] = []
    recorded: list[Found] = []
    for found in _findings(document, settings):
        match _policy(found.finding, settings):
            case "reject":
                rejected.append(found)
            case "record":
                recorded.append(found)
    if rejected:
        raise Unprocessable(
            "The document holds an identifier of a person, which may not be stored here.",
            findings=[
                {"path": f.path, "rule": "identifier screen", "found": f.finding.kind}
                for f in rejected
            ],
        )
    return recorded


def _findings(document: bytes, settings: Settings) -> Iterator[Found]:
    """Everything found.  Most documents are not worth a walk: their bytes are asked first."""
    is_on = {settings.screen_national, settings.screen_other} != {"off"}
    look = is_on and identifiers.may_stand_in(document)
    if not look and b'"external_ref"' not in document:
        return
    tree = msgspec.json.decode(document)
    if settings.subject_ids == "random":
        yield from _named_subjects(tree, "", settings.subject_namespace)
    if look:
        yield from _walk(tree, "")


def _policy(finding: Finding, settings: Settings) -> str:
    if finding.kind == _SUBJECT:
        return "reject"
    sure_and_national = finding.national and finding.certain
    return settings.screen_national if sure_and_national else settings.screen_other


def _named_subjects(value: Any, path: str, namespace: str) -> Iterator[Found]:
    """Every PARTY_SELF that carries more than a random UUID in the declared namespace."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _named_subjects(item, f"{path}[{index}]", namespace)
    elif isinstance(value, dict):
        if value.get("_type") == "PARTY_SELF" and not _is_anonymous(value, namespace):
            yield Found(f"{path}/external_ref", Finding(_SUBJECT, 0, 0, certain=True))
        for name, item in value.items():
            yield from _named_subjects(item, f"{path}/{name}", namespace)


def _is_anonymous(party: Mapping[str, Any], namespace: str) -> bool:
    reference = party.get("external_ref")
    if reference is None:
        return True
    return reference.get("namespace") == namespace and is_random_uuid(
        reference.get("id", {}).get("value")
    )


def is_random_uuid(text: Any) -> bool:
    """Whether `text` is a UUID of version 4, the only one that says nothing."""
    try:
        return UUID(text).version == 4
    except (TypeError, ValueError, AttributeError):
        return False


def _walk(value: Any, path: str) -> Iterator[Found]:
    if isinstance(value, str):
        for finding in identifiers.find(value):
            yield Found(path or "/", finding)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        if value.get("_type") == "DV_IDENTIFIER":
            yield from _identifier(value, path)
            return
        for name, item in value.items():
            # `data` of a DV_MULTIMEDIA are octets; of an entry or event, what it is there for.
            if name not in _NOT_TEXT and not (name == "data" and isinstance(item, str)):
                yield from _walk(item, f"{path}/{name}")


def _identifier(value: Mapping[str, Any], path: str) -> Iterator[Found]:
    """DV_IDENTIFIER: issuer and type say what the id is."""
    text = value.get("id")
    if not isinstance(text, str):
        return
    origin = " ".join(str(value.get(key, "")) for key in ("issuer", "type", "assigner")).lower()
    national = any(name in origin for name in _NATIONAL_ISSUERS)
    digits = text.replace(" ", "").replace("-", "")
    kind = national_numbers.kind_of(digits)
    if kind is None and national_numbers.NINO.fullmatch(text.strip()):
        kind = "NATIONAL_INSURANCE_NUMBER"
    if kind:
        yield Found(f"{path}/id", Finding(kind, 0, len(text), certain=national))
        return
    for finding in identifiers.find(text):
        yield Found(f"{path}/id", finding)
