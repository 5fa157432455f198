"""A query in the context of one EHR: what `ehr_id` beside a query means (openEHR REST API, QUERY).

A query that asks for the parameter `$ehr_id` is given it.  Any other is narrowed: the class EHR of
its FROM gets the condition, or one is put around what has none.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from clinical_api.queries import Query, malformed
from moiety.aql import AqlError, ast, parse, render
from moiety.kit.errors import Malformed

PARAMETER = "ehr_id"


def within(query: Query, ehr_id: str) -> Query:
    """The query about one EHR alone.  Raises Malformed for what is no id or no query."""
    try:
        known = str(UUID(ehr_id))
    except ValueError:
        raise Malformed("`ehr_id` is a UUID.") from None
    try:
        tree = parse(query.text)
    except AqlError as error:
        raise malformed(error) from None
    parameters: Mapping[str, Any] = {PARAMETER: known, **query.parameters}
    if ast.Parameter(PARAMETER) in ast.walk(tree):
        return replace(query, parameters=parameters)
    text = render(replace(tree, source=_narrowed(tree.source, known)))
    return replace(query, text=text)


def _narrowed(source: ast.Source, ehr_id: str) -> ast.Source:
    match source:
        case ast.Class(rm_type="EHR"):
            return _one(source, ehr_id)
        case ast.Contains(parent=ast.Class(rm_type="EHR") as parent):
            return replace(source, parent=_one(parent, ehr_id))
    return ast.Contains(_one(ast.Class("EHR"), ehr_id), source)


def _one(ehr: ast.Class, ehr_id: str) -> ast.Class:
    path = (ast.Step("ehr_id"), ast.Step("value"))
    only = ast.Test(path, "=", ast.Literal(ehr_id))
    if ehr.predicate is None:
        return replace(ehr, predicate=only)
    others = ehr.predicate.operands if isinstance(ehr.predicate, ast.All) else (ehr.predicate,)
    return replace(ehr, predicate=ast.All((*others, only)))
