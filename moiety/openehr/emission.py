"""Typed rows out of a walk: closures that write an object's leaves into the row at hand.

A row is a dict of column name → value; absent values are left out. What has columns is said
in moiety.openehr.leaves; the names come from the same function as the registry's.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

from moiety.openehr import rm
from moiety.openehr.findings import Row, Walk
from moiety.openehr.groups import column, value_types
from moiety.openehr.leaves import VALUES, Kind, node_leaves
from moiety.openehr.template import TemplateNode

Emit: TypeAlias = Callable[[Any, Row, Walk], None]


def node_emitter(node: TemplateNode) -> Emit:
    """Writes what a template node's object tells of itself: name, uid, times, codes."""
    emitters = _emitters(node.group_path, node_leaves(node.rm_type, grouped=node.group is not None))
    if len(emitters) == 1:
        return emitters[0]

    def emit(thing: Any, row: Row, walk: Walk) -> None:
        for each in emitters:
            each(thing, row, walk)

    return emit


def value_emitters(
    element: TemplateNode, nodes: tuple[TemplateNode, ...]
) -> dict[type[rm.Any], Emit]:
    """For each data type that an ELEMENT may hold: writes the value's leaves."""
    prefix = f"{element.group_path}/value" if element.group_path else "value"
    return {
        rm.CLASSES[name]: _value_emitter(name, prefix)
        for name in value_types(element, nodes)
        if name in VALUES
    }


def _value_emitter(name: str, prefix: str) -> Emit:
    if name == "DV_TEXT":  # declared with the columns of a coded text, which may stand there
        return _text(column(prefix, "value", "text").name)
    leaves = VALUES[name]
    names = [column(prefix, path, kind).name for path, kind in leaves]
    if name == "DV_CODED_TEXT":
        return _coded_text(*names)
    if [kind for _, kind in leaves] == ["text", "instant"]:
        return _moment(*names)
    if all("/" not in path and kind != "instant" for path, kind in leaves) and len(leaves) > 1:
        return _flat(prefix, leaves)
    emitters = _emitters(prefix, leaves)

    def emit(thing: Any, row: Row, walk: Walk) -> None:
        for each in emitters:
            each(thing, row, walk)

    return emit


def _text(name: str) -> Emit:
    def emit(thing: Any, row: Row, _: Walk) -> None:
        row[name] = thing.value

    return emit


def _coded_text(text: str, code_string: str, terminology: str) -> Emit:
    def emit(thing: Any, row: Row, _: Walk) -> None:
        if thing.value is not None:
            row[text] = thing.value
        code = thing.defining_code
        if code is None:
            return
        if code.code_string is not None:
            row[code_string] = code.code_string
        if code.terminology_id is not None and code.terminology_id.value is not None:
            row[terminology] = code.terminology_id.value

    return emit


def _moment(text: str, instant: str) -> Emit:
    def emit(thing: Any, row: Row, walk: Walk) -> None:
        if thing.value is not None:
            row[text] = thing.value
            seconds = walk.seconds(thing)
            if seconds is not None:
                row[instant] = seconds

    return emit


def _flat(prefix: str, leaves: tuple[tuple[str, Kind], ...]) -> Emit:
    names = [column(prefix, path, kind).name for path, kind in leaves]
    getter = attrgetter(*(path for path, _ in leaves))

    def emit(thing: Any, row: Row, _: Walk) -> None:
        for name, value in zip(names, getter(thing), strict=True):
            if value is not None:
                row[name] = value

    return emit


def _emitters(prefix: str, leaves: tuple[tuple[str, Kind], ...]) -> list[Emit]:
    found: list[Emit] = []
    for path, kind in leaves:
        name = column(prefix, path, kind).name
        if kind == "instant":
            found.append(_instant(tuple(path.split("/")[:-1]), name))
        elif path == "_type":
            found.append(_class_name(name))
        elif path == "name/value":
            found.append(_name(name))
        else:
            found.append(_leaf(tuple(path.split("/")), name))
    return found


def _name(column_name: str) -> Emit:
    def emit(thing: Any, row: Row, _: Walk) -> None:
        name = thing.name
        if name is not None and name.value is not None:
            row[column_name] = name.value

    return emit


def _leaf(steps: tuple[str, ...], name: str) -> Emit:
    first, rest = steps[0], steps[1:]
    last = rest[0] if len(rest) == 1 else None

    def emit(thing: Any, row: Row, _: Walk) -> None:
        thing = getattr(thing, first, None)
        if thing is None:
            return
        if last is not None:
            thing = getattr(thing, last, None)
        else:
            for step in rest:
                thing = getattr(thing, step, None)
                if thing is None:
                    return
        if thing is not None:
            row[name] = thing

    return emit


def _instant(steps: tuple[str, ...], name: str) -> Emit:
    def emit(thing: Any, row: Row, walk: Walk) -> None:
        for step in steps:
            thing = getattr(thing, step, None)
            if thing is None:
                return
        seconds = walk.seconds(thing)
        if seconds is not None:
            row[name] = seconds

    return emit


def _class_name(name: str) -> Emit:
    def emit(thing: Any, row: Row, _: Walk) -> None:
        row[name] = rm.type_name(thing)

    return emit
