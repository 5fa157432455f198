"""cADL, the definition of an artefact → constraints (ADL 2, § "Constraint ADL" and its grammar).

object ─ attribute ─ members: object, slot, proxy, group ─ …
                   └ primitive
         tuple ─ rows of primitives
"""

import re

from moiety.openehr.adl2.constraints import (
    AttributeConstraint,
    Cardinality,
    GroupConstraint,
    Member,
    Multiplicity,
    ObjectConstraint,
    Primitive,
    ProxyConstraint,
    SlotConstraint,
    TupleConstraint,
)
from moiety.openehr.adl2.odin import Odin, read_odin
from moiety.openehr.adl2.primitives import read_primitive
from moiety.openehr.adl2.reader import Reader

_MATCHES = re.compile(r"(?i:matches|is_in)(?!\w)|∈")
_KEYWORD = re.compile(
    r"(?i:use_node|use_archetype|allow_archetype|group|before|after)(?=\s|\[|--)",
)
_TYPE = re.compile(r"[A-Za-z]\w*+(?:\s*<[\w ,<>]*>)?", re.ASCII)
_CODE = re.compile(r"(?:id|at)[0-9]+(?:\.[0-9]+)*+", re.ASCII)
_ARCHETYPE = re.compile(
    r"(?:[A-Za-z][\w.%-]*::)?[A-Za-z]\w*-[A-Za-z]\w*-[A-Za-z]\w*\.[A-Za-z][\w%-]*"
    r"\.v[0-9]+(?:\.[0-9]+)*(?:-(?:alpha|beta|rc)(?:\.[0-9]+)?)?",
    re.ASCII,
)
_SEGMENT = r"[a-z_]\w*(?:\[[^\]\n]*\])?"
_NAME = re.compile(rf"/?{_SEGMENT}(?:/{_SEGMENT})*+", re.ASCII)
_PATH = re.compile(rf"(?:/{_SEGMENT})++", re.ASCII)
_EXISTENCE = re.compile(r"(?i:existence)(?!\w)")
_CARDINALITY = re.compile(r"(?i:cardinality)(?!\w)")
_OCCURRENCES = re.compile(r"(?i:occurrences)(?!\w)")
_CLOSED = re.compile(r"(?i:closed)(?!\w)")
_DEFAULT = re.compile(r"_default(?=\s*+=)", re.IGNORECASE)
_CLASS_IN_BRACKETS = re.compile(r"\([^)\n]{1,99}\)")
_BOUNDS = re.compile(r"(\*|[0-9]{1,9})(?:\s*\.\.\s*(\*|[0-9]{1,9}))?")
_MODIFIER = re.compile(r"(?i:(ordered|unordered|unique))(?!\w)")
_SIDE = re.compile(r"(?i:include|exclude)(?!\w)")
_REGEXP = r"\{\s*+(?:/(?:[^/\\\n\r]++|\\.)++/|\^(?:[^^\\\n\r]++|\\.)++\^)\s*+\}"
_ASSERTION = re.compile(  # texts, patterns, sets, words but for the next keyword, marks
    rf'(?:"(?:[^"\\]++|\\.)*+"|--[^\n]*+|{_REGEXP}|\{{[^{{}}\n]*+\}}'
    r"|(?!(?i:include|exclude)\b)\w++|[^\w{}\"])++",
    re.DOTALL,
)


def read_definition(reader: Reader) -> ObjectConstraint:
    """The root object of a definition. Raises Adl2Error, with line and column."""
    return _object(reader)


def _member(reader: Reader) -> Member | None:
    """An object of any kind; None where none begins."""
    keyword = reader.match(_KEYWORD)
    if keyword is None:
        return _object(reader) if reader.sees(_TYPE) else None
    word = keyword.group().lower()
    if word == "allow_archetype":
        return _slot(reader)
    if word == "use_node":
        return _proxy(reader)
    if word == "group":
        return _group(reader)
    if word == "use_archetype":
        return _object(reader, referring=True)
    code = _bracketed_code(reader)
    return _object(reader, order=f"{word} {code}")


def _object(reader: Reader, *, referring: bool = False, order: str = "") -> ObjectConstraint:
    rm_type = _class_name(reader)
    node_id, archetype_id = _identity(reader, referring=referring)
    occurrences = _occurrences(reader)
    body = _Body()
    if reader.match(_MATCHES):
        with reader.deeper(rm_type):
            reader.expect("{", rm_type)
            body = _body(reader, rm_type)
            reader.expect("}", rm_type)
    return ObjectConstraint(
        rm_type=rm_type,
        node_id=node_id,
        archetype_id=archetype_id,
        occurrences=occurrences,
        attributes=tuple(body.attributes),
        tuples=tuple(body.tuples),
        value=body.value,
        default=body.default,
        order=order,
    )


