"""Values of the model ↔ fields (Simplified Formats, "RM Mappings", DV_ classes). Reading fills in
what the template knows: texts of codes, numbers of ordinals, terminologies. Writing is exact: what
reading would not give back alike is written as `|raw`, canonical JSON as it stands.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias, get_args, get_type_hints

import msgspec

from moiety.openehr import rm
from moiety.openehr.canonical import convert
from moiety.openehr.constraints import CodePhraseConstraint, OrdinalConstraint, OrdinalItem
from moiety.openehr.errors import RmError
from moiety.openehr.rm_types import parameter
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.inputs import term_of
from moiety.openehr.simplified.parts import ORDINAL, PARTS, TEXT, Part
from moiety.openehr.template import Template, TemplateNode


class Hint(NamedTuple):
    """What is known of a value beforehand: its template node, and its code's terminology."""

    template: Template
    node: TemplateNode | None = None
    terminology: str = ""

    def constraints(self) -> list[Any]:
        if self.node is None:
            return []
        inside = self.template.nodes[self.node.number : self.node.last + 1]
        return [found.constraint for found in inside if found.constraint is not None]

    def below(self, attribute: str) -> "Hint":
        """What is known of an attribute of the value."""
        terminology = TERMINOLOGIES.get(attribute, "")
        for each in self.node.attributes if self.node is not None else ():
            if each.name == attribute and each.children:
                node = self.template.nodes[each.children[0]]
                return Hint(self.template, node, terminology)
        return Hint(self.template, None, terminology)


TERMINOLOGIES = {
    "language": "ISO_639-1",
    "territory": "ISO_3166-1",
    "encoding": "IANA_character-sets",
    "charset": "IANA_character-sets",
    "category": "openehr",
    "setting": "openehr",
    "current_state": "openehr",
    "transition": "openehr",
    "math_function": "openehr",
    "null_flavour": "openehr",
    "purpose": "openehr",
}
"""Attribute → the terminology of its codes, where a document leaves it out."""


# --- fields → values


def read_value(fields: Fields, rm_class: type[rm.Any], hint: Hint) -> Any:
    """A value of a class (or of one that conforms to it) from its fields.

    Raises RmError, without path, for texts that are no number and raw JSON that is no value.
    """
    if fields.has("raw"):
        return read_raw(fields.get("raw"))
    reader = _READERS.get(rm_class)
    return reader(fields, hint) if reader else read_parts(fields, rm_class, hint)


def read_raw(tree: Any) -> rm.Any | None:
    """An object from canonical JSON in a field; None for null."""
    if tree is None:
        return None
    rm_class = rm.CLASSES.get(str(tree.get("_type"))) if isinstance(tree, dict) else None
    if rm_class is None:
        raise RmError("", "raw JSON needs the `_type` of a class of the reference model")
    return convert(tree, rm_class)


def read_parts(fields: Fields, rm_class: type[rm.Any], hint: Hint) -> Any:
    """An object of a class, part by part from its fields."""
    found = {}
    values, below = fields.values, fields.below
    for part in PARTS[rm_class]:
        held: Any = below if part.is_node else values
        if not any(key in held for key in part.keys):
            continue
        value = _read_part(fields, part, rm_class, hint)
        if value is not None:
            found[part.attribute] = value
    return rm_class(**found)


def _read_part(fields: Fields, part: Part, owner: type[rm.Any], hint: Hint) -> Any:
    if part.is_node and part.of is not None:
        nodes = fields.many(part.name)
        below = hint.below(part.attribute)
        if part.of in {rm.DvInterval, rm.ReferenceRange}:
            read: Callable[[Fields], Any] = _RANGED[part.of](owner, hint)
        else:
            of = part.of
            read = lambda node: read_value(node, of, below)  # noqa: E731  # two of a kind
        items = [read(node) for node in nodes]
        return (items or None) if part.is_list else next(iter(items), None)
    value = next(
        (v for suffix in (part.name, *part.aliases) if (v := fields.get(suffix)) is not None), None
    )
    if value is None or part.of is None:
        return None if value is None else plain_value(value, owner, part.attribute)
    return _wrap(text_of(value), part)


def _wrap(text: str, part: Part) -> Any:
    """The object that a bare text stands for."""
    if part.of is rm.CodePhrase:
        return rm.CodePhrase(terminology_id=rm.TerminologyId(part.terminology), code_string=text)
    if part.of is None:
        raise TypeError(part.attribute)
    return part.of(value=text)


