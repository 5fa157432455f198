"""One shape of FROM in one template → a branch: its rows, its cells, its condition."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from moiety.aql import ast, conditions
from moiety.aql.called import called
from moiety.aql.cells import (
    Guards,
    cell_of_composition,
    cell_of_ehr,
    cell_of_row,
    cell_of_version,
    node_presence,
)
from moiety.aql.plan import (
    Alternative,
    Branch,
    Cell,
    Compared,
    Condition,
    Constant,
    Every,
    Given,
    Key,
    Known,
    Leaf,
    Negated,
    Some,
    Source,
)
from moiety.aql.request import Request
from moiety.aql.shapes import Candidates, Member, valid_pairs
from moiety.aql.spots import (
    Spot,
    Untold,
    asked_name,
    columns,
    is_row,
    owner,
    place,
    step_into,
)
from moiety.aql.trie import Trie
from moiety.openehr.leaves import table_name
from moiety.openehr.template import Template

_HEAD = -1


@dataclass(frozen=True, slots=True)
class _Here:
    """Where one place of the trie is: a spot in the row of a source, or an attribute of the EHR or
    of the version (`spot` None), or nowhere in this template (`dead`).
    """

    source: int = _HEAD
    spot: Spot | None = None
    guards: Guards = ()
    tail: tuple[str, ...] = ()
    dead: bool = False
    of_version: bool = False


@dataclass(slots=True)
class _Draft:
    """A branch while it grows."""

    template: Template
    chain: Sequence[Member]
    shape: Candidates
    sources: list[Source] = field(default_factory=list)
    nodes: list[set[int]] = field(default_factory=list)
    where: list[Condition] = field(default_factory=list)
    rows: dict[int, int] = field(default_factory=dict)  # place in the chain → source

    def add(self, source: Source, nodes: set[int]) -> int:
        self.sources.append(source)
        self.nodes.append(nodes)
        return len(self.sources) - 1


def branch(
    request: Request,
    trie: Trie,
    chain: Sequence[Member],
    *,
    template: Template,
    key: int,
    found: Candidates,
) -> Branch:
    """The branch of a shape. Raises Untold where rows cannot answer for this template."""
    draft = _Draft(template, chain, found)
    for number, member in enumerate(chain):
        if isinstance(member.item, ast.Class) and member.item.rm_type == "EHR":
            draft.where += ehr_demands(member.item.predicate)
        else:
            _bind(draft, number)
    places = _places(draft, trie)
    cells = tuple(_cell(draft, trie, places, cell) for cell in request.cells)
    for number, cell in enumerate(cells):
        _check_use(request, number, cell)
    if request.query.where is not None:
        draft.where.append(_condition(draft, trie, places, request.query.where))
    nodes: list[frozenset[Key]] = [frozenset((key, n) for n in numbers) for numbers in draft.nodes]
    where = conditions.wanted(Every(tuple(draft.where)))
    return Branch(tuple(draft.sources), cells, where, tuple(nodes), frozenset({key}))


def branch_of_ehrs(request: Request, trie: Trie, chain: Sequence[Member]) -> Branch:
    """The branch of a query about EHRs alone: no template has a say."""
    nothing = Template("", None, "", "", "", (), {}, {}, {})
    found = branch(request, trie, chain, template=nothing, key=0, found={})
    return replace(found, keys=frozenset())


# --- FROM ------------------------------------------------------------------------------


def _bind(draft: _Draft, number: int) -> None:
    """Give a class of FROM its row: its own, or the row of the node around it."""
    member, spot = draft.chain[number], Spot(tuple(draft.shape[number]))
    if isinstance(member.item, ast.Version):
        draft.rows[number] = _HEAD
        return
    if member.item.rm_type == "COMPOSITION":
        draft.rows[number] = _HEAD
    else:
        draft.rows[number] = _row_of(draft, number, spot)
        _demand_presence(draft, spot, draft.rows[number])
    _demand_type(draft, number, spot)
    _demand(draft, number, spot, member.item.predicate)


def _row_of(draft: _Draft, number: int, spot: Spot) -> int:
    template, inside = draft.template, draft.chain[number].inside
    owners = {owner(template, n).number for n in spot.nodes}
    group, _ = place(template, Spot(spot.nodes))
    around = draft.rows.get(inside, _HEAD)
    if around == _HEAD:
        return draft.add(Source(table_name(group), _HEAD, optional=False), owners)
    pairs = set(valid_pairs(template, draft.chain, draft.shape, number))
    same = {(x, y) for x, y in pairs if owner(template, x) is owner(template, y)}
    if same == pairs:
        draft.nodes[around] &= owners
        return around
    _check_told(draft, number, pairs)
    return draft.add(Source(table_name(group), around, optional=False), owners)


def _check_told(draft: _Draft, number: int, pairs: set[tuple[int, int]]) -> None:
    """Rows inside rows must mean what FROM means by nodes inside nodes."""
    template, inside = draft.template, draft.chain[number].inside
    for x in draft.shape[inside]:
        for y in draft.shape[number]:
            outer, inner = owner(template, x), owner(template, y)
            if (outer.number < inner.number <= outer.last) is not ((x, y) in pairs):
                raise Untold("containment that rows do not tell")


def _demand_presence(draft: _Draft, spot: Spot, source: int) -> None:
    if is_row(draft.template, spot.nodes[0]):
        return
    expression = node_presence(draft.template, spot, source, ())
    if expression is None:
        raise Untold("a class without rows")
    draft.where.append(Given(expression))


def _demand_type(draft: _Draft, number: int, spot: Spot) -> None:
    wanted = draft.chain[number].item.rm_type
    if draft.template.nodes[spot.nodes[0]].rm_type != "EVENT" or not wanted.endswith("_EVENT"):
        return
    types = columns(draft.template, spot, "_type")
    if not types:
        raise Untold("a class without rows")
    leaf = Leaf(draft.rows[number], types[0].name, "text")
    draft.where.append(Compared(leaf, "=", Constant(wanted), "text"))


def _demand(draft: _Draft, number: int, spot: Spot, predicate: ast.Predicate | None) -> None:
    """The part of a class predicate that only data can tell: a name, a comparison."""
    match predicate:
        case None | ast.Node(name=None):
            return
        case ast.Node(name=ast.Literal(value=str()) as name):
            _demand_cell(draft, number, spot, ("name", "value"), name)
        case ast.Test(operator="=", operand=ast.Literal() as wanted, path=path) if not any(
            step.predicate for step in path
        ):
            _demand_cell(draft, number, spot, tuple(s.attribute for s in path), wanted)
        case ast.All():
            for operand in predicate.operands:
                _demand(draft, number, spot, operand)
        case _:
            raise Untold("a predicate of a class that rows do not tell")


def ehr_demands(predicate: ast.Predicate | None) -> list[Condition]:
    """What the predicate of an EHR asks of its head. Raises Untold for what heads do not tell."""
    match predicate:
        case None:
            return []
        case ast.Test(operand=ast.Literal() as wanted, path=path, operator=operator):
            tail = tuple(step.attribute for step in path)
            return [conditions.with_value(cell_of_ehr(tail), operator, wanted)]
        case ast.All():
            return [each for operand in predicate.operands for each in ehr_demands(operand)]
        case _:
            raise Untold("a predicate of an EHR that heads do not tell")


def _demand_cell(
    draft: _Draft, number: int, spot: Spot, tail: tuple[str, ...], wanted: ast.Literal
) -> None:
    below: Spot | None = spot
    for attribute in tail:
        below = step_into(draft.template, below, ast.Step(attribute)) if below else None
    here = _Here(draft.rows[number], below, dead=below is None)
    cell = _cell_here(draft, here)
    draft.where.append(conditions.with_value(cell, "=", wanted))


# --- paths -----------------------------------------------------------------------------


def _places(draft: _Draft, trie: Trie) -> list[_Here]:
    names = {member.name: number for number, member in enumerate(draft.chain) if member.name}
    found: list[_Here] = []
    for each in trie.places:
        if each.parent >= 0:
            found.append(_below(draft, found[each.parent], each.step))
        else:
            found.append(_root(draft, names[each.variable], each.step))
    return found


def _root(draft: _Draft, number: int, step: ast.Step) -> _Here:
    if step.predicate is not None:
        raise Untold("a predicate on a variable of a path")
    if isinstance(draft.chain[number].item, ast.Version):
        return _Here(of_version=True)
    if number not in draft.shape:
        return _Here()
    return _Here(draft.rows[number], Spot(tuple(draft.shape[number])))


def _below(draft: _Draft, here: _Here, step: ast.Step) -> _Here:
    if here.dead:
        return here
    if here.spot is None:
        if step.predicate is not None:
            raise Untold("a predicate inside an EHR or a version")
        return replace(here, tail=(*here.tail, step.attribute))
    spot = step_into(draft.template, here.spot, step)
    if spot is None:
        return _Here(dead=True)
    if spot.tail:
        return _Here(here.source, spot, here.guards)
    return _enter(draft, here, spot, asked_name(step))


def _enter(draft: _Draft, here: _Here, spot: Spot, name: str | None) -> _Here:
    """A node below: a row of its own, or more of the row at hand."""
    template = draft.template
    group, _ = place(template, spot)
    names = columns(template, spot, "name/value") if name is not None else ()
    if name is not None and not names:
        raise Untold("a name without a column")
    if not is_row(template, spot.nodes[0]):
        guards = ((names[0].name, name),) if name is not None else ()
        return _Here(here.source, spot, here.guards + guards)
    if here.guards:
        raise Untold("rows below a name")
    asked = (names[0].name, name) if name is not None else None
    source = Source(table_name(group), here.source, optional=True, name=asked, direct=True)
    return _Here(draft.add(source, set(spot.nodes)), spot)


def _cell(draft: _Draft, trie: Trie, places: list[_Here], expression: object) -> Cell:
    if isinstance(expression, ast.Literal):
        return _literal(expression)
    if isinstance(expression, ast.Call):
        return called(expression, lambda argument: _cell(draft, trie, places, argument))
    if not isinstance(expression, ast.Path):
        raise Untold("an expression without rows")
    return _cell_here(draft, places[trie.ends[expression]])


def _literal(literal: ast.Literal) -> Cell:
    kinds = {str: "text", bool: "boolean", int: "integer", float: "real"}
    kind = kinds.get(type(literal.value))
    if kind is None:
        return Cell(())
    return Cell((Alternative(kind, Constant(literal.value)),))  # type: ignore[arg-type]


def _cell_here(draft: _Draft, here: _Here) -> Cell:
    if here.dead:
        return Cell(())
    if here.spot is None:
        return cell_of_version(here.tail) if here.of_version else cell_of_ehr(here.tail)
    if here.source == _HEAD:
        told = (
            cell_of_composition(draft.template, here.spot.tail) if here.spot.nodes == (0,) else None
        )
        if told is not None:
            return told
        return cell_of_row(draft.template, here.spot, _composition_row(draft), here.guards)
    return cell_of_row(draft.template, here.spot, here.source, here.guards)


def _composition_row(draft: _Draft) -> int:
    """The source of the composition's own row, added when something asks for it."""
    table = table_name(draft.template.nodes[0].group or "")
    wanted = Source(table, _HEAD, optional=False)
    for number, source in enumerate(draft.sources):
        if source == wanted and draft.nodes[number] == {0}:
            return number
    return draft.add(wanted, {0})