def _class_name(reader: Reader) -> str:
    return "".join(reader.take(_TYPE, "definition", "expected the name of a class").split())


def _identity(reader: Reader, *, referring: bool) -> tuple[str, str]:
    """[id4], [id4, archetype] or [archetype]; at-coded artefacts may leave leaves without."""
    if not reader.accept("["):
        if referring:
            raise reader.refuse("use_archetype", "expected [code, archetype id]")
        return "", ""
    code = reader.match(_CODE)
    archetype_id = ""
    if code is None or reader.accept(","):
        archetype_id = reader.take(_ARCHETYPE, "node", "expected a code or an archetype id")
    reader.expect("]", "node")
    return (code.group() if code else ""), archetype_id


class _Body:
    """What stands in an object's braces, while it is read."""

    def __init__(self) -> None:
        self.attributes: list[AttributeConstraint] = []
        self.tuples: list[TupleConstraint] = []
        self.value: Primitive | None = None
        self.default: Odin | None = None


def _body(reader: Reader, rm_type: str) -> _Body:
    body = _Body()
    if reader.accept("*"):
        return body
    if not reader.sees(_NAME) or _is_literal(reader):
        body.value = None if reader.text.startswith("[", reader.at) else read_primitive(reader)
        if body.value is not None:
            return body
    names: set[str] = set()
    while not reader.text.startswith("}", reader.at):
        at = reader.at
        if reader.match(_DEFAULT):
            reader.expect("=", "_default")
            body.default = _default(reader)
        elif reader.text.startswith("[", reader.at):
            read = _tuple_or_code(reader)
            if isinstance(read, Primitive):
                body.value = read
                break
            body.tuples.append(read)
        else:
            attribute = _attribute(reader, rm_type)
            if attribute.name in names:
                raise reader.refuse(attribute.name, "is constrained twice", at)
            names.add(attribute.name)
            body.attributes.append(attribute)
    return body


_LITERAL = re.compile(
    r"(?i:true|false)(?=\s*+[},;])|(?:required|extensible|preferred|example)(?=\s*+\[)"
    r"|[yYhH]{2,4}[-:]|/(?:[^/\\\n\r]++|\\.)++/\s*+[;}]"
)


def _is_literal(reader: Reader) -> bool:
    """Whether what looks like the name of an attribute is a value or pattern."""
    return reader.sees(_LITERAL)


def _default(reader: Reader) -> Odin:
    reader.match(_CLASS_IN_BRACKETS)
    with reader.deeper("_default"):
        reader.expect("<", "_default")
        found = read_odin(reader)
        reader.expect(">", "_default")
    return found


# --- attributes


def _attribute(reader: Reader, rm_type: str) -> AttributeConstraint:
    name = reader.take(_NAME, rm_type, "expected the name of an attribute")
    existence = _keyed_bounds(reader, _EXISTENCE, name)
    cardinality = _cardinality(reader, name)
    members: tuple[Member, ...] = ()
    if reader.match(_MATCHES):
        with reader.deeper(name):
            reader.expect("{", name)
            members = _members(reader, name)
            reader.expect("}", name)
    return AttributeConstraint(name, existence, cardinality, members)


def _members(reader: Reader, construct: str) -> tuple[Member, ...]:
    """Objects, one primitive constraint, or * for anything."""
    if reader.accept("*"):
        return ()
    primitive = read_primitive(reader) if not reader.sees(_KEYWORD) else None
    if primitive is not None:
        return (primitive,)
    found: list[Member] = []
    while (member := _member(reader)) is not None:
        found.append(member)
    if not found:
        raise reader.refuse(construct, "expected an object, a value or *")
    return tuple(found)


def _keyed_bounds(reader: Reader, keyword: re.Pattern[str], name: str) -> Multiplicity | None:
    found = reader.match(keyword)
    if found is None:
        return None
    reader.take(_MATCHES, name, f"expected matches after {found.group().lower()}")
    reader.expect("{", name)
    bounds = _bounds(reader, name)
    reader.expect("}", name)
    return bounds


def _occurrences(reader: Reader) -> Multiplicity | None:
    return _keyed_bounds(reader, _OCCURRENCES, "occurrences")


