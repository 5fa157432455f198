"""Attributes of other classes (RM 1.1.0), taken out of canonical JSON (ITS-JSON).

Some systems accept an object with an attribute of another class and drop it without a word; their
documents are refused here, by path.  Who must read such documents all the same takes those
attributes out first and is told which: only names of the model go, so a key that is a mistake of
spelling is still refused.
"""

from functools import cache
from typing import Any, TypeVar

from moiety.openehr import rm
from moiety.openehr.canonical import ATTRIBUTES, convert, read_closely
from moiety.openehr.rm_types import attribute_classes

RmObject = TypeVar("RmObject", bound=rm.Any)


def decode_leniently(body: bytes, rm_class: type[RmObject]) -> tuple[RmObject, list[str]]:
    """An object of `rm_class`, and the paths of the attributes that were taken out.

    Raises RmError, as canonical.decode, for every other fault.
    """
    tree = read_closely(body)
    dropped = take_out(tree, rm_class)
    return convert(tree, rm_class), dropped


def take_out(tree: Any, rm_class: type[rm.Any]) -> list[str]:
    """Take them out of plain JSON of an object of `rm_class`, in place; their paths."""
    dropped: list[str] = []
    _prune(tree, rm_class, "", dropped)
    return dropped


def _prune(tree: Any, declared: type[rm.Any] | None, path: str, dropped: list[str]) -> None:
    if not isinstance(tree, dict):
        return
    name = tree.get("_type")
    rm_class = rm.CLASSES.get(name) if isinstance(name, str) else declared
    if rm_class is None:
        return
    own = _own(rm_class)
    for attribute in [key for key in tree if key not in own and key in ATTRIBUTES]:
        del tree[attribute]
        dropped.append(f"{path}/{attribute}")
    for attribute, branch in tree.items():
        classes = attribute_classes(rm_class, attribute) if attribute in own else ()
        below = classes[0] if len(classes) == 1 else None
        place = f"{path}/{attribute}"
        if isinstance(branch, list):
            for index, item in enumerate(branch):
                _prune(item, below, f"{place}[{index}]", dropped)
        else:
            _prune(branch, below, place, dropped)


@cache
def _own(rm_class: type[rm.Any]) -> frozenset[str]:
    return frozenset((*rm_class.__struct_fields__, "_type"))
