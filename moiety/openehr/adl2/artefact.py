"""An operational template in ADL 2 (OPT 2) from its text (ADL 2, § "ADL Artefact Structure";
OPT 2, § "The Raw Operational Template").

Checked: the artefact is an operational template, every section is there in its order and
well-formed, the root of the definition is of the class that the id names, its term is defined, and
so is the original language. Not checked: constraints against the reference model, paths, whether
every code has a term; and no composition is validated against it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moiety.openehr.adl2.atoms import Atom
from moiety.openehr.adl2.cadl import read_definition
from moiety.openehr.adl2.constraints import ObjectConstraint
from moiety.openehr.adl2.identification import read_identification
from moiety.openehr.adl2.odin import Odin, read_odin
from moiety.openehr.adl2.reader import Reader
from moiety.openehr.errors import Adl2Error
from moiety.openehr.template import Term

LIMIT_CHARACTERS = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Adl2Template:
    """An operational template as it may be listed, served and looked into.

    `template_id` is the whole id with its version, `archetype_id` that of the archetype it
    specialises, its own where the text names none. `concept` is what the root is called in the
    original language. `terms`: language → code → term, of the root archetype; `components`: the
    terminologies of the archetypes inside, by id, as ODIN. `value_sets`: ac-code → at-codes, of the
    root archetype. `text` is what came.
    """

    template_id: str
    archetype_id: str
    namespace: str
    version: str
    concept: str
    language: str
    languages: tuple[str, ...]
    rm_type: str
    meta_data: Mapping[str, str]
    description: Mapping[Any, Odin]
    definition: ObjectConstraint
    rules: str
    terms: Mapping[str, Mapping[str, Term]]
    value_sets: Mapping[str, tuple[str, ...]]
    annotations: Mapping[Any, Odin]
    components: Mapping[str, Odin]
    text: str


def parse_operational_template(text: str | bytes) -> Adl2Template:
    """An ADL 2 operational template from its text (UTF-8 where bytes).

    Raises Adl2Error, with line and column, for a text that is none.
    """
    plain = _decode(text)
    try:
        return _parse(Reader(plain), plain)
    except RecursionError:
        raise Adl2Error(1, 1, "definition", "is nested too deeply") from None


def _decode(text: str | bytes) -> str:
    if len(text) > LIMIT_CHARACTERS:
        raise Adl2Error(1, 1, "text", f"is longer than {LIMIT_CHARACTERS} characters")
    plain = _decode_bytes(text) if isinstance(text, bytes) else text
    wrong = re.search("[\0\ud800-\udfff]", plain)
    if wrong is not None:
        raise Reader(plain).refuse("text", "holds NUL or half of a surrogate pair", wrong.start())
    return plain.removeprefix("\ufeff")


def _decode_bytes(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        column = error.start - body.rfind(b"\n", 0, error.start)
        raise Adl2Error(line, column, "text", "is no UTF-8") from None


# --- sections


_WORDS = (
    "specialise",
    "language",
    "description",
    "definition",
    "rules",
    "rm_overlay",
    "terminology",
    "annotations",
    "component_terminologies",
)
_OPTIONAL = frozenset(
    {"specialise", "rules", "rm_overlay", "annotations", "component_terminologies"}
)
_SECTION = re.compile(
    r"(?i:speciali[sz]e|language|description|definition|rules|rm_overlay|terminology|annotations"
    r"|component_terminologies)(?!\w)(?!\s*+=)"
)
_RULES = re.compile(
    r'(?:"(?:[^"\\]++|\\.)*+"|--[^\n]*+|\n(?![ \t]*(?:rm_overlay|terminology)\s)|[^"\n-]++|-)*+',
    re.IGNORECASE | re.DOTALL,
)
_ARCHETYPE = re.compile(r"[^\s(){}<>\[\]\"]++")


def _parse(reader: Reader, text: str) -> Adl2Template:
    identification = read_identification(reader)
    found: dict[str, Any] = {}
    places: dict[str, int] = {}
    left = list(_WORDS)
    while not reader.at_end():
        at = reader.at
        word = _section_word(reader, found)
        while left and left[0] != word:
            _miss(reader, left.pop(0), word, at)
        if not left:
            raise reader.refuse(word, "stands out of order", at)
        left.pop(0)
        places[word] = reader.at
        found[word] = _section(reader, word)
    for word in left:
        _miss(reader, word, "the end", reader.at)
    language = _language(reader, found["language"], places["language"])
    terms = _terms(reader, found["terminology"], places["terminology"])
    definition: ObjectConstraint = found["definition"]
    if definition.rm_type != identification.rm_class:
        reason = f"the id names the class {identification.rm_class}"
        raise reader.refuse(definition.rm_type, reason, places["definition"])
    return Adl2Template(
        template_id=identification.template_id,
        archetype_id=found.get("specialise") or identification.template_id,
        namespace=identification.namespace,
        version=identification.version,
        concept=_concept(reader, definition, terms, language=language, places=places),
        language=language,
        languages=tuple(terms),
        rm_type=definition.rm_type,
        meta_data=identification.meta_data,
        description=found["description"],
        definition=definition,
        rules=found.get("rules", ""),
        terms=terms,
        value_sets=value_sets_of(found["terminology"]),
        annotations=found.get("annotations", {}),
        components=_components(reader, found, places),
        text=text,
    )


def _section_word(reader: Reader, found: dict[str, Any]) -> str:
    keyword = reader.match(_SECTION)
    if keyword is None:
        after = next(reversed(found), "the id")
        raise reader.refuse("section", f"expected the name of a section after {after}")
    word = keyword.group().lower()
    return "specialise" if word.startswith("special") else word


def _miss(reader: Reader, missing: str, before: str, at: int) -> None:
    if missing not in _OPTIONAL:
        raise reader.refuse(missing, f"is missing before {before}", at)


def _section(reader: Reader, word: str) -> Any:
    if word == "specialise":
        return reader.take(_ARCHETYPE, word, "expected the id of an archetype")
    if word == "definition":
        return read_definition(reader)
    if word == "rules":
        return reader.take(_RULES, word, "expected rules").strip()
    return read_odin(reader)


# --- what the sections must say


def _language(reader: Reader, section: dict[Any, Odin], at: int) -> str:
    """The original language: [ISO_639-1::en], or the same as a text."""
    original = section.get("original_language")
    text = original.text if isinstance(original, Atom) else original
    if not isinstance(text, str) or not text:
        raise reader.refuse("original_language", "is missing", at)
    return text.rpartition("::")[2]


def _terms(reader: Reader, section: dict[Any, Odin], at: int) -> dict[str, dict[str, Term]]:
    definitions = section.get("term_definitions")
    if not isinstance(definitions, dict) or not definitions:
        raise reader.refuse("term_definitions", "is missing", at)
    return {str(language): _of_language(reader, of, at) for language, of in definitions.items()}


def _of_language(reader: Reader, terms: Odin, at: int) -> dict[str, Term]:
    if not isinstance(terms, dict):
        raise reader.refuse("term_definitions", "expected terms by language and code", at)
    found: dict[str, Term] = {}
    for code, term in terms.items():
        text = term.get("text") if isinstance(term, dict) else None
        if not isinstance(term, dict) or not isinstance(text, str):
            raise reader.refuse("term_definitions", "a term has no text", at)
        description = term.get("description")
        found[str(code)] = Term(text, description if isinstance(description, str) else "")
    return found


def value_sets_of(section: Any) -> dict[str, tuple[str, ...]]:
    """The value sets of a terminology section: ac-code → at-codes; what is none is left out."""
    sets = section.get("value_sets") if isinstance(section, dict) else None
    found: dict[str, tuple[str, ...]] = {}
    for code, said in sets.items() if isinstance(sets, dict) else ():
        members = said.get("members") if isinstance(said, dict) else None
        several = members if isinstance(members, list | tuple) else [members]
        found[str(code)] = tuple(one for one in several if isinstance(one, str))
    return found


_ROOT_CODE = re.compile(r"id1(?:\.1)*|at0000(?:\.1)*")


def _concept(
    reader: Reader,
    definition: ObjectConstraint,
    terms: dict[str, dict[str, Term]],
    *,
    language: str,
    places: dict[str, int],
) -> str:
    at = places["terminology"]
    if language not in terms:
        raise reader.refuse("term_definitions", "lack the original language", at)
    if _ROOT_CODE.fullmatch(definition.node_id) is None:
        reason = "the root has no code such as [id1] or [at0000]"
        raise reader.refuse("definition", reason, places["definition"])
    if definition.node_id not in terms[language]:
        raise reader.refuse("term_definitions", "lack the term of the root", at)
    return terms[language][definition.node_id].text


def _components(reader: Reader, found: dict[str, Any], places: dict[str, int]) -> dict[str, Odin]:
    """The terminologies inside, by archetype id; the section may repeat its name as a key."""
    section = found.get("component_terminologies", {})
    inner = section.get("component_terminologies", section)
    if not isinstance(inner, dict):
        at = places["component_terminologies"]
        raise reader.refuse("component_terminologies", "expected terminologies by archetype", at)
    return {str(key): value for key, value in inner.items()}
