"""The root of every reference model struct: how classes are named and written (ITS-JSON)."""

import re
from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta, Struct

Integer: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Integer and Integer64 of the reference model: what 64 bits hold."""


def rm_name(python_name: str) -> str:
    """The reference model's name of a class: DvEhrUri → DV_EHR_URI, XVersionedParty → X_…."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=^X)(?=[A-Z])", "_", python_name).upper()


class Any(
    Struct,
    tag_field="_type",
    tag=rm_name,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,  # trees without cycles, never changed into one
):
    """Any class of the reference model (RM 1.1.0).

    Every attribute may be None, so that a document that lacks a mandatory one can be read and
    told all its faults at once; `required` names what the model demands beside the inherited.
    Attributes stand in the order of the specification; JSON writes `_type` first.
    """

    required: ClassVar[tuple[str, ...]] = ()


def type_name(thing: Any) -> str:
    """The reference model's name of an object's class."""
    name = type(thing).__struct_config__.tag
    return name if isinstance(name, str) else rm_name(type(thing).__name__)


def required_of(rm_class: type[Any]) -> tuple[str, ...]:
    """The mandatory attributes of a class, inherited ones first."""
    found: dict[str, None] = {}
    for ancestor in reversed(rm_class.__mro__):
        found.update(dict.fromkeys(vars(ancestor).get("required", ())))
    return tuple(found)
