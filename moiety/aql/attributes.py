"""Paths against the reference model: a step that no class can take is a mistake (RM 1.1.0).

What a template allows is another question: a node that none has is there in no document, and gives
null. Where the model leaves a class open, nothing is said against what follows.
"""

from difflib import get_close_matches
from typing import Final

from moiety.aql import ast
from moiety.aql.classes import concrete
from moiety.aql.errors import AqlError
from moiety.openehr import rm
from moiety.openehr.rm_types import attribute_classes

_FUNCTIONS: Final = frozenset({"magnitude"})
"""What the model computes, and queries may name as if it were kept."""
_SHOWN: Final = 4

Classes = frozenset[type[rm.Any]]


def check_path(path: ast.Path, source: ast.Class | ast.Version) -> None:
    """Raises AqlError at the first step that no class has there, and names those that are near."""
    classes = _of(source.rm_type)
    for step in path.steps:
        if not classes or step.attribute in _FUNCTIONS:
            return
        having = [one for one in classes if step.attribute in one.__struct_fields__]
        if not having:
            raise AqlError(step.at.line, step.at.column, _near(step.attribute, classes))
        classes = frozenset(
            found for one in having for found in _below(one, step.attribute)
        )  # fmt: skip


def _of(rm_type: str) -> Classes:
    return frozenset(rm.CLASSES[name] for name in concrete(rm_type) if name in rm.CLASSES)


def _below(rm_class: type[rm.Any], attribute: str) -> tuple[type[rm.Any], ...]:
    """The classes of an attribute; the references of an EHR and of a version lead to what they
    mean.
    """
    if issubclass(rm_class, rm.Ehr) and attribute == "ehr_status":
        return (rm.EhrStatus,)
    if issubclass(rm_class, rm.OriginalVersion) and attribute == "data":
        return ()
    return attribute_classes(rm_class, attribute)


def _near(attribute: str, classes: Classes) -> str:
    """What would have been right: words of the model alone."""
    known = sorted({name for one in classes for name in one.__struct_fields__})
    near = get_close_matches(attribute, known, _SHOWN, 0.5) or known
    shown = ", ".join(near[:_SHOWN]) + (", …" if len(near) > _SHOWN else "")
    return f"an attribute of the reference model here, such as {shown}"
