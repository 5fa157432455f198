"""A template prepared for the simplified formats: decode and encode FLAT and STRUCTURED
(Simplified Formats, "Basic Concepts").
"""

from dataclasses import dataclass

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.simplified.fields import Fields, read_fields, write_flat, write_structured
from moiety.openehr.simplified.reading import read_composition
from moiety.openehr.simplified.tree import WebNode, web_tree
from moiety.openehr.simplified.writing import write_composition
from moiety.openehr.simplified.writing_values import raw
from moiety.openehr.template import Template


@dataclass(frozen=True, slots=True)
class Forms:
    """A template and its web tree; hold it as long as the template is in force."""

    template: Template
    web: WebNode


def prepare(template: Template) -> Forms:
    """Make the web tree of a template, for the functions below."""
    return Forms(template, web_tree(template))


def decode_simplified(body: bytes, forms: Forms, *, now: str) -> rm.Composition:
    """A composition from a FLAT or STRUCTURED document.

    `now` (ISO 8601) is the time where the document tells none. Raises RmError, its path made
    of ids of the web tree, for broken JSON, keys without a place in the template and values
    that do not fit. Whether the composition is valid, its template's check tells.
    """
    try:
        return read_composition(read_fields(body), forms.web, forms.template, now)
    except RecursionError:
        raise RmError("", "nested too deeply") from None


def encode_flat(composition: rm.Composition, forms: Forms) -> bytes:
    """FLAT of a composition; decoding it gives an equal composition."""
    return write_flat(_fields(composition, forms))


def encode_structured(composition: rm.Composition, forms: Forms) -> bytes:
    """STRUCTURED of a composition. Siblings of one id stand together, whatever their order."""
    return write_structured(_fields(composition, forms))


def _fields(composition: rm.Composition, forms: Forms) -> Fields:
    """Written, read back, and if that is not alike written again with care."""
    for careful in (False, True):
        fields = write_composition(composition, forms.web, forms.template, careful=careful)
        if _reads_as(composition, fields, forms):
            return fields
    fields = Fields()
    fields.put(forms.web.id, raw(composition))
    return fields


def _reads_as(composition: rm.Composition, fields: Fields, forms: Forms) -> bool:
    fields.number()
    try:
        return composition == read_composition(fields, forms.web, forms.template, "")
    except RmError:
        return False
