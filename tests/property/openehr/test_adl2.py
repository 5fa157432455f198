"""Whatever is sent as ADL 2 becomes a template or a typed error, in time by the length of it."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.openehr.adl2 import (
    Adl2Error,
    Version,
    find_version,
    parse_operational_template,
    parse_version,
)
from moiety.openehr.adl2.odin import read_odin
from moiety.openehr.adl2.reader import Reader

WHOLE = (Path(__file__).parents[2] / "unit/openehr/adl2/blood_pressure.adls").read_text()
MARKS = ["{", "}", "<", ">", "[", "]", '"', "|", "..", ";", "*", "/", "=", "(", "--", "\\", "+/-"]
WORDS = [
    "matches",
    "use_node",
    "P1Y",
    "\0",
    "\ud800",
    "id1",
    "A",
    "yyyy-",
    "group",
    "_default",
    "1e9",
]
PIECES = st.sampled_from(MARKS + WORDS)


def survives(text):
    """A template or an Adl2Error that tells a place inside of the text."""
    fault = refusal(text)
    if fault is not None:
        lines = text.count("\n" if isinstance(text, str) else b"\n") + 1
        assert 1 <= fault.line <= lines
        assert fault.column >= 1


def refusal(text):
    try:
        parse_operational_template(text)
    except Adl2Error as error:
        return error
    return None


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_template_or_refused(text):
    """Text and bytes alike."""
    survives(text)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 9), PIECES), max_size=4))
def test_any_change_of_a_template_is_a_template_or_refused(changes):
    """Something cut out, something put in: nothing fails in another way."""
    text = WHOLE
    for place, length, piece in changes:
        text = text[:place] + piece + text[place + length :]
    survives(text)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES | st.sampled_from([" ", "a", "5", "a = <", "items"]), max_size=30))
def test_any_definition_is_read_or_refused(pieces):
    """The grammar of definitions, from its own words in any order."""
    begin, end = WHOLE.index("COMPOSITION[id1]"), WHOLE.index("rules\n")
    survives(
        WHOLE[:begin] + "COMPOSITION[id1] matches {" + " ".join(pieces) + "}\n\n" + WHOLE[end:]
    )


HOSTILE = [
    '"' + "\\" * 400_000,
    '"\\"' * 200_000,
    "<" * 400_000,
    "[" * 400_000,
    "(" * 400_000,
    "--" * 400_000,
    " \n" * 400_000,
    "P" * 400_000,
    "/a" * 200_000,
    "A<" * 200_000,
    "a.b::" * 100_000,
    "a = <" + "1, " * 200_000,
    "a = <" + "'a', " * 100_000,
    "a = <|" + "9" * 400_000,
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:6])
@pytest.mark.parametrize("section", ["definition", "terminology", "rules", "language"])
def test_long_hostile_texts_end_soon(hostile, section):
    """Half a million characters of anything: no pattern tries every way."""
    survives(WHOLE.replace(f"{section}\n", f"{section}\n{hostile}", 1))


LEAVES = (
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: "." in repr(number))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True), inner, min_size=1)
        | st.dictionaries(st.text('ab "\\', max_size=4), inner, min_size=1)
    ),
    max_leaves=8,
)  # fmt: skip


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def odin(tree):
    """Another hand: the same data as ODIN text."""
    if isinstance(tree, dict):
        named = all(key.replace("_", "a").isalpha() for key in tree)
        keys = {key: key if named else f"[{quoted(key)}]" for key in tree}
        return " ".join(f"{keys[key]} = <{odin(value)}>" for key, value in tree.items())
    return quoted(tree) if isinstance(tree, str) else repr(tree)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True), TREES, min_size=1))
def test_data_written_as_odin_is_read_as_it_was(tree):
    """Objects, keyed objects and leaves come back alike."""
    assert tree == read_odin(Reader(odin(tree)))


VERSIONS = st.builds(
    Version, st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 2),
    st.integers(-1, 30),
) | st.builds(
    Version, st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.just(3), st.just(-1)
)  # fmt: skip


@given(VERSIONS)
def test_a_version_is_its_text(version):
    """Written and read back, it is the same."""
    assert version == parse_version(str(version))


@given(st.lists(VERSIONS, min_size=1, max_size=9), st.text(max_size=6))
def test_the_latest_version_is_the_greatest(versions, wanted):
    """Another hand: the greatest of all. Any wish is answered or refused."""
    stored = [f"openEHR-EHR-COMPOSITION.a.v{version}" for version in versions]
    latest = find_version(stored, "openEHR-EHR-COMPOSITION.a", "*")
    assert f"openEHR-EHR-COMPOSITION.a.v{max(versions)}" == latest
    with contextlib.suppress(ValueError):
        find_version(stored, "openEHR-EHR-COMPOSITION.a", wanted)
