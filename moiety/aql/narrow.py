"""Conditions that heads can tell by themselves: comparisons of ehr_id and uid.

They hold for every row of a result, so they narrow typed rows and documents alike.
"""

from contextlib import suppress

from moiety.aql import ast, conditions
from moiety.aql.branches import ehr_demands
from moiety.aql.cells import cell_of_ehr
from moiety.aql.needs import spans
from moiety.aql.plan import Alternative, Cell, Condition, Every, Head
from moiety.aql.request import Request
from moiety.aql.spots import Untold


def narrow(request: Request) -> Every:
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
    if not isinstance(path, ast.Path):
        return None
    item = request.variables[path.variable.lower()]
    tail = tuple(step.attribute for step in path.steps)
    if item.rm_type != "EHR" or path.predicate is not None:
        return None
    values = [each for each in condition.values if isinstance(each, ast.Literal)]
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
    if not isinstance(right, ast.Literal) or path.predicate:
        return None
    if item.rm_type == "EHR" and tail == ("ehr_id", "value"):
        return conditions.with_value(cell_of_ehr(tail), condition.operator, right)
    several = spans(request.query.source)
    if item.rm_type in {"COMPOSITION", "VERSION"} and tail == ("uid", "value") and not several:
        uid = Cell((Alternative("text", Head("uid")),))
        return conditions.with_value(uid, condition.operator, right)
    return None
