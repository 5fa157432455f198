"""Values of the model → fields (Simplified Formats, "RM Mappings"), and whether reading gives them
back alike.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from moiety.openehr import rm
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.parts import ORDINAL, PARTS, TEXT, Part


def write_value(value: rm.Any) -> Fields:
    """The fields of a value; what has none of its own is there as raw JSON."""
    writer = _WRITERS.get(value.__class__)
    if writer is not None:
        fields = writer(value)
    else:
        fields = Fields()
        write_parts(fields, value, PARTS.get(value.__class__, ()))
    return fields or raw(value)


def raw(value: rm.Any | None) -> Fields:
    """A value as canonical JSON in a field."""
    fields = Fields()
    fields.values["raw"] = None if value is None else msgspec.to_builtins(value)
    return fields


def write_parts(fields: Fields, value: Any, parts: tuple[Part, ...]) -> None:
    """Write the parts of an object into fields; absent ones are left out."""
    for part in parts:
        found = getattr(value, part.attribute)
        if found is None:
            continue
        if part.attribute == "original_content" and found.__class__ is not part.of:
            continue  # two places, by its class
        if not part.is_node:
            fields.values[part.name] = _bare(found, part)
        elif part.is_list:
            for item in found:
                fields.put(part.name, write_value(item), repeated=True)
        else:
            fields.put(part.name, write_value(found))


def _bare(value: Any, part: Part) -> Any:
    """A value that stands for itself: a scalar, a code, a text without more to it."""
    if part.of is rm.CodePhrase:
        return value.code_string
    return value if part.of is None else value.value


def _text(value: rm.DvText | rm.DvCodedText) -> Fields:
    fields = Fields()
    if isinstance(value, rm.DvCodedText):
        fields.values["value"] = value.value
        if value.defining_code is not None:
            write_parts(fields, value.defining_code, PARTS[rm.CodePhrase])
    else:
        fields.values[""] = value.value
    fields.values = {key: found for key, found in fields.values.items() if found is not None}
    write_parts(fields, value, TEXT)
    return fields


def _ordinal(value: rm.DvOrdinal | rm.DvScale) -> Fields:
    fields = _text(value.symbol) if value.symbol is not None else Fields()
    if value.value is not None:
        fields.values["ordinal"] = value.value
    write_parts(fields, value, ORDINAL)
    return fields


def _interval(value: rm.DvInterval) -> Fields:
    fields = Fields()
    for side in ("lower", "upper"):
        bound = getattr(value, side)
        if bound is not None:
            fields.put(side, write_value(bound))
        for flag, default in (("unbounded", bound is None), ("included", bound is not None)):
            said = getattr(value, f"{side}_{flag}")
            if said is not None and said != default:
                fields.values[f"{side}_{flag}"] = said
    return fields


def _reference_range(value: rm.ReferenceRange) -> Fields:
    fields = _interval(value.range) if value.range is not None else Fields()
    if value.meaning is not None:
        fields.put("meaning", write_value(value.meaning))
    return fields


def _proportion(value: rm.DvProportion) -> Fields:
    fields = Fields()
    write_parts(fields, value, PARTS[rm.DvProportion])
    if value.numerator is not None and value.denominator:
        fields.values[""] = value.numerator / value.denominator
    return fields


def _state(value: rm.DvState) -> Fields:
    fields = _text(value.value) if value.value is not None else Fields()
    if value.is_terminal is not None:
        fields.values["terminal"] = value.is_terminal
    return fields


_Writer: TypeAlias = Callable[[Any], Fields]
_WRITERS: dict[type[rm.Any], _Writer] = {
    rm.DvText: _text,
    rm.DvCodedText: _text,
    rm.DvOrdinal: _ordinal,
    rm.DvScale: _ordinal,
    rm.DvInterval: _interval,
    rm.ReferenceRange: _reference_range,
    rm.DvProportion: _proportion,
    rm.DvState: _state,
}
