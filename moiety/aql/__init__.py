"""AQL: text → tree → request → plan → SQL, and the document evaluator that checks it. No I/O.

    lexer       text → tokens
    cursor      a place in the tokens
    paths       grammar of values, paths and predicates
    parser      tokens → tree                               parse(text)
    ast         the tree
    printer     tree → text                                 render(tree)
    classes     classes that FROM may name
    request     tree and parameters → what both ways answer request(tree, parameters)
    trie        paths as one tree, and how they expand over documents
    predicates  conditions in brackets, asked of documents
    values      how values compare
    evaluate    documents → rows                            evaluate(request, records)
    results     rows → result                               finish(request, rows)
    spots       paths through a template
    shapes      FROM against a template
    cells       columns of a spot
    conditions  comparisons by type
    branches    one shape of one template → a branch
    narrow      conditions that heads tell by themselves
    resolve     request and templates → plan                resolve(request, templates)
    plan        the plan
    tables      the tables that SQL reads
    writer      a branch as SQL
    sql         plan → SQLAlchemy Core
    push        DISTINCT, aggregates, order and limit in SQL
    compiled    all of it in order                          compile(text, parameters, …)
    errors      AqlError, AqlNotSupported

`compile` puts them in order, and `Compiled.answer` runs what it made: `rest` first; where it gives
no document, `pushed` is the result (`shown`); where it gives some, or `pushed` is None, the result
is `finish` over the rows of `rows` (`typed`) and of the documents (`evaluated`).
"""

from collections.abc import Hashable, Mapping
from typing import Any

from moiety.aql.compiled import Column, Compiled, compile  # noqa: A004 - called aql.compile
from moiety.aql.errors import AqlError, AqlNotSupported
from moiety.aql.parser import parse
from moiety.aql.printer import render
from moiety.aql.tables import Heads


def plan_key(
    text: str,
    parameters: Mapping[str, Any],
    *,
    registry: Hashable,
    role: str,
    policy: Hashable,
    extensions: bool,
) -> Hashable:
    """What a cache of compiled queries is keyed by: all that a plan depends on.

    Parameters take part with type and value: a plan holds what a text means as a time or an id.
    `registry` is the version of the templates; two callers share a plan only with the same role
    and the same version of the same policy.
    """
    given = tuple(
        (name, type(member).__name__, repr(member)) for name, member in sorted(parameters.items())
    )
    return (text, given, registry, role, policy, extensions)


__all__ = [
    "AqlError",
    "AqlNotSupported",
    "Column",
    "Compiled",
    "Heads",
    "compile",
    "parse",
    "plan_key",
    "render",
]