def _check_use(request: Request, number: int, cell: Cell) -> None:
    """Whether rows can give what the request does with a cell."""
    if number in request.groups and cell.whole:
        raise Untold("groups by an object")
    for output in request.folds:
        if output.cell == number and output.aggregate is None:
            if cell.whole and not any(c.kind == "document" for c in cell.alternatives):
                raise Untold("an object in SELECT")
        elif output.cell == number and output.aggregate is not None:
            counted = output.aggregate.name == "COUNT" and not output.aggregate.distinct
            if counted:
                conditions.presence(cell)
            elif cell.whole or cell.rank < 0:
                raise Untold("an aggregate of objects or of several kinds")
    keys = () if request.aggregated else request.keys
    if any(key == number for key, _ in keys) and cell.rank < 0:
        raise Untold("values without one magnitude")


# --- WHERE -----------------------------------------------------------------------------


def _condition(draft: _Draft, trie: Trie, places: list[_Here], node: ast.Condition) -> Condition:
    match node:
        case ast.And():
            return Every(tuple(_condition(draft, trie, places, part) for part in node.operands))
        case ast.Or():
            return Some(tuple(_condition(draft, trie, places, part) for part in node.operands))
        case ast.Not():
            return Negated(_condition(draft, trie, places, node.condition))
        case ast.Exists(path=ast.Path() as path):
            return _exists(draft, trie, places, path)
        case ast.Like():
            return conditions.like(_cell(draft, trie, places, node.path), _written(node.pattern))
        case ast.Matches():
            cell = _cell(draft, trie, places, node.path)
            return conditions.one_of(cell, [_written(item) for item in node.values])
        case ast.Compare():
            left = _cell(draft, trie, places, node.left)
            if isinstance(node.right, ast.Literal):
                return conditions.with_value(left, node.operator, node.right)
            right = _cell(draft, trie, places, node.right)
            return conditions.with_cell(left, node.operator, right)
        case _:
            raise Untold("a condition without rows")


def _written(item: object) -> ast.Literal:
    if isinstance(item, ast.Literal):
        return item
    raise Untold("a list that is not written out")


def _exists(draft: _Draft, trie: Trie, places: list[_Here], path: ast.Path) -> Condition:
    start, steps = trie.reach(path)
    here = places[start]
    count = len(draft.sources)
    for step in steps:
        here = _below(draft, here, step)
    if len(draft.sources) != count:
        raise Untold("EXISTS of a node with rows of its own")
    if here.dead:
        return Known(truth=False)
    return conditions.present(_cell_here(draft, here))
