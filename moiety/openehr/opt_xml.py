"""The XML under an operational template: read without trust, element by element.

No entity, DTD or network is touched, and lxml's limits on depth and text stay on. Every
element's children are checked against what the schema (AM 1.4, Template.xsd) lets stand
there, so that nothing unknown, doubled or missing goes by in silence.
"""

from dataclasses import dataclass
from functools import cached_property

from lxml import etree

from moiety.openehr.errors import TemplateError

NAMESPACE = "http://schemas.openehr.org/v1"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """An element and the way to it, which errors tell."""

    element: etree._Element
    path: str

    @property
    def type(self) -> str:
        """The xsi:type without prefix; "" where the schema's own type stands."""
        return (self.element.get(_XSI_TYPE) or "").rpartition(":")[2]

    @property
    def text(self) -> str:
        return (self.element.text or "").strip()

    def attribute(self, name: str) -> str:
        return self.element.get(name) or ""

    @cached_property
    def children(self) -> dict[str, list["Place"]]:
        """Child elements by name. Raises TemplateError for an element of another namespace."""
        found: dict[str, list[Place]] = {}
        for child in self.element:
            name = etree.QName(child)
            if name.namespace != NAMESPACE:
                raise TemplateError(self.path, name.localname, "is not in the openEHR namespace")
            found.setdefault(name.localname, []).append(
                Place(child, f"{self.path}/{name.localname}")
            )
        return found

    def refuse(self, construct: str, reason: str) -> TemplateError:
        return TemplateError(self.path, construct, reason)

    def check(self, *, one: str = "", optional: str = "", many: str = "") -> None:
        """Raise TemplateError unless the children are these: `one` exactly once, `optional` at
        most once, `many` any number of times (names, separated by spaces).
        """
        known = {*one.split(), *optional.split(), *many.split()}
        for name, places in self.children.items():
            if name not in known:
                raise self.refuse(name, "is not known here")
            if len(places) > 1 and name not in many.split():
                raise self.refuse(name, "may stand once only")
        for name in one.split():
            if name not in self.children:
                raise self.refuse(name, "is missing")

    def many(self, name: str) -> list["Place"]:
        return self.children.get(name, [])

    def find(self, name: str) -> "Place | None":
        return next(iter(self.many(name)), None)

    def one(self, name: str) -> "Place":
        found = self.find(name)
        if found is None:
            raise self.refuse(name, "is missing")
        return found

    def value(self, name: str) -> str:
        """The text of a child that must be there and say something."""
        text = self.one(name).text
        if not text:
            raise self.refuse(name, "is empty")
        return text

    def id_value(self, name: str) -> str:
        """The text of child/value: how identifiers are written."""
        holder = self.one(name)
        holder.check(one="value")
        return holder.value("value")

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        found = self.find(name)
        if found is None and default is not None:
            return default
        text = self.value(name)
        if text not in {"true", "false", "1", "0"}:
            raise self.refuse(name, "is neither true nor false")
        return text in {"true", "1"}


def read_template(xml: bytes) -> Place:
    """The `template` element of an OPT 1.4. Raises TemplateError where there is none."""
    if not xml.strip():
        raise TemplateError("file", "template", "the file is empty")
    if len(xml) > LIMIT_BYTES:
        raise TemplateError("file", "template", f"is longer than {LIMIT_BYTES} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise TemplateError("file", "XML", f"is not well-formed at line {line}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise TemplateError("file", "DOCTYPE", "has no place in a template")
    name = etree.QName(root)
    if name.localname != "template" or name.namespace != NAMESPACE:
        raise TemplateError("file", name.localname, "is no openEHR operational template (OPT 1.4)")
    return Place(root, "template")
