"""Functions of AQL: what PostgreSQL works out is what Python works out, whatever the arguments."""

import math

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from moiety.aql.called import called, function
from moiety.aql.functions import FUNCTIONS, call
from moiety.aql.plan import Alternative, Cell, Constant
from moiety.aql.spots import Untold
from moiety.aql.tables import TYPES
from tests.fixtures.fix_database import copied

KINDS = {str: "text", int: "integer", float: "real"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
WHOLE = st.one_of(st.integers(-5, 5), st.integers(-(2**62), 2**62))
REAL = st.one_of(
    st.floats(-1e6, 1e6), st.floats(-1e300, 1e300), st.sampled_from([0.5, 2.5, -2.5, 1.005, 0.1])
)


@pytest.fixture(scope="module")
def connection(cluster):
    with copied(cluster, "clinical") as copy:
        url = copy.url("postgres").replace("postgresql://", "postgresql+psycopg://", 1)
        engine = sa.create_engine(url)
        with engine.connect() as opened:
            yield opened
        engine.dispose()


@st.composite
def calls(draw):
    """A function and arguments that it takes, some of them null."""
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    shape = FUNCTIONS[name]
    count = draw(st.integers(shape.least, shape.most or 4))
    kinds = {"text": TEXTS, "integer": WHOLE, "number": st.one_of(WHOLE, REAL)}
    found = [
        draw(st.one_of(kinds[shape.kind(place)], st.none()) if place else kinds[shape.kind(0)])
        for place in range(count)
    ]
    return name, found


def by_sql(connection, name, arguments):
    """The value that the statement of a plan gives."""
    cells = [
        Cell(()) if each is None else Cell((Alternative(KINDS[type(each)], Constant(each)),))
        for each in arguments
    ]
    (expression,) = [
        choice.expression
        for choice in called(_Call(name, range(len(cells))), cells.__getitem__).alternatives
    ] or [None]
    if expression is None:
        return None
    if isinstance(expression, Constant):
        return expression.value
    told = [sa.literal(each.value, TYPES[KINDS[type(each.value)]]) for each in expression.arguments]
    return connection.scalar(sa.select(function(expression, told)))


class _Call:
    """A call whose arguments are numbers of cells."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(call_of=calls())
@example(call_of=("ROUND", [1.005, 2]))
@example(call_of=("ROUND", [-(2**62), -19]))
@example(call_of=("SUBSTRING", ["abc", -(2**62), 2**62]))
@example(call_of=("CEIL", [1e300]))
@example(call_of=("MOD", [-7, 3]))
@example(call_of=("MOD", [7, 0]))
@example(call_of=("POSITION", ["", "abc"]))
@example(call_of=("CONCAT_WS", ["-", None, None]))
def test_sql_and_python_give_the_same(connection, call_of):
    """For every function and any arguments; what SQL would not say, documents answer."""
    name, arguments = call_of
    expected = call(FUNCTIONS[name], arguments)
    try:
        actual = by_sql(connection, name, arguments)
    except Untold:
        assert "MOD" == name
        return
    if isinstance(expected, float):
        assert math.isclose(expected, actual, rel_tol=1e-15, abs_tol=0.0)
        return
    assert (type(expected), expected) == (type(actual), actual)