def text_of(value: Any) -> str:
    """A text, or a whole number as text. Raises RmError for other JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RmError("", "expected a text")


@cache
def _kind(rm_class: type[rm.Any], attribute: str) -> type:
    hint = get_type_hints(rm_class)[attribute]
    found: type = next(part for part in get_args(hint) if part is not type(None))
    return found


def plain_value(value: Any, rm_class: type[rm.Any], attribute: str) -> Any:
    """A scalar as the attribute has it; numbers and booleans may come as texts."""
    kind = _kind(rm_class, attribute)
    if kind is str:
        return text_of(value)
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        raise RmError("", f"expected {kind.__name__}") from None


# --- texts and codes


def _read_text(fields: Fields, hint: Hint) -> rm.DvText | rm.DvCodedText:
    extras: dict[str, Any] = {}
    if fields.below or fields.has("formatting"):
        for part in TEXT:
            if (extra := _read_part(fields, part, rm.DvText, hint)) is not None:
                extras[part.attribute] = extra
    value = fields.get("") if fields.has("") else fields.get("value")
    if value is None and fields.has("other"):
        value = fields.get("other")
    text = None if value is None else text_of(value)
    code = fields.get("code")
    if code is None:
        code = _code_for(text, hint)
    if code is None:
        return rm.DvText(value=text, **extras)
    phrase = _read_phrase(fields, text_of(code), hint)
    if text is None:
        text = _label(phrase, hint)
    return rm.DvCodedText(value=text, defining_code=phrase, **extras)


def _read_phrase(fields: Fields, code: str, hint: Hint) -> rm.CodePhrase:
    said = fields.get("terminology") or fields.get("terminology_id")
    terminology = text_of(said) if said else _terminology(hint)
    preferred = fields.get("preferred_term")
    return rm.CodePhrase(
        terminology_id=rm.TerminologyId(terminology),
        code_string=code,
        preferred_term=None if preferred is None else text_of(preferred),
    )


def _terminology(hint: Hint) -> str:
    found = (c.terminology for c in hint.constraints() if isinstance(c, CodePhraseConstraint))
    return next((name for name in found if name), None) or hint.terminology or "local"


def _read_code_phrase(fields: Fields, hint: Hint) -> rm.CodePhrase:
    code = fields.get("code") if fields.has("code") else fields.get("")
    if code is None:
        found: rm.CodePhrase = read_parts(fields, rm.CodePhrase, hint)
        return found
    return _read_phrase(fields, text_of(code), hint)


def _code_for(text: str | None, hint: Hint) -> str | None:
    """The code that a bare text means, where the template lists codes and one is called so."""
    if text is None or hint.node is None or hint.node.rm_type != "DV_CODED_TEXT":
        return None
    for constraint in hint.constraints():
        if isinstance(constraint, CodePhraseConstraint):
            for code in constraint.codes:
                term = term_of(
                    hint.template, hint.node.archetype_id, constraint.terminology or "local", code
                )
                if text == code or (term is not None and term.text == text):
                    return code
    return None


def _label(phrase: rm.CodePhrase, hint: Hint) -> str | None:
    archetype_id = hint.node.archetype_id if hint.node is not None else ""
    terminology = phrase.terminology_id.value if phrase.terminology_id else None
    term = term_of(hint.template, archetype_id, terminology or "", phrase.code_string or "")
    return term.text if term is not None else None


def _read_ordinal(rm_class: type[rm.DvOrdinal] | type[rm.DvScale]) -> "_Reader":
    def read(fields: Fields, hint: Hint) -> rm.DvOrdinal | rm.DvScale:
        found: dict[str, Any] = {}
        for part in ORDINAL:
            if (value := _read_part(fields, part, rm_class, hint)) is not None:
                found[part.attribute] = value
        number = fields.get("ordinal") if fields.has("ordinal") else fields.get("scale")
        code = fields.get("code")
        item = _item(number, code, hint)
        if number is None and item is not None:
            number = item.value
        if code is None and item is not None:
            code = item.code
        if code is not None:
            found["symbol"] = _symbol(fields, text_of(code), item, hint)
        if number is not None:
            found["value"] = plain_value(number, rm_class, "value")
        return rm_class(**found)

    return read


def _item(number: Any, code: Any, hint: Hint) -> OrdinalItem | None:
    """The template's ordinal of that code, or of that number."""
    for constraint in hint.constraints():
        if isinstance(constraint, OrdinalConstraint):
            for item in constraint.items:
                if code == item.code or (code is None and str(number) == f"{item.value:g}"):
                    return item
    return None


