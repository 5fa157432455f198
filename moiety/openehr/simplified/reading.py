"""Fields → composition (Simplified Formats, "RM Mappings"): the web tree is walked along the fields
that a document has.

read_composition ─ context ─► defaults
                 ─ _node ─► skeleton, own attributes, levels left out, children in order
                 ─ what no one has read is refused
"""

from functools import partial
from typing import Any

import msgspec

from moiety.openehr import rm
from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.errors import RmError
from moiety.openehr.rm_types import is_many
from moiety.openehr.simplified.context import Context, read_context
from moiety.openehr.simplified.elements import read_element
from moiety.openehr.simplified.fields import Fields
from moiety.openehr.simplified.levels import (
    Level,
    is_interval,
    read_others,
    read_own,
    reading,
    skeleton,
)
from moiety.openehr.simplified.own import own_of, structure_of
from moiety.openehr.simplified.tree import WebNode
from moiety.openehr.simplified.values import Hint, read_raw, read_value, text_of
from moiety.openehr.template import Template, TemplateNode
from moiety.openehr.terminology import openehr_code
from moiety.openehr.times import date_time_seconds


def read_composition(fields: Fields, web: WebNode, template: Template, now: str) -> rm.Composition:
    """The composition that the fields of a document tell.

    `now` is the time that stands where neither document nor context tells one (ISO 8601).
    Raises RmError, whose path is made of ids of the web tree, for fields that have no place
    in the template and values that do not fit their field.
    """
    ctx = fields.one("ctx")
    body = fields.one(web.id)
    if body is None:
        raise RmError("", f"no field begins with {web.id}")
    context = reading("ctx", lambda: read_context(ctx, template, now))
    composition: rm.Composition = reading(web.id, lambda: _composition(web, body, context))
    unread = next(fields.unread(), None)
    if unread is not None:
        raise RmError(unread or "/", "a field has no place here in the template")
    try:  # raw JSON may have brought any class to any place: the model's own reader decides
        return decode_composition(encode(composition))
    except UnicodeError:
        raise RmError("", "a text holds half of a surrogate pair") from None


def _composition(web: WebNode, fields: Fields, context: Context) -> rm.Composition:
    version = fields.one("_rm_version")
    context.rm_version = text_of(version.get("")) if version is not None else None
    language = fields.one("language")
    if language is not None and not language.has("raw"):
        said = language.get("code") if language.has("code") else language.get("")
        context.language = None if said is None else text_of(said)
    found = read_node(web, fields, context)
    if not isinstance(found, rm.Composition):
        raise RmError("", "raw JSON of another class than COMPOSITION")
    if found.links is None and context.links is not None:
        found = msgspec.structs.replace(found, links=context.links)
    return found


# --- one node of the web tree


def read_node(web: WebNode, fields: Fields, context: Context) -> Any:
    """The object of one node of the web tree. Raises RmError, as read_composition."""
    if fields.has("raw"):
        thing = read_raw(fields.get("raw"))
        if isinstance(thing, rm.DataValue) and web.rm_type == "ELEMENT":
            return read_element(web, fields, context, thing)
        return thing
    if web.node is None:
        return _bare_context(fields, context)
    if web.rm_type == "ELEMENT":
        return read_element(web, fields, context, None)
    thing = skeleton(web.node, fields, context, taken=_content_ids(web))
    levels: _Levels = {(): Level(thing, web.node, fields)}
    entries = _children(web, fields, context)
    _open_said_levels(web, levels, context)
    entries += _raw_entries(levels)
    as_they_stand = fields.one("_in_order")
    if as_they_stand is not None and as_they_stand.get(""):
        entries.sort(key=lambda entry: entry[1])
    for _, _, chain, attribute, found in entries:
        _open(chain, levels, context)
        _attach(levels[chain], attribute, found)
    _finish(web, levels, fields, context)
    return thing


_Entry = tuple[int, int, tuple[TemplateNode, ...], str, Any]
"""Rank in the template, position in the document, levels to the owner, its attribute, what
stands there. Entries are made in the order of the template, strays last.
"""


def _children(web: WebNode, fields: Fields, context: Context) -> list[_Entry]:
    entries: list[_Entry] = []
    for rank, child in enumerate(web.children):
        if child.attribute and child.rm_type != "EVENT_CONTEXT":
            continue
        attribute = child.chain[-1].attribute if child.chain else child.attribute
        for index, below in enumerate(fields.many(child.id)):
            found = reading(f"{child.id}:{index}", partial(read_node, child, below, context))
            entries.append((rank, below.position, child.chain[:-1], attribute, found))
    return entries


_STRAY = 1_000_000


def _raw_entries(levels: "_Levels") -> list[_Entry]:
    """What has no place in the template: raw JSON under the name of its attribute."""
    entries: list[_Entry] = []
    for chain, level in levels.items():
        for name, _ in structure_of(level.thing.__class__):
            entries += [
                (_STRAY, each.position, chain, name, read_raw(each.get("raw")))
                for each in level.fields.many(f"_{name}")
                if each.has("raw")
            ]
    return entries


