"""A query without the values that it was asked with.

Values are told nobody: not a log, a metric or a report.  What stays is what names things: classes,
archetypes, paths and codes of nodes, functions, the order, and how many rows were asked for.
"""

from dataclasses import replace
from typing import Any, Final

from moiety.aql import ast
from moiety.aql.parser import parse
from moiety.aql.printer import render

VALUE: Final = ast.Parameter("value")
TERMINOLOGY: Final = ast.Terminology("value", "value", "value")


def blanked(text: str) -> str:
    """The query with `$value` in place of each literal, name and list; without comments.

    Raises AqlError.
    """
    return render(without_values(parse(text)))


def without_values(tree: Any) -> Any:
    """A tree, or part of one, whose values are blank."""

    def blank(part: Any) -> Any:
        match part:
            case ast.Literal() | ast.TermCode() | ast.Uri():
                return VALUE
            case ast.Terminology():
                return TERMINOLOGY
            case ast.Node(name=name) if name is not None:
                return replace(part, name=VALUE)
            case ast.Matches():
                return replace(part, path=ast.changed(part.path, blank), values=(VALUE,))
            case ast.Pattern(path=path):
                return ast.Test(path, "=", VALUE)
            case _:
                return None

    return ast.changed(tree, blank)
