"""Request and templates → plan: which rows answer, for which templates, and what is left over.

`resolve` tries every template on its own. A template whose rows cannot answer is left to the
documents, with a reason; one that cannot hold what FROM names is settled without rows. Branches
that agree in all but their template nodes become one.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from moiety.aql import ast, conditions
from moiety.aql.branches import branch, branch_of_ehrs, ehr_demands
from moiety.aql.cells import cell_of_ehr
from moiety.aql.evaluate import spans_compositions
from moiety.aql.plan import Alternative, Branch, Cell, Condition, Every, Head, Plan
from moiety.aql.request import Request
from moiety.aql.shapes import Member, candidates, members, residue_of, shapes
from moiety.aql.spots import Untold
from moiety.aql.trie import Trie, build
from moiety.aql.values import value
from moiety.openehr.template import Template

MAXIMUM_BRANCHES = 32


def resolve(request: Request, templates: Mapping[int, Template]) -> Plan:
    """The plan of a request over the templates of a registry (template_key → template)."""
    narrow = _narrow(request)
    deep = any(step.predicate for path in request.paths for step in path.steps)
    try:
        chain = members(request.query.source)
    except Untold as reason:
        return Plan((), narrow, reasons=(str(reason),))
    if spans_compositions(request.query.source):
        return Plan((), narrow, reasons=("several compositions in one row",))
    trie = build(request.paths)
    if [member.item.rm_type for member in chain] == ["EHR"]:
        return _of_ehrs(request, trie, chain, narrow)
    found: dict[Branch, Branch] = {}
    left: set[int] = set()
    reasons: dict[str, None] = {}
    for key, template in templates.items():
        try:
            for made in _branches(request, trie, chain, key, template):
                _merge(found, made)
        except Untold as reason:
            left.add(key)
            reasons[str(reason)] = None
    if len(found) > MAXIMUM_BRANCHES or not _ranks_agree(found.values()):
        return Plan((), narrow, reasons=("templates of too many shapes",))
    residue = residue_of(chain, deep=deep)
    return Plan(tuple(found.values()), narrow, residue, frozenset(left), tuple(reasons))


def _of_ehrs(request: Request, trie: Trie, chain: list[Member], narrow: Condition) -> Plan:
    try:
        found = branch_of_ehrs(request, trie, chain)
    except Untold as reason:
        return Plan((), narrow, reasons=(str(reason),), of_ehrs=True)
    return Plan((found,), narrow, of_ehrs=True)


def _ranks_agree(branches: Iterable[Branch]) -> bool:
    """Whether the instants of each cell are of one kind in all branches."""
    for cells in zip(*(each.cells for each in branches), strict=True):
        if len({cell.rank for cell in cells if cell.rank}) > 1:
            return False
    return True


def _branches(
    request: Request, trie: Trie, chain: list[Member], key: int, template: Template
) -> list[Branch]:
    found = candidates(template, chain)
    return [
        branch(request, trie, chain, template=template, key=key, found=shape)
        for shape in shapes(template, chain, found)
    ]


def _merge(found: dict[Branch, Branch], made: Branch) -> None:
    shape = replace(made, nodes=(), keys=frozenset())
    known = found.get(shape)
    if known is None:
        found[shape] = made
        return
    nodes = tuple(a | b for a, b in zip(known.nodes, made.nodes, strict=True))
    found[shape] = replace(known, nodes=nodes, keys=known.keys | made.keys)


def _narrow(request: Request) -> Condition:
    """What every row satisfies and heads can tell: comparisons of ehr_id and of uid."""
    parts = [_of_head(request, part) for part in _conjuncts(request.query.where)]
    top = request.query.source
    first = top.parent if isinstance(top, ast.Contains) else top
    if isinstance(first, ast.Class) and first.rm_type == "EHR":
        with suppress(Untold):  # what heads do not tell is asked of the documents
            parts += ehr_demands(first.predicate)
    return Every(tuple(part for part in parts if part is not None))


def _conjuncts(condition: ast.Condition | None) -> tuple[ast.Condition, ...]:
    if isinstance(condition, ast.And):
        return condition.operands
    return () if condition is None else (condition,)


def _of_list(request: Request, condition: ast.Matches) -> Condition | None:
    path = condition.path
    item = request.variables[path.variable.lower()]
    tail = tuple(step.attribute for step in path.steps)
    if not isinstance(item, ast.Class) or item.rm_type != "EHR" or path.predicate is not None:
        return None
    values = [value(each.value) for each in condition.values if isinstance(each, ast.Literal)]
    known = tail == ("ehr_id", "value") and len(values) == len(condition.values)
    return conditions.one_of(cell_of_ehr(tail), values) if known else None


def _of_head(request: Request, condition: ast.Condition) -> Condition | None:
    if isinstance(condition, ast.Matches):
        return _of_list(request, condition)
    if not isinstance(condition, ast.Compare) or not isinstance(condition.left, ast.Path):
        return None
    path, right = condition.left, condition.right
    item = request.variables[path.variable.lower()]
    tail = tuple(step.attribute for step in path.steps)
    if not isinstance(right, ast.Literal) or not isinstance(item, ast.Class) or path.predicate:
        return None
    if item.rm_type == "EHR" and tail == ("ehr_id", "value"):
        return conditions.with_value(cell_of_ehr(tail), condition.operator, value(right.value))
    several = spans_compositions(request.query.source)
    if item.rm_type == "COMPOSITION" and tail == ("uid", "value") and not several:
        uid = Cell((Alternative("text", Head("uid")),))
        return conditions.with_value(uid, condition.operator, value(right.value))
    return None