def _content_ids(web: WebNode) -> frozenset[str]:
    return frozenset(each.id for each in web.children if not each.attribute)


def _bare_context(fields: Fields, context: Context) -> rm.EventContext:
    thing = rm.EventContext()
    level = Level(thing, None, fields)
    read_own(level, {}, context, at=fields)
    for entry in _raw_entries({(): level}):
        _attach(level, entry[3], entry[4])
    return thing


# --- levels left out


_Levels = dict[tuple[TemplateNode, ...], Level]


def _open(chain: tuple[TemplateNode, ...], levels: _Levels, context: Context) -> None:
    """Make the objects of the levels that lead to a child, where they are not there yet."""
    if chain in levels:
        return
    _open(chain[:-1], levels, context)
    above, node = levels[chain[:-1]], chain[-1]
    said = above.fields.one(f"_{node.attribute}") or Fields()
    if (
        node.rm_type == "EVENT"
        and not said.has("_type")
        and is_interval(levels[()].fields, frozenset())
    ):
        said.values["_type"] = "INTERVAL_EVENT"  # a single event's fields stand with the entry's
    thing = skeleton(node, said, context)
    levels[chain] = Level(thing, node, said)
    _attach(above, node.attribute, thing)


def _open_said_levels(web: WebNode, levels: _Levels, context: Context) -> None:
    """Open the levels that fields speak of, though nothing stands below them."""
    chains = {chain[: n + 1] for chain in _chains(web) for n in range(len(chain))}
    for chain in sorted(chains, key=len):
        above = levels.get(chain[:-1])
        if above is None:
            continue
        name = f"_{chain[-1].attribute}"
        if name in above.fields.below and not above.fields.below[name][0].has("raw"):
            _open(chain, levels, context)


def _chains(web: WebNode) -> list[tuple[TemplateNode, ...]]:
    return [each.chain if each.attribute else each.chain[:-1] for each in web.children]


def _attach(level: Level, attribute: str, thing: Any) -> None:
    owner = level.thing
    if not is_many(owner.__class__, attribute):
        if getattr(owner, attribute) is not None:
            raise RmError("", f"{attribute} may stand once only")
        setattr(owner, attribute, thing)
        return
    several = getattr(owner, attribute)
    if several is None:
        several = []
        setattr(owner, attribute, several)
    if thing is not None:  # null is the empty list
        several.append(thing)


# --- own attributes


def _finish(web: WebNode, levels: _Levels, fields: Fields, context: Context) -> None:
    """Own attributes of the node and of the levels left out; then the times of events."""
    content = _content_ids(web)
    for chain, level in levels.items():
        told = {each.attribute: each.id for each in web.children if each.chain == chain}
        ids = {
            own.attribute: (
                (told[own.attribute], *own.ids[1:])
                if own.attribute in told
                else tuple(name for name in own.ids if name not in content)
            )
            for own in own_of(level.thing.__class__)
        }
        read_own(level, ids, context, at=fields)
        read_others(level)
    for level in levels.values():
        if isinstance(level.thing, rm.History):
            _read_times(level, fields, context)
    thing = levels[()].thing
    if isinstance(thing, rm.Composition) and thing.context is None:
        _default_context(thing, fields, context)


# --- times, context, values


def _read_times(level: Level, fields: Fields, context: Context) -> None:
    """The origin: as said, else that of the context, else the earliest event, else now."""
    history = level.thing
    said = fields.one("history_origin", "_history_origin")
    told = context.text("history_origin")
    events = [event for event in history.events or () if isinstance(event, rm.Event)]
    times = [event.time for event in events if isinstance(event.time, rm.DvDateTime)]
    if said is not None:
        history.origin = read_value(said, rm.DvDateTime, Hint(context.template))
    elif told is not None:
        history.origin = rm.DvDateTime(value=told)
    elif times:
        history.origin = rm.DvDateTime(value=earliest(times))
    else:
        history.origin = rm.DvDateTime(value=context.moment)
    for event in events:
        if event.time is None and isinstance(history.origin, rm.DvDateTime):
            event.time = rm.DvDateTime(value=history.origin.value)


def earliest(times: list[rm.DvDateTime]) -> str | None:
    """The text of the earliest time; the first, where one is no time."""
    texts = [time.value for time in times if time.value is not None]
    try:
        return min(texts, key=date_time_seconds, default=None)
    except ValueError:
        return texts[0]


def _default_context(composition: rm.Composition, fields: Fields, context: Context) -> None:
    """A context that only ctx speaks of; a persistent composition needs none."""
    if "context" in fields.below:
        return
    code = openehr_code(composition.category)
    if code != "431":
        composition.context = rm.EventContext()
        for own in own_of(rm.EventContext):
            if own.default is not None:
                setattr(composition.context, own.attribute, own.default(context, None))
