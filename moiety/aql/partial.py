"""How much of a document a query needs: a decoder that passes over the rest.

A document is stored whole, but most queries that have to read documents look at few attributes of
them. Where FROM names nothing below entries, objects are sought in `content` and `items` alone;
beside these an object keeps the attributes that a path, a predicate or a comparison names.
Decoding costs a third so. Where a whole object is asked for, it is there whole.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, TypedDict

import msgspec

from moiety.aql import ast
from moiety.aql.bindings import walked
from moiety.aql.request import Request

_ALWAYS: Final = frozenset({"_type", "archetype_node_id"})
_NAME: Final = frozenset({"name", "value", "defining_code", "code_string", "terminology_id"})

_WHOLE: Final = msgspec.json.Decoder()


def decoder(request: Request) -> msgspec.json.Decoder[Any]:
    """What decodes the documents of a request, as objects of dicts and lists."""
    query = request.query
    paths = [part for part in ast.walk(query) if isinstance(part, ast.Path)]
    among = walked(query.source)
    if among is None or not all(path.steps for path in paths):
        return _WHOLE
    ends = {path.steps[-1].attribute for path in paths} | set(_tested(query))
    return _partial(frozenset((*_attributes(query), *among)), frozenset(ends))


def _attributes(query: ast.Query) -> Iterator[str]:
    """Attributes that steps name, and those that conditions in brackets look at unnamed."""
    for part in ast.walk(query):
        match part:
            case ast.Step():
                yield part.attribute
            case ast.Node(name=name) if name is not None:
                yield from _NAME


def _tested(query: ast.Query) -> Iterator[str]:
    """Attributes where a comparison in brackets ends."""
    for part in ast.walk(query):
        if isinstance(part, ast.Test):
            yield part.path[-1].attribute
            if isinstance(part.operand, tuple):
                yield part.operand[-1].attribute


@lru_cache(256)
def _partial(attributes: frozenset[str], whole: frozenset[str]) -> msgspec.json.Decoder[Any]:
    """A decoder of objects with these attributes; `whole`: those whose values are kept whole."""
    fields = dict.fromkeys(_ALWAYS | attributes, Any)
    kept = TypedDict("kept", fields, total=False)  # type: ignore[misc]  # a query names them
    plain = str | int | float | bool | None
    below = kept | plain | list[kept | plain]
    kept.__annotations__ |= dict.fromkeys(attributes - whole, below)
    return msgspec.json.Decoder(kept)
