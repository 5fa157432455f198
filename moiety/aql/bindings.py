"""FROM over the objects of a record: every binding of its variables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from moiety.aql import ast
from moiety.aql.checks import sources
from moiety.aql.classes import concrete
from moiety.aql.needs import takes_former
from moiety.aql.predicates import asks_archetype, asks_code, fitting
from moiety.aql.trees import Scope, Tree, inside

Binding = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """An EHR as a query sees it, with some or all of its contents.

    `ehr` is a JSON object of class EHR (ehr_id, system_id, time_created, and ehr_status, which is
    the status itself where the query asks for it). Each content is the canonical JSON of a
    COMPOSITION, EHR_STATUS or FOLDER with the uid of its version, or where FROM names versions,
    of the VERSION around it. `former`: the places of those that are not the latest.
    """

    ehr: Mapping[str, Any]
    contents: Sequence[Mapping[str, Any]] = ()
    former: frozenset[int] = frozenset()


_SHALLOW = concrete("CONTENT_ITEM") | {"EHR", "COMPOSITION"}


def walked(source: ast.Source) -> tuple[str, ...] | None:
    """The attributes where objects that FROM names can stand; None for any attribute.

    Entries and sections stand in compositions and sections alone.
    """
    shallow = all(
        isinstance(i, ast.Class) and concrete(i.rm_type) <= _SHALLOW for i in sources(source)
    )
    return ("content", "items") if shallow else None


Bind = Callable[[Tree, Scope], Iterator[Binding]]


def binder(source: ast.Source) -> Bind:
    """What finds every binding of the variables of a source to objects in scope."""
    match source:
        case ast.Class() | ast.Version():
            name, candidates = _name(source), _candidates(source)
            return lambda tree, scope: (_named(name, tree, n) for n in candidates(tree, scope))
        case ast.Contains():
            return _containing(source)
        case ast.Both():
            return _both([binder(operand) for operand in source.operands])
        case ast.Either():
            return _either([binder(operand) for operand in source.operands])


def _name(item: ast.Class | ast.Version) -> str | None:
    return item.variable.lower() if item.variable is not None else None


def _named(name: str | None, tree: Tree, number: int) -> Binding:
    return {name: tree.objects[number]} if name is not None else {}


_Candidates = Callable[[Tree, Scope], list[int]]


def _candidates(item: ast.Class | ast.Version) -> _Candidates:
    if isinstance(item, ast.Version):
        return _versions(item)
    wanted, by_code, fits = concrete(item.rm_type), asks_code(item), fitting(item.predicate)
    if wanted == {"EHR"} and fits is None:  # the first object of a record, and no other
        return lambda _tree, scope: [0] if scope.latest and scope.latest[0][0] == 0 else []

    def candidates(tree: Tree, scope: Scope) -> list[int]:
        objects = tree.objects
        found = [
            number
            for start, stop in scope.latest
            for number in range(start, stop)
            if objects[number].get("_type") in wanted and (fits is None or fits(objects[number]))
        ]
        if by_code and scope.root is not None:
            return [number for number in found if tree.root[number] == scope.root]
        return found

    return candidates


def _versions(item: ast.Version) -> _Candidates:
    """Versions are whole contents; a condition or ALL_VERSIONS asks those before the latest too."""
    wanted, all_of_them = concrete("VERSION"), takes_former(item)
    fits = fitting(item.scope) if isinstance(item.scope, ast.Test) else None

    def candidates(tree: Tree, scope: Scope) -> list[int]:
        spans = (*scope.latest, *scope.former) if all_of_them else scope.latest
        return [
            start
            for start, stop in spans
            if start < stop
            and tree.objects[start].get("_type") in wanted
            and (fits is None or fits(tree.objects[start]))
        ]

    return candidates


def _containing(source: ast.Contains) -> Bind:
    parent, child = source.parent, binder(source.child)
    name, candidates, negated = _name(parent), _candidates(parent), source.negated
    by_archetype = asks_archetype(parent)

    def bind(tree: Tree, scope: Scope) -> Iterator[Binding]:
        for number in candidates(tree, scope):
            root = number if by_archetype else None
            mine = _named(name, tree, number)
            below = child(tree, inside(tree, number, root))
            if not negated:
                for binding in below:
                    yield {**mine, **binding}
            elif next(below, None) is None:
                yield mine

    return bind


def _both(operands: Sequence[Bind]) -> Bind:
    def bind(tree: Tree, scope: Scope) -> Iterator[Binding]:
        return _joined([list(operand(tree, scope)) for operand in operands])

    return bind


def _either(operands: Sequence[Bind]) -> Bind:
    """Each operand that is met, beside those that are not: null there. None met: no row."""

    def bind(tree: Tree, scope: Scope) -> Iterator[Binding]:
        found = [list(operand(tree, scope)) for operand in operands]
        return _joined([each or [{}] for each in found]) if any(found) else iter(())

    return bind


def _joined(found: Sequence[Sequence[Binding]]) -> Iterator[Binding]:
    """Each with each, as they are asked for: they may be very many."""
    for bindings in product(*found):
        made: Binding = {}
        for binding in bindings:
            made.update(binding)
        yield made