def _bounds(reader: Reader, construct: str) -> Multiplicity:
    at = reader.at
    found = reader.match(_BOUNDS)
    if found is None:
        raise reader.refuse(construct, "expected a number, a range or *")
    if found[1] == "*":
        if found[2] is not None:
            raise reader.refuse(construct, "a range cannot begin with *", at)
        return 0, None
    least = int(found[1])
    most = least if found[2] is None else None if found[2] == "*" else int(found[2])
    if most is not None and most < least:
        raise reader.refuse(construct, "has an upper bound below the lower one", at)
    return least, most


def _cardinality(reader: Reader, name: str) -> Cardinality | None:
    if not reader.match(_CARDINALITY):
        return None
    reader.take(_MATCHES, name, "expected matches after cardinality")
    reader.expect("{", name)
    members, words = _bounds(reader, name), set[str]()
    while reader.accept(";"):
        words.add(reader.take(_MODIFIER, name, "expected ordered, unordered or unique").lower())
    reader.expect("}", name)
    return Cardinality(members, "unordered" not in words, "unique" in words)


# --- tuples, slots, proxies, groups


def _tuple_or_code(reader: Reader) -> TupleConstraint | Primitive:
    """In an object's braces a bracket opens a tuple, or a terminology code in the long form."""
    coded = read_primitive(reader)
    if coded is not None:
        return coded
    reader.accept("[")
    names = [reader.take(_NAME, "tuple", "expected the name of an attribute")]
    while reader.accept(","):
        names.append(reader.take(_NAME, "tuple", "expected the name of an attribute"))
    reader.expect("]", "tuple")
    reader.take(_MATCHES, "tuple", "expected matches")
    reader.expect("{", "tuple")
    rows = [_row(reader, len(names))]
    while reader.accept(","):
        rows.append(_row(reader, len(names)))
    reader.expect("}", "tuple")
    return TupleConstraint(tuple(names), tuple(rows))


def _row(reader: Reader, width: int) -> tuple[Primitive, ...]:
    at = reader.at
    reader.expect("[", "tuple")
    found: list[Primitive] = []
    while not found or reader.accept(","):
        reader.expect("{", "tuple")
        primitive = read_primitive(reader)
        if primitive is None:
            raise reader.refuse("tuple", "expected a constraint of a value")
        found.append(primitive)
        reader.expect("}", "tuple")
    reader.expect("]", "tuple")
    if len(found) != width:
        raise reader.refuse("tuple", f"has a row of {len(found)} for {width} attributes", at)
    return tuple(found)


def _slot(reader: Reader) -> SlotConstraint:
    rm_type = _class_name(reader)
    node_id, _ = _identity(reader, referring=False)
    if reader.match(_CLOSED):
        return SlotConstraint(rm_type, node_id, closed=True)
    occurrences = _occurrences(reader)
    sides: dict[str, list[str]] = {"include": [], "exclude": []}
    if reader.match(_MATCHES):
        reader.expect("{", "allow_archetype")
        while (side := reader.match(_SIDE)) is not None:
            word = side.group().lower()
            assertion = reader.take(_ASSERTION, word, "expected an assertion")
            sides[word].append(assertion.strip())
        if not any(sides.values()):
            reader.accept("*")
        reader.expect("}", "allow_archetype")
    includes, excludes = tuple(sides["include"]), tuple(sides["exclude"])
    return SlotConstraint(rm_type, node_id, occurrences, includes, excludes)


def _proxy(reader: Reader) -> ProxyConstraint:
    rm_type = _class_name(reader)
    node_id, _ = _identity(reader, referring=False)
    occurrences = _occurrences(reader)
    path = reader.take(_PATH, "use_node", "expected the path of a node")
    return ProxyConstraint(rm_type, node_id, path, occurrences)


def _group(reader: Reader) -> GroupConstraint:
    cardinality = _cardinality(reader, "group")
    occurrences = _occurrences(reader)
    reader.take(_MATCHES, "group", "expected matches")
    with reader.deeper("group"):
        reader.expect("{", "group")
        members = _members(reader, "group")
        reader.expect("}", "group")
    return GroupConstraint(members, cardinality, occurrences)


def _bracketed_code(reader: Reader) -> str:
    reader.expect("[", "sibling order")
    code = reader.take(_CODE, "sibling order", "expected the code of a sibling")
    reader.expect("]", "sibling order")
    return code