def _symbol(fields: Fields, code: str, item: OrdinalItem | None, hint: Hint) -> rm.DvCodedText:
    phrase = _read_phrase(fields, code, hint)
    if item is not None and not fields.has("terminology", "terminology_id"):
        phrase = rm.CodePhrase(rm.TerminologyId(item.terminology), code)
    said = fields.get("value")
    label = text_of(said) if said is not None else (item.label if item else None)
    return rm.DvCodedText(value=label or _label(phrase, hint), defining_code=phrase)


# --- ranges


def read_interval(fields: Fields, bound: type[rm.Any] | None, hint: Hint) -> rm.DvInterval:
    """An interval: bounds below, flags as suffixes; a bound that is absent is unbounded."""
    found: dict[str, Any] = {}
    for side in ("lower", "upper"):
        node = fields.one(side)
        inner = hint.below(side)
        of = bound or (rm.CLASSES.get(inner.node.rm_type) if inner.node is not None else None)
        if node is not None and (of is not None or node.has("raw")):
            found[side] = read_value(node, of or rm.DvQuantity, inner)
        absent = found.get(side) is None
        for flag, default in (("unbounded", absent), ("included", not absent)):
            said = fields.get(f"{side}_{flag}")
            name = f"{side}_{flag}"
            found[name] = default if said is None else plain_value(said, rm.DvInterval, name)
    return rm.DvInterval(**found)


def _bound_class(hint: Hint) -> type[rm.Any] | None:
    inner = parameter(hint.node.rm_type) if hint.node is not None else None
    return rm.CLASSES.get(inner) if inner else None


def _normal_range(owner: type[rm.Any], hint: Hint) -> Callable[[Fields], rm.DvInterval]:
    return lambda fields: _raw_or(fields, lambda: read_interval(fields, owner, Hint(hint.template)))


def _reference_range(owner: type[rm.Any], hint: Hint) -> Callable[[Fields], rm.ReferenceRange]:
    def read(fields: Fields) -> rm.ReferenceRange:
        meaning = fields.one("meaning")
        return rm.ReferenceRange(
            meaning=_read_text(meaning, Hint(hint.template)) if meaning is not None else None,
            range=read_interval(fields, owner, Hint(hint.template)),
        )

    return lambda fields: _raw_or(fields, lambda: read(fields))


def _raw_or(fields: Fields, read: Callable[[], Any]) -> Any:
    return read_raw(fields.get("raw")) if fields.has("raw") else read()


_RANGED: dict[type[rm.Any], Callable[[type[rm.Any], Hint], Callable[[Fields], Any]]] = {
    rm.DvInterval: _normal_range,
    rm.ReferenceRange: _reference_range,
}


# --- others


def _read_proportion(fields: Fields, hint: Hint) -> rm.DvProportion:
    fields.get("")  # the quotient: told for readers, computed anew
    found: rm.DvProportion = read_parts(fields, rm.DvProportion, hint)
    return found


_UNITS = {"year": "Y", "month": "M", "week": "W", "day": "D"}
_CLOCK = {"hour": "H", "minute": "M", "second": "S"}


def _read_duration(fields: Fields, hint: Hint) -> rm.DvDuration:
    found: rm.DvDuration = read_parts(fields, rm.DvDuration, hint)
    if found.value is None and fields.has(*_UNITS, *_CLOCK):
        days, clock = (
            "".join(
                f"{text_of(number)}{letter}"
                for name, letter in units.items()
                if (number := fields.get(name))
            )
            for units in (_UNITS, _CLOCK)
        )
        return msgspec.structs.replace(
            found, value=f"P{days}" + (f"T{clock}" if clock or not days else "")
        )
    return found


def _read_state(fields: Fields, hint: Hint) -> rm.DvState:
    terminal = fields.get("terminal")
    text = _read_text(fields, hint)
    return rm.DvState(
        value=text if isinstance(text, rm.DvCodedText) else None,
        is_terminal=None if terminal is None else plain_value(terminal, rm.DvState, "is_terminal"),
    )


_Reader: TypeAlias = Callable[[Fields, Hint], Any]
_READERS: dict[type[rm.Any], _Reader] = {
    rm.CodePhrase: _read_code_phrase,
    rm.DvText: _read_text,
    rm.DvCodedText: _read_text,
    rm.DvOrdinal: _read_ordinal(rm.DvOrdinal),
    rm.DvScale: _read_ordinal(rm.DvScale),
    rm.DvInterval: lambda fields, hint: read_interval(fields, _bound_class(hint), hint),
    rm.DvProportion: _read_proportion,
    rm.DvDuration: _read_duration,
    rm.DvState: _read_state,
}
