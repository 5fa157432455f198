"""Request and templates → plan: which rows answer, for which templates, and what is left over.

`resolve` tries every template on its own. A template whose rows cannot answer is left to the
documents, with a reason; one that cannot hold what FROM names is settled without rows. Branches
that agree in all but their template nodes become one.

Where only a cell is out of the reach of rows (`SELECT o`), rows still tell which compositions
FROM and WHERE let through: no other document is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from moiety.aql import ast
from moiety.aql.branches import branch, branch_of_ehrs
from moiety.aql.lean import lean, with_tables
from moiety.aql.narrow import narrow
from moiety.aql.needs import Needs, needs
from moiety.aql.plan import Branch, Plan
from moiety.aql.request import Request
from moiety.aql.shapes import Member, candidates, members, residue_of, shapes
from moiety.aql.spots import CONTAINERS, Untold
from moiety.aql.trie import Trie, build
from moiety.openehr.template import Template

MAXIMUM_BRANCHES = 32


def resolve(request: Request, templates: Mapping[int, Template]) -> Plan:
    """The plan of a request over the templates of a registry (template_key → template)."""
    known, asked = narrow(request), needs(request.query)
    try:
        chain = members(request.query.source)
    except Untold as reason:
        return Plan((), known, asked, reasons=(str(reason),))
    if asked.whole:
        return Plan((), known, asked, reasons=("several contents in one row",))
    if [member.item.rm_type for member in chain] == ["EHR"]:
        return _of_ehrs(request, chain, asked)
    if "COMPOSITION" not in asked.kinds:
        return Plan((), known, asked, reasons=("content without rows",))
    found = _answers(request, chain, templates)
    if len(found.branches) > MAXIMUM_BRANCHES:  # templates that agreed before each was made lean
        found = _answers(request, chain, templates, as_told=True)
    if len(found.branches) > MAXIMUM_BRANCHES or not _ranks_agree(found.branches.values()):
        return Plan((), known, asked, reasons=("templates of too many shapes",))
    filters = _filters(request, chain, {key: templates[key] for key in found.left})
    return Plan(
        with_tables(tuple(found.branches.values()), templates),
        known,
        asked,
        residue=residue_of(chain, deep=_is_deep(request)),
        left=frozenset(found.left),
        reasons=tuple(dict.fromkeys(found.left.values())),
        filters=with_tables(filters, templates),
        filtered=frozenset(key for each in filters for key in each.keys),
    )


@dataclass(slots=True)
class _Answers:
    """Branches by their shape, and the templates that have none, with the reason."""

    branches: dict[Branch, Branch] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)


def _answers(
    request: Request,
    chain: list[Member],
    templates: Mapping[int, Template],
    *,
    as_told: bool = False,
) -> _Answers:
    """The branches of each template: lean, or as FROM and the paths tell them."""
    trie = build(request.paths)
    found = _Answers()
    for key, template in templates.items():
        try:
            for made in _branches(request, trie, chain, key, template):
                _merge(found.branches, made if as_told else lean(made, request, template))
        except Untold as reason:
            found.left[key] = str(reason)
    return found


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


def _ranks_agree(branches: Iterable[Branch]) -> bool:
    """Whether the instants of each cell are of one kind in all branches."""
    for cells in zip(*(each.cells for each in branches), strict=True):
        if len({cell.rank for cell in cells if cell.rank}) > 1:
            return False
    return True


def _filters(
    request: Request, chain: list[Member], templates: Mapping[int, Template]
) -> tuple[Branch, ...]:
    """Branches whose rows find every composition of these templates that can add anything.

    None where EXISTS is asked: it means the elements that a row has taken, and a cell that is
    left out here may take some. None either where many shapes would make a long statement.
    """
    if any(isinstance(part, ast.Exists) for part in ast.walk(request.query.where)):
        return ()
    bare = replace(request, cells=(), outputs=(), keys=())
    found = _answers(bare, chain, templates).branches.values()
    if len(found) > MAXIMUM_BRANCHES or not all(each.sources for each in found):
        return ()
    return tuple(found)


def _of_ehrs(request: Request, chain: list[Member], asked: Needs) -> Plan:
    known = narrow(request)
    try:
        found = branch_of_ehrs(request, build(request.paths), chain)
    except Untold as reason:
        return Plan((), known, asked, reasons=(str(reason),), of_ehrs=True)
    return Plan((found,), known, asked, of_ehrs=True)


def _is_deep(request: Request) -> bool:
    """Whether a path leads into archetyped content, where residue may stand."""
    steps = (part for part in ast.walk(request.query) if isinstance(part, ast.Step))
    return any(step.predicate or step.attribute in CONTAINERS for step in steps)
