"""Canonical XML of the reference model (ITS-XML), both directions, read without trust.

decode_xml ── lxml, nothing fetched or expanded ──► elements ──► object, or RmError with path
encode_xml ── object ──► text, elements in the order of the schema

What JSON can say and XML cannot: an empty list, which comes back absent, and control
characters, which are refused. xml_shapes tells how the schema writes each class.
"""

import re
from math import isinf
from typing import Any, TypeVar, cast

from lxml import etree

from moiety.openehr import rm
from moiety.openehr.errors import RmError
from moiety.openehr.xml_shapes import NODE_ID, Field, fields_by_tag
from moiety.openehr.xml_writing import NAMESPACE, encode_xml

__all__ = ["LIMIT_BYTES", "NAMESPACE", "decode_xml", "encode_xml"]

RmObject = TypeVar("RmObject", bound=rm.Any)

LIMIT_BYTES = 32 * 1024 * 1024
_NAMESPACES = frozenset({"", f"{{{NAMESPACE}", "{http://schemas.openehr.org/v2"})
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def decode_xml(body: bytes, rm_class: type[RmObject]) -> RmObject:
    """An object of `rm_class` (or of a class that conforms to it) from canonical XML.

    The namespace is that of release 1 or 2 of the schemas, or none; the name of the root is
    free. Raises RmError, with the path of the document, for broken XML, DOCTYPEs, unknown or
    doubled elements and attributes, wrong classes and texts that are no number or boolean.
    Mandatory attributes that are absent are findings of validation.
    """
    root = _read(body)
    found = _class_of(root, (rm_class,), rm_class, "")
    return cast("RmObject", _object(root, found, ""))


def _read(body: bytes) -> etree._Element:
    if len(body) > LIMIT_BYTES:
        raise RmError("", f"is longer than {LIMIT_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,  # libxml2's own limits on depth (256) and text (10 MB) stay on
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise RmError("", f"malformed XML at line {error.lineno or 1}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise RmError("", "a DOCTYPE has no place in a document")
    return root


def _class_of(
    element: etree._Element,
    classes: tuple[type[rm.Any], ...],
    declared: type[rm.Any] | None,
    path: str,
) -> type[rm.Any]:
    name = element.get(f"{_XSI}type")
    if name is None:
        found = declared or _by_content(element, classes)
        if found is None or found in rm.ABSTRACT:
            raise RmError(path, "xsi:type is missing where several classes may stand")
        return found
    plain = name.rpartition(":")[2].partition("<")[0].strip()
    by_name = rm.CLASSES.get(plain)
    if by_name is None or not issubclass(by_name, classes):
        raise RmError(path, "xsi:type names no class that may stand here")
    return by_name


def _by_content(element: etree._Element, classes: tuple[type[rm.Any], ...]) -> type[rm.Any] | None:
    """References and identifiers are often written without their class."""
    tags = {_name(child)[1] for child in element}
    if rm.ObjectRef in classes:
        return rm.LocatableRef if "path" in tags else rm.ObjectRef
    if rm.HierObjectId not in classes:
        return None
    if "scheme" in tags and rm.GenericId in classes:
        return rm.GenericId
    value = next((child.text or "" for child in element if _name(child)[1] == "value"), "")
    return rm.ObjectVersionId if "::" in value else rm.HierObjectId


def _object(element: etree._Element, rm_class: type[rm.Any], path: str) -> rm.Any:
    known = fields_by_tag(rm_class)
    found: dict[str, Any] = _attributes(element, rm_class, path)
    if element.text:
        _refuse_text(element.text, path)
    for child in element:
        namespace, tag = _name(child)
        if child.tail:
            _refuse_text(child.tail, path)
        field = known.get(tag)
        if field is None and tag in _DERIVED and rm_class is rm.ArchetypeId:
            continue
        if field is None or namespace not in _NAMESPACES:
            raise RmError(path, f"an element has no place in {rm_class.__struct_config__.tag}")
        _take(child, field, found, path)
    return rm_class(**found)


_DERIVED = frozenset(
    {
        "qualifiedRmEntity",
        "domainConcept",
        "rmOriginator",
        "rmName",
        "rmEntity",
        "specialisation",
        "versionId",
    }
)
"""Functions of ARCHETYPE_ID that some systems write as elements: they repeat its value."""


def _name(element: etree._Element) -> tuple[str, str]:
    """Namespace (as "{uri", or "") and local name; no QName object, this is the hot path."""
    namespace, _, local = str(element.tag).rpartition("}")
    return namespace, local


def _refuse_text(text: str, path: str) -> None:
    if not text.isspace():
        raise RmError(path, "text stands where only elements may")


def _attributes(element: etree._Element, rm_class: type[rm.Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in element.attrib:  # names alone: lxml looks each value up from the first on
        if name == NODE_ID and issubclass(rm_class, rm.Locatable):
            found[NODE_ID] = element.get(NODE_ID)
        elif not str(name).startswith(_XSI):
            raise RmError(path, "an attribute has no place here")
    return found


def _take(child: etree._Element, field: Field, found: dict[str, Any], path: str) -> None:
    """Read one element into what has been found of its owner."""
    if field.kind == "entries":
        _take_entry(child, found.setdefault(field.name, {}), f"{path}/{field.name}")
        return
    here = f"{path}/{field.name}"
    if field.many:
        several = found.setdefault(field.name, [])
        several.append(_value(child, field, f"{here}[{len(several)}]"))
    elif field.name in found:
        raise RmError(here, "may stand once only")
    else:
        found[field.name] = _value(child, field, here)


def _take_entry(child: etree._Element, entries: dict[str, str], path: str) -> None:
    key = child.get("id")
    if key is None or key in entries or len(child.attrib) > 1:
        raise RmError(path, "an entry has one id of its own")
    entries[key] = _text(child, path)


def _value(element: etree._Element, field: Field, path: str) -> Any:
    if field.kind == "object":
        rm_class = _class_of(element, field.classes, field.declared, path)
        return _object(element, rm_class, path)
    if element.attrib and any(not str(name).startswith(_XSI) for name in element.attrib):
        raise RmError(path, "an attribute has no place here")
    text = _text(element, path)
    return text if field.kind == "text" else _parse(text.strip(), field.kind, path)


def _text(element: etree._Element, path: str) -> str:
    if len(element):
        raise RmError(path, "elements stand where only text may")
    return element.text or ""


_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_REAL = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{0,400})?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _parse(text: str, kind: str, path: str) -> bool | int | float:
    if kind == "boolean":
        if text not in _BOOLEANS:
            raise RmError(path, "expected true or false")
        return _BOOLEANS[text]
    if kind == "integer":
        if not _INTEGER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
            raise RmError(path, "expected a whole number of 64 bits")
        return int(text)
    if not _REAL.fullmatch(text) or isinf(float(text)):
        raise RmError(path, "expected a number")
    return float(text)
