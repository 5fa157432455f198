"""Canonical JSON and XML at the door: bytes to objects and back, faults told by path."""

import enum
from collections.abc import Sequence
from typing import TypeVar

import structlog

from moiety.kit.errors import Malformed, NotAcceptable
from moiety.openehr import misplaced, rm
from moiety.openehr.canonical import decode as decode_json
from moiety.openehr.canonical import encode as encode_json
from moiety.openehr.errors import RmError
from moiety.openehr.xml import decode_xml, encode_xml

RmObject = TypeVar("RmObject", bound=rm.Any)
XML_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


class Format(enum.Enum):
    """The forms of a resource."""

    JSON = "application/json"
    XML = "application/xml"
    FLAT = "application/openehr.wt.flat+json"
    STRUCTURED = "application/openehr.wt.structured+json"


def decode(body: bytes, rm_class: type[RmObject], form: Format = Format.JSON) -> RmObject:
    """An object of `rm_class` from canonical JSON or XML.  Raises Malformed with the path."""
    try:
        if form is Format.XML:
            return decode_xml(body, rm_class)
        return decode_json(body, rm_class)
    except RmError as error:
        raise malformed(rm.rm_name(rm_class.__name__), error) from None


def decode_leniently(body: bytes, rm_class: type[RmObject]) -> RmObject:
    """An object from canonical JSON without the attributes that belong to other classes.

    Raises Malformed for every other fault; how many were taken out is logged.
    """
    try:
        found, dropped = misplaced.decode_leniently(body, rm_class)
    except RmError as error:
        raise malformed(rm.rm_name(rm_class.__name__), error) from None
    note_dropped(dropped)
    return found


def note_dropped(dropped: Sequence[str]) -> None:
    """Log how many attributes of other classes were taken out of a document."""
    if dropped:
        structlog.get_logger().warning("misplaced attributes dropped", count=len(dropped))


def malformed(name: str, error: RmError) -> Malformed:
    """What is told of a document that is no `name`."""
    return Malformed(
        f"The {name} is not well-formed: see `validationErrors`.",
        findings=[{"path": error.path, "rule": "structure", "expected": error.reason}],
    )


def encode(thing: rm.Any, form: Format = Format.JSON, *, root: str | None = None) -> bytes:
    """Canonical JSON or XML; the root element of XML bears the class's name, or `root`.

    Raises NotAcceptable for what XML cannot hold.
    """
    if form is not Format.XML:
        return encode_json(thing)
    try:
        return XML_DECLARATION + encode_xml(thing, root=root)
    except RmError as error:
        raise NotAcceptable(
            "This resource holds what XML cannot: ask for application/json.",
            findings=[{"path": error.path, "rule": "XML", "expected": error.reason}],
        ) from None


def recode(document: bytes, rm_class: type[rm.Any], form: Format) -> bytes:
    """A stored document in the form that was asked for."""
    if form is not Format.XML:
        return document
    return encode(decode_json(document, rm_class), form)
