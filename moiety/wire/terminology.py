"""What a FHIR R4 terminology server is asked: for AQL's TERMINOLOGY, and for templates.

AQL 1.1, "TERMINOLOGY": TERMINOLOGY(operation, service_api, params_uri).  Its last argument is the
query section of the FHIR operation (`url=…&code=…`), the same behind a path
(`//ValueSet/$expand?url=…`), or the canonical of a value set alone.

    expand    ValueSet/$expand                                     the codes
    validate  ValueSet/$validate-code, CodeSystem/$validate-code   whether the code is one of it
    subsumes  CodeSystem/$subsumes                                 whether codeA subsumes codeB
    map       ConceptMap/$translate                                the codes it is mapped to
    lookup    CodeSystem/$lookup                                   how the code is displayed
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

import msgspec

from moiety.kit.errors import Unavailable, Unprocessable
from moiety.wire.fhir_reads import FhirServer, connect, read

__all__ = ["FhirServer", "ValueSetRef", "ask", "connect", "expand_uri", "is_member", "reference"]

_PAGE = 1000
_MOST_CODES = 50_000
_DEEPEST = 30
_SERVICE = re.compile(r"(?:https?://|//)?hl7\.org/fhir(?:/(?:r?4b?(?:\.\d+)*))?/?", re.IGNORECASE)
_NAMES = (
    "url", "system", "code", "display", "version", "codeA", "codeB", "valueSetVersion",
    "systemVersion", "filter", "date", "displayLanguage", "activeOnly", "excludeNested",
    "includeDesignations", "source", "target", "targetsystem", "reverse", "conceptMapVersion",
)  # fmt: skip
_SPLIT = re.compile(rf"(?:^|&)({'|'.join(_NAMES)})=")
_SYSTEMS = {
    "snomed": "http://snomed.info/sct", "snomed-ct": "http://snomed.info/sct",
    "snomedct": "http://snomed.info/sct", "snomed.info": "http://snomed.info/sct",
    "sct": "http://snomed.info/sct", "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org", "icd10": "http://hl7.org/fhir/sid/icd-10",
    "icd-10": "http://hl7.org/fhir/sid/icd-10", "icd10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm", "atc": "http://www.whocc.no/atc",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
}  # fmt: skip
"""How openEHR documents name terminologies → the systems of FHIR ("Using Code Systems")."""
_UNMATCHED = frozenset({"unmatched", "disjoint"})

Parameters = Mapping[str, str]


# --- FHIR resources, as far as they are read


class Contained(msgspec.Struct):
    """ValueSet.expansion.contains."""

    code: str | None = None
    abstract: bool = False
    contains: "list[Contained]" = []


class Expansion(msgspec.Struct):
    """ValueSet.expansion."""

    total: int | None = None
    contains: list[Contained] = []


class ValueSet(msgspec.Struct):
    """ValueSet; one that is not expanded is no answer."""

    resourceType: Literal["ValueSet"]  # noqa: N815  FHIR's name
    expansion: Expansion


class Coding(msgspec.Struct):
    """Coding."""

    code: str = ""


class Parameter(msgspec.Struct):
    """Parameters.parameter."""

    name: str = ""
    valueBoolean: bool | None = None  # noqa: N815  FHIR's name
    valueCode: str | None = None  # noqa: N815  FHIR's name
    valueString: str | None = None  # noqa: N815  FHIR's name
    valueCoding: Coding | None = None  # noqa: N815  FHIR's name
    part: "list[Parameter]" = []


class Answer(msgspec.Struct):
    """Parameters."""

    resourceType: Literal["Parameters"]  # noqa: N815  FHIR's name
    parameter: list[Parameter] = []


# --- what AQL asks


def ask(client: FhirServer, operation: str, service: str, parameters: str) -> list[str] | bool:
    """The answer to TERMINOLOGY(operation, service, parameters).

    Codes for `expand` and `map`, texts for `lookup`, a truth for `validate` and `subsumes`.
    Raises Unprocessable for what can't be asked or is refused, Unavailable without an answer.
    """
    if not _SERVICE.fullmatch(service):
        raise Unprocessable("TERMINOLOGY speaks to a FHIR R4 server: name it 'hl7.org/fhir/R4'.")
    work = _OPERATIONS.get(operation.lower())
    if work is None:
        raise Unprocessable(f"TERMINOLOGY has the operations {', '.join(_OPERATIONS)}.")
    return work(client, split(parameters))


def expand_uri(client: FhirServer, uri: str) -> list[str]:
    """The codes of `matches { terminology://… }`.  Raises as `ask` does."""
    found = reference(uri)
    if found is None or found.kind != "ValueSet":
        raise Unprocessable(
            "The URI names no value set: write terminology://fhir.hl7.org/ValueSet/$expand?url=…,"
            " or terminology://snomed.info/sct?fhir_vs=…"
        )
    return _expand(client, found.parameters)


def split(text: str) -> Parameters:
    """The parameters of `params_uri`.

    A canonical may hold `?`, `&` and `=` itself (implicit value sets of SNOMED CT), so only the
    names of FHIR's own parameters end it.
    """
    text = text.strip()
    if (query := _behind_path(text)) is not None:
        text = query
    parts = _SPLIT.split(text)
    found = {"url": parts[0]} if parts[0] else {}
    found.update(zip(parts[1::2], parts[2::2], strict=True))
    return {name: unquote(value) for name, value in found.items()}


# --- what templates ask


@dataclass(frozen=True, slots=True)
class ValueSetRef:
    """A set of codes that is held by a FHIR server: a value set, or all of a code system."""

    kind: Literal["ValueSet", "CodeSystem"]
    parameters: Parameters


def reference(uri: str) -> ValueSetRef | None:
    """What a `terminology:` URI of a template or AQL names; None where FHIR has no such thing."""
    scheme, _, rest = uri.strip().partition("://")
    if scheme.lower() != "terminology" or not rest:
        return None
    host, _, path = rest.partition("/")
    if host.lower() in {"fhir.hl7.org", "hl7.org"}:
        parameters = split(f"//{path.lstrip('/')}")
        if not parameters.get("url"):
            return None
        is_system = path.lstrip("/").lower().startswith("codesystem")
        return ValueSetRef("CodeSystem" if is_system else "ValueSet", parameters)
    if system := _SYSTEMS.get(host.lower()):
        if root := re.search(r"[?&]root(?:ConceptId)?=(\d+)", path):
            return ValueSetRef("ValueSet", {"url": f"{system}?fhir_vs=isa/{root[1]}"})
        if host.lower() != "snomed.info":
            return None
    return ValueSetRef("ValueSet", split(f"http://{rest}"))


def is_member(client: FhirServer, wanted: ValueSetRef, terminology: str, code: str) -> bool:
    """Whether a code of a terminology, as a document names it, belongs to the set.

    Raises as `ask` does.
    """
    system = _system(terminology)
    if wanted.kind == "ValueSet":
        named = {n: v for n, v in wanted.parameters.items() if n in {"url", "valueSetVersion"}}
        return _validate(client, {**named, "system": system, "code": code})
    if wanted.parameters["url"] != system:
        return False
    return _validate(client, {"system": system, "code": code})


def _system(terminology: str) -> str:
    """The FHIR system of a TERMINOLOGY_ID; its version in brackets is left out."""
    name = terminology.partition("(")[0]
    return _SYSTEMS.get(name.lower(), name)


# --- operations


def _expand(client: FhirServer, parameters: Parameters) -> list[str]:
    asked = _only(parameters, "url", beside=_EXPANDING)
    codes: dict[str, None] = {}
    offset = 0
    while True:
        page = {**asked, "count": str(_PAGE), "offset": str(offset)}
        expansion = read(client, "/ValueSet/$expand", page, ValueSet).expansion
        before, taken = len(codes), _gather(expansion.contains, codes)
        if max(len(codes), expansion.total or 0) > _MOST_CODES:
            raise Unprocessable(f"The value set has more than {_MOST_CODES} codes: narrow it.")
        offset += taken
        whole = taken < _PAGE if expansion.total is None else offset >= expansion.total
        if whole or taken > _PAGE:  # a server that does not page sends everything at once
            return list(codes)
        if len(codes) == before:
            raise Unavailable("The terminology server does not send the whole value set.")


def _gather(found: Iterable[Contained], codes: dict[str, None], depth: int = 0) -> int:
    """Take the codes of a page; how many entries there were."""
    count = 0
    for one in found:
        count += 1
        if one.code and not one.abstract:
            codes[one.code] = None
        if one.contains and depth < _DEEPEST:
            count += _gather(one.contains, codes, depth + 1)
    return count


def _validate(client: FhirServer, parameters: Parameters) -> bool:
    if "url" in parameters:
        asked = _only(parameters, "url", "code", beside=("system", *_VALIDATING))
        path = "/ValueSet/$validate-code"
    else:
        asked = _only(parameters, "system", "code", beside=_VALIDATING)
        asked["url"] = asked.pop("system")
        path = "/CodeSystem/$validate-code"
    return _truth(_find(read(client, path, asked, Answer).parameter, "result"))


def _subsumes(client: FhirServer, parameters: Parameters) -> bool:
    asked = _only(parameters, "system", "codeA", "codeB", beside=("version",))
    outcome = _find(read(client, "/CodeSystem/$subsumes", asked, Answer).parameter, "outcome")
    if outcome is None or outcome.valueCode is None:
        raise _unfit()
    return outcome.valueCode in {"subsumes", "equivalent"}


def _map(client: FhirServer, parameters: Parameters) -> list[str]:
    asked = _only(parameters, "system", "code", beside=_MAPPING)
    told = read(client, "/ConceptMap/$translate", asked, Answer).parameter
    if not _truth(_find(told, "result")):
        return []
    codes: dict[str, None] = {}
    for match in (one.part for one in told if one.name == "match"):
        likeness, concept = _find(match, "equivalence"), _find(match, "concept")
        matched = likeness is None or likeness.valueCode not in _UNMATCHED
        if matched and concept and concept.valueCoding and concept.valueCoding.code:
            codes[concept.valueCoding.code] = None
    return list(codes)


def _lookup(client: FhirServer, parameters: Parameters) -> list[str]:
    asked = _only(parameters, "system", "code", beside=("version", "displayLanguage"))
    told = read(client, "/CodeSystem/$lookup", asked, Answer).parameter
    said = [_find(told, "display")]
    said += [_find(one.part, "value") for one in told if one.name == "designation"]
    texts = list(dict.fromkeys(one.valueString for one in said if one and one.valueString))
    if not texts:
        raise _unfit()
    return texts


_EXPANDING = ("filter", "date", "displayLanguage", "activeOnly", "valueSetVersion", "excludeNested")
_VALIDATING = ("version", "display", "valueSetVersion", "systemVersion", "displayLanguage")
_MAPPING = ("url", "version", "source", "target", "targetsystem", "reverse", "conceptMapVersion")
_OPERATIONS: Mapping[str, Callable[[FhirServer, Parameters], list[str] | bool]] = {
    "expand": _expand,
    "validate": _validate,
    "subsumes": _subsumes,
    "map": _map,
    "lookup": _lookup,
}


# --- parts


def _behind_path(text: str) -> str | None:
    """The query behind the path of an operation (`//fhir.hl7.org/ValueSet/$expand?…`)."""
    path, mark, query = text.partition("?")
    named = re.search(r"(?:^|/)(?:ValueSet|CodeSystem|ConceptMap)(?:/\$[\w-]+)?/?$", path)
    return query if mark and named and _SPLIT.match(query) else None


def _only(parameters: Parameters, *needed: str, beside: Iterable[str]) -> dict[str, str]:
    """The parameters of an operation.  Raises Unprocessable where one lacks or is not its own."""
    missing = [name for name in needed if not parameters.get(name)]
    foreign = [name for name in parameters if name not in (*needed, *beside)]
    if missing or foreign:
        what = f"lacks {missing[0]}" if missing else f"does not take {foreign[0]}"
        raise Unprocessable(
            f"This operation of TERMINOLOGY {what}: it takes {', '.join(needed)}"
            f" and also {', '.join(beside)}."
        )
    return dict(parameters)


def _find(parameters: Iterable[Parameter], name: str) -> Parameter | None:
    return next((one for one in parameters if one.name == name), None)


def _truth(found: Parameter | None) -> bool:
    if found is None or found.valueBoolean is None:
        raise _unfit()
    return found.valueBoolean


def _unfit() -> Unavailable:
    return Unavailable("The terminology server's answer is no FHIR R4.")
