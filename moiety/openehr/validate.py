"""A composition against its template (AOM 1.4, RM 1.1.0): one walk tells all findings, the typed
rows, the residue.

compile_template ─ node_checks (nodes, attributes, alternatives) ─ containers (children)
                                                                 ─ value_checks (leaves)
                 ─ model_checks (what the template leaves to the model) ─ invariants
                 ─ emission (rows)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from moiety.openehr import rm
from moiety.openehr.constraints import CodePhraseConstraint, ValueSet
from moiety.openehr.findings import Finding, Row, Trail, Walk, too_deep
from moiety.openehr.model_checks import validate_model
from moiety.openehr.node_checks import compile_node
from moiety.openehr.template import Template, TemplateNode

__all__ = [
    "Checked",
    "CompiledTemplate",
    "Finding",
    "TableRows",
    "compile_template",
    "validate_model",
]

RootCheck: TypeAlias = Callable[[rm.Any, Row, Trail, Walk], None]


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of one leaf table. `columns` opens with num, cap, par, template_key, node and names
    only typed columns that some row fills; a row leaves out what is absent.
    """

    table: str
    columns: tuple[str, ...]
    rows: list[Row]

    @property
    def values(self) -> list[tuple[object, ...]]:
        """The rows as tuples in the order of `columns`, None where absent."""
        return [tuple(map(row.get, self.columns)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Checked:
    """`remarks` are deviations from the template that deployed repositories accept (a duration
    in other units than its pattern, a finer date, a text for a URI): no error, for the strict.
    `rows` and `residue` are of use only where there are no findings.
    """

    findings: list[Finding]
    remarks: list[Finding]
    rows: tuple[TableRows, ...]
    residue: int


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A template ready to check documents; hold it as long as the template is in force."""

    template: Template
    root: RootCheck

    def check(self, composition: rm.Composition, template_key: int) -> Checked:
        """All findings, rows and residue of a composition. `template_key` goes into each row."""
        walk = Walk(template_key)
        language = composition.language
        walk.same_language = language is not None and language.code_string == self.template.language
        trail: Trail = (None, "", composition)
        if composition.archetype_node_id != self.template.archetype_id:
            expected = f"the archetype {self.template.archetype_id}"
            walk.add(trail, "archetype_node_id", "template", expected=expected, found="another")
        try:
            self.root(composition, {}, trail, walk)
        except RecursionError:
            return Checked([too_deep()], [], (), 0)
        return Checked(walk.findings, walk.remarks, _tables(walk), int(walk.residue))


def compile_template(template: Template, *, member: ValueSet | None = None) -> CompiledTemplate:
    """Turn a template into closures: some milliseconds, to be kept by the caller.

    `member` is asked whether a code belongs to a value set that the template only names; it is
    called during check, and answers None where it does not know, which passes.
    """
    nodes = template.nodes
    if member is not None:
        nodes = tuple(_asking(node, member) for node in nodes)
    return CompiledTemplate(template, compile_node(nodes[0], nodes))


def _asking(node: TemplateNode, member: ValueSet) -> TemplateNode:
    constraint = node.constraint
    if not isinstance(constraint, CodePhraseConstraint) or constraint.reference is None:
        return node
    return replace(node, constraint=replace(constraint, member=member))


def _tables(walk: Walk) -> tuple[TableRows, ...]:
    by_table: dict[str, list[Row]] = {}
    for table, row in walk.rows:
        by_table.setdefault(table, []).append(row)
    return tuple(_table(table, rows) for table, rows in by_table.items())


def _table(table: str, rows: list[Row]) -> TableRows:
    names = rows[0]
    if any(row.keys() != names.keys() for row in rows):
        names = {name: None for row in rows for name in row}
    return TableRows(table, tuple(names), rows)
