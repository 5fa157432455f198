"""The opening of an ADL 2 artefact: what it is, its meta-data, its id (ADL 2, § "Archetype
Identification Section").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from moiety.openehr.adl2.reader import Reader
from moiety.openehr.adl2.versions import parse_version

_KIND = re.compile(r"(?i:operational_template|template_overlay|template|archetype)(?!\w)")
_KEY = re.compile(r"[A-Za-z_]\w*+", re.ASCII)
_VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[^;()\s"]++', re.DOTALL)
_RELEASE = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,2}(?:-(?:alpha|beta|rc)(?:\.[0-9]{1,4})?)?")
_ANY_ID = re.compile(r"[^\s(){}<>\[\]\"]++")
_ID = re.compile(
    r"(?:(?P<namespace>[A-Za-z][\w.%-]*)::)?"
    r"(?P<publisher>[A-Za-z]\w*)-(?P<model>[A-Za-z]\w*)-(?P<rm_class>[A-Za-z]\w*)"
    r"\.(?P<concept>[A-Za-z][\w%-]*)\.v(?P<version>[0-9][\w.-]*)",
    re.ASCII,
)
_GUIDS = frozenset({"uid", "build_uid", "provenance_id"})
_RELEASES = frozenset({"adl_version", "rm_release"})


@dataclass(frozen=True, slots=True)
class Identification:
    """`template_id` is the whole id; `meta_data` as written, flags with the value ""."""

    template_id: str
    namespace: str
    rm_class: str
    version: str
    meta_data: Mapping[str, str]


def read_identification(reader: Reader) -> Identification:
    """The opening of an operational template. Raises Adl2Error where it is none.

    The namespace may be absent, as the grammar of ADL 2 and the REST API's own examples have it.
    """
    at = reader.at
    kind = reader.take(_KIND, "artefact", "expected operational_template").lower()
    if kind != "operational_template":
        raise reader.refuse(kind, "only an operational_template can be held", at)
    meta_data = _meta_data(reader) if reader.accept("(") else {}
    if "adl_version" not in meta_data:
        raise reader.refuse("adl_version", "is missing in the meta-data", at)
    if meta_data["adl_version"].partition(".")[0] != "2":
        raise reader.refuse("adl_version", "is no release of ADL 2", at)
    return _identify(reader, meta_data)


def _identify(reader: Reader, meta_data: dict[str, str]) -> Identification:
    at = reader.at
    written = reader.take(_ANY_ID, "id", "expected the id of the template")
    found = _ID.fullmatch(written)
    if found is None:
        raise reader.refuse("id", "is no id such as openEHR-EHR-COMPOSITION.name.v1.0.0", at)
    try:
        parse_version(found["version"])
    except ValueError as error:
        raise reader.refuse("version", f"is {error}", at) from None
    return Identification(
        template_id=written,
        namespace=found["namespace"] or "",
        rm_class=found["rm_class"],
        version=found["version"],
        meta_data=meta_data,
    )


def _meta_data(reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    while not reader.accept(")"):
        at = reader.at
        key = reader.take(_KEY, "meta-data", "expected a name or )").lower()
        if key in found:
            raise reader.refuse(key, "stands twice", at)
        found[key] = ""
        if reader.accept("="):
            found[key] = reader.take(_VALUE, key, "expected a value").strip('"')
            _check(reader, key, found[key], at)
        if not reader.accept(";") and not reader.text.startswith(")", reader.at):
            raise reader.refuse("meta-data", "expected ; or )")
    return found


def _check(reader: Reader, key: str, text: str, at: int) -> None:
    if key in _RELEASES and _RELEASE.fullmatch(text) is None:
        raise reader.refuse(key, "is no release such as 2.4.0", at)
    if key in _GUIDS:
        try:
            UUID(text)
        except ValueError:
            raise reader.refuse(key, "is no UUID", at) from None
