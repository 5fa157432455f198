"""AQL: text → tree → request → plan → SQL, and the document evaluator that checks it. No I/O.

    lexer       text → tokens
    cursor      a place in the tokens
    paths       grammar of values, paths and predicates
    parser      tokens → tree                               parse(text)
    ast         the tree
    printer     tree → text                                 render(tree)
    classes     classes that FROM may name
    signatures  what a plan can know of a value
    forms       texts that differ in values alone
    functions   functions of one row: what they take, give and do
    asides      what a query asks of others: the clock, terminologies
    checks      names, functions and patterns of a tree that can be wrong
    request     tree and parameters → what both ways answer request(tree, parameters)
    needs       what documents must hold: kinds of content, versions, whole EHRs
    trie        paths as one tree, and how they expand over documents
    partial     how much of a document a request needs      decoder(request)
    predicates  conditions in brackets, asked of documents
    values      how values compare
    truths      conditions, whatever their values are read from
    stored      rows of the database → records
    trees       a record as numbered objects: what lies inside what
    bindings    FROM over the objects of a record
    evaluate    documents → rows                            evaluate(request, records)
    results     rows → result                               finish(request, rows)
    spots       paths through a template
    shapes      FROM against a template
    cells       columns of a spot, of an EHR, of a version
    called      functions over columns, and their SQL
    conditions  comparisons by type
    branches    one shape of one template → a branch
    lean        a branch without rows that the template makes sure of
    narrow      conditions that heads tell by themselves
    resolve     request and templates → plan                resolve(request, templates)
    plan        the plan
    hot         columns that are asked often, and what their indexes can answer
    wanted      paths of a query that an index could serve
    tables      the tables that SQL reads
    blanks      parameters, and how run time fills them
    heads       what heads tell of EHRs and versions, as SQL
    writer      a branch as SQL
    sql         plan → SQLAlchemy Core
    columns     columns of rows by cell, and how they are put in order
    groups      aggregates, GROUP BY and HAVING in SQL
    push        DISTINCT, order and limit in SQL
    statements  SQLAlchemy Core → text for the driver
    shown       columns of SQL → outputs
    demands     what values must be in every run: ids, patterns
    compiled    all of it in order                          compile(text, parameters, …)
    streamed    a result in batches                         streamed(compiled, run, …)
    column_kinds  what JSON a column can hold
    blanked     a query without its values
    cache       compiled queries by what they depend on     PlanCache
    errors      AqlError, AqlNotSupported, AqlTooLarge

`compile` puts them in order; a `PlanCache` finds what it made for every query that differs in
values alone. To run it, ask `Compiled.alone` with `alone.parameters(given)` on any connection, in
autocommit: `told_alone(rows)` is the result, or None where templates have changed or documents
have a say. Then `with_values(given).answer` runs what is needed in one snapshot: `rest` first;
where it gives no document, `pushed` is the result (`shown`); where it gives some, or `pushed` is
None, the result is `finish` over the rows of `rows` (`typed`) and of the documents (`evaluated`).
"""

from moiety.aql.asides import Aside, asides
from moiety.aql.cache import Context, PlanCache, Query
from moiety.aql.compiled import Column, Compiled, compile  # noqa: A004 - called aql.compile
from moiety.aql.errors import AqlError, AqlNotSupported, AqlTooLarge
from moiety.aql.hot import HotColumn, hot_columns
from moiety.aql.parser import parse
from moiety.aql.printer import render
from moiety.aql.tables import Heads

__all__ = [
    "AqlError",
    "AqlNotSupported",
    "AqlTooLarge",
    "Aside",
    "Column",
    "Compiled",
    "Context",
    "Heads",
    "HotColumn",
    "PlanCache",
    "Query",
    "asides",
    "compile",
    "hot_columns",
    "parse",
    "render",
]
