"""Trees of AQL as Hypothesis makes them: any construct, in the form that the parser gives it."""

from hypothesis import strategies as st

from moiety.aql import ast
from moiety.aql.cursor import RESERVED

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: (
        name.upper() not in RESERVED
        and not name[2:3].isdigit()
        and name.upper() not in {"COUNT", "MIN", "MAX", "SUM", "AVG", "TERMINOLOGY"}
    )
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
NUMBERS = st.one_of(
    st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False)
)
LITERALS = st.builds(ast.Literal, st.one_of(TEXTS, NUMBERS, st.booleans(), st.none()))
PARAMETERS = st.builds(ast.Parameter, NAMES)
CODES = st.builds(ast.NodeCode, st.sampled_from(("at0004", "at0004.1", "id3")))
ARCHETYPES = st.builds(
    ast.NodeCode, st.sampled_from(("openEHR-EHR-OBSERVATION.a_b.v1", "a-b-c.d.v2"))
)
TERMS = st.builds(ast.TermCode, st.sampled_from(("ISO_639-1::en", "local::at0004")))
OPERATORS = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))


def _short(strategy):
    """The strategy under a short name: Hypothesis prints whole trees of strategies otherwise."""

    @st.composite
    def drawn(draw):
        return draw(strategy)

    return drawn()


def _joined(kind, inner):
    """Two or more operands, none of the kind itself."""
    operand = inner.filter(lambda each: not isinstance(each, kind))
    return st.builds(kind, st.lists(operand, min_size=2, max_size=3).map(tuple))


def _predicates(steps):
    node = st.builds(
        ast.Node,
        st.one_of(CODES, ARCHETYPES, PARAMETERS),
        st.one_of(st.none(), st.builds(ast.Literal, TEXTS), PARAMETERS, TERMS, CODES),
    )
    test = st.builds(ast.Test, steps, OPERATORS, st.one_of(LITERALS, PARAMETERS, CODES, steps))
    pattern = st.builds(ast.Pattern, steps, st.sampled_from(("a.*", "[0-9]+")))
    single = st.one_of(node, test, pattern)
    both = _joined(ast.All, single)
    return st.one_of(single, both, _joined(ast.Any, st.one_of(single, both)))


PLAIN = st.lists(st.builds(ast.Step, NAMES), min_size=1, max_size=2).map(tuple)
PREDICATES = _short(_predicates(PLAIN))
STEPS = st.lists(
    st.builds(ast.Step, NAMES, st.one_of(st.none(), PREDICATES)), min_size=1, max_size=3
).map(tuple)
PATHS = _short(
    st.builds(ast.Path, NAMES, st.one_of(st.just(()), STEPS), st.one_of(st.none(), PREDICATES))
)
TERMINOLOGY = st.builds(ast.Terminology, TEXTS, TEXTS, TEXTS)
EXPRESSIONS = _short(
    st.recursive(
        st.one_of(LITERALS, PARAMETERS, PATHS, TERMINOLOGY),
        lambda inner: st.builds(
            ast.Call, NAMES.map(str.upper), st.lists(inner, max_size=2).map(tuple)
        ),
        max_leaves=3,
    )
)
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(ast.Compare, st.one_of(PATHS, TERMINOLOGY), OPERATORS, EXPRESSIONS),
        st.builds(ast.Like, PATHS, st.one_of(st.builds(ast.Literal, TEXTS), PARAMETERS)),
        st.builds(
            ast.Matches,
            PATHS,
            st.lists(st.one_of(LITERALS, TERMINOLOGY), min_size=1, max_size=3).map(tuple),
        ),
        st.builds(ast.Exists, PATHS),
    ),
    lambda inner: st.one_of(
        st.builds(ast.Not, inner), _joined(ast.And, inner), _joined(ast.Or, inner)
    ),
    max_leaves=4,
)
CLASSES = _short(
    st.builds(
        ast.Class,
        NAMES.map(str.upper).filter(lambda name: name != "VERSION"),
        st.one_of(st.none(), NAMES),
        st.one_of(st.none(), PREDICATES),
    )
)
VERSIONS = st.builds(
    ast.Version,
    st.one_of(st.none(), NAMES),
    st.one_of(
        st.none(),
        st.sampled_from(("LATEST_VERSION", "ALL_VERSIONS")),
        st.builds(ast.Test, PLAIN, OPERATORS, LITERALS),
    ),
)
SOURCES = st.recursive(
    st.one_of(CLASSES, VERSIONS),
    lambda inner: st.one_of(
        st.builds(ast.Contains, st.one_of(CLASSES, VERSIONS), inner, st.booleans()),
        _joined(ast.Both, inner),
        _joined(ast.Either, inner),
    ),
    max_leaves=4,
)
AGGREGATES = st.one_of(
    st.just(ast.Aggregate("COUNT")),
    st.builds(ast.Aggregate, st.just("COUNT"), PATHS, st.booleans()),
    st.builds(ast.Aggregate, st.sampled_from(("MIN", "MAX", "SUM", "AVG")), PATHS),
)
COLUMNS = st.builds(ast.Column, st.one_of(EXPRESSIONS, AGGREGATES), st.one_of(st.none(), NAMES))


@st.composite
def queries(draw):
    """A whole query."""
    limit = draw(st.one_of(st.none(), st.integers(0, 999)))
    return ast.Query(
        draw(st.lists(COLUMNS, min_size=1, max_size=3).map(tuple)),
        draw(SOURCES),
        draw(st.one_of(st.none(), CONDITIONS)),
        draw(st.lists(st.builds(ast.Order, PATHS, st.booleans()), max_size=2).map(tuple)),
        limit,
        draw(st.one_of(st.none(), st.integers(0, 999))) if limit is not None else None,
        draw(st.booleans()),
        draw(st.one_of(st.none(), st.builds(ast.Top, st.integers(0, 99), st.booleans()))),
    )
