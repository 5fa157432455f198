"""Queries over the ward's templates, put together by Hypothesis from the grammar's pieces."""

from hypothesis import strategies as st

from tests.unit.aql.ward import COMPOSITION, DEVICE, PART, PRESSURE, PROBLEM

EVENT = "data[at0001]/events[at0006]"
TREE = f"{EVENT}/data[at0003]"

OF_OBSERVATION = (
    f"{TREE}/items[at0004]/value/magnitude",
    f"{TREE}/items[at0004]/value/units",
    f"{TREE}/items[at0005]/value/magnitude",
    f"{TREE}/items[at0008]/value/value",
    f"{TREE}/items[at0008]/value/defining_code/code_string",
    f"{TREE}/items[at0009]/value/value",
    f"{TREE}/items[at0010]/value/magnitude",
    f"{TREE}/items[at0010, 'term 10']/value/magnitude",
    f"{TREE}/items[at0004, 'term 4']/value/magnitude",
    f"{TREE}/items[at0004, 'another']/value/magnitude",
    f"{TREE}/items[at0099]/value/magnitude",
    f"{EVENT}/time/value",
    f"{EVENT}/width/value",
    f"{EVENT}/name/value",
    f"{EVENT}/archetype_node_id",
    "data[at0001]/events[at0006, 'mean']/time/value",
    "data/events/data/items[at0004]/value/magnitude",
    "data[at0001]/origin/value",
    f"protocol[at0011]/items[{DEVICE}]/items[at0001]/value/value",
    f"protocol[at0011]/items[{DEVICE}, 'cuff']/items[at0004]/value/value",
    "name/value",
    "archetype_node_id",
    "language/code_string",
)
OF_EVALUATION = (
    "data[at0001]/items[at0002]/value/value",
    "data[at0001]/items[at0002]/value/defining_code/code_string",
    "data[at0001]/items[at0003]/value/value",
    "data[at0001]/items[at0004]/value/value",
    "data[at0001]/items[at0004]/value/magnitude",
    "data[at0001]/items[at0005]/value/value",
    "data[at0001]/items[at0006]/value/numerator",
    "data[at0001]/items[at0007]/value/value",
    "data[at0001]/items[at0007]/name/value",
    "name/value",
)
OF_COMPOSITION = (
    "uid/value",
    "name/value",
    "archetype_node_id",
    "archetype_details/template_id/value",
    "context/start_time/value",
    "context/setting/defining_code/code_string",
    "context/other_context[at0001]/items[at0002]/value/value",
    "composer/name",
    "category/value",
    f"content[{PROBLEM}]/data[at0001]/items[at0002]/value/value",
)
OF_ELEMENT = ("value/magnitude", "value/value", "name/value", "value/units")
OBJECTS = {
    "o": (f"{TREE}/items[at0009]/value", f"{TREE}/items[at0005]/value", f"{EVENT}/time"),
    "v": (
        "data[at0001]/items[at0003]/value",
        "data[at0001]/items[at0004]/value",
        "data[at0001]/items[at0005]/value",
        "data[at0001]/items[at0006]/value",
    ),
    "c": ("context/start_time",),
    "l": ("value",),
    "x": ("time", "width"),
    "p": ("time",),
}
PATHS = {
    "e": (
        *("ehr_id/value", "system_id/value", "time_created/value", "ehr_status/is_modifiable"),
        *("ehr_status/subject/external_ref/id/value", "ehr_status/name/value"),
        "ehr_status/subject/external_ref/namespace",
    ),
    "w": (
        *("uid/value", "commit_audit/time_committed/value", "commit_audit/committer/name"),
        *("commit_audit/change_type/value", "commit_audit/change_type/defining_code/code_string"),
        *("lifecycle_state/value", "contribution/id/value", "preceding_version_uid/value"),
        *("commit_audit/system_id", "commit_audit/description/value", "commit_audit/committer"),
    ),
    "t": ("is_queryable", "name/value", "subject/external_ref/id/value", "uid/value"),
    "f": ("name/value", "archetype_node_id", "items/id/value", "uid/value"),
    "g": ("name/value", "archetype_node_id"),
    "c": OF_COMPOSITION,
    "o": OF_OBSERVATION,
    "v": OF_EVALUATION,
    "s": ("name/value", f"items[{PROBLEM}]/data[at0001]/items[at0002]/value/value"),
    "k": ("name/value", "items[at0001]/value/value", "items[at0004]/value/value"),
    "l": OF_ELEMENT,
    "x": ("time/value", "name/value", "data[at0003]/items[at0004]/value/magnitude"),
    "p": ("time/value", "name/value", "data[at0003]/items[at0004]/value/magnitude"),
    "n": ("name/value", "archetype_node_id"),
}
SOURCES = (
    ("EHR e", "e"),
    ("COMPOSITION c", "c"),
    ("EHR e CONTAINS COMPOSITION c", "ec"),
    (f"EHR e CONTAINS COMPOSITION c[{COMPOSITION}] CONTAINS OBSERVATION o[{PRESSURE}]", "eco"),
    (f"OBSERVATION o[{PRESSURE}]", "o"),
    ("COMPOSITION c CONTAINS OBSERVATION o", "co"),
    (f"EHR e CONTAINS EVALUATION v[{PROBLEM}]", "ev"),
    (f"COMPOSITION c CONTAINS (OBSERVATION o[{PRESSURE}] AND EVALUATION v[{PROBLEM}])", "cov"),
    ("SECTION s CONTAINS EVALUATION v", "sv"),
    (f"SECTION s[{PART}] CONTAINS (OBSERVATION o AND EVALUATION v)", "sov"),
    (f"COMPOSITION c CONTAINS SECTION s[{PART}, 'first'] CONTAINS EVALUATION v", "csv"),
    (f"OBSERVATION o[{PRESSURE}] CONTAINS CLUSTER k[{DEVICE}]", "ok"),
    (f"OBSERVATION o[{PRESSURE}] CONTAINS ELEMENT l[at0004]", "ol"),
    (f"OBSERVATION o[{PRESSURE}] CONTAINS ELEMENT l[at0010]", "ol"),
    ("EVENT x CONTAINS ELEMENT l[at0010]", "xl"),
    ("OBSERVATION o CONTAINS POINT_EVENT p", "op"),
    ("INTERVAL_EVENT x", "x"),
    ("COMPOSITION c CONTAINS ENTRY n", "cn"),
    ("CARE_ENTRY n", "n"),
    (f"CLUSTER k[{DEVICE}] CONTAINS ELEMENT l[at0004]", "kl"),
    ("COMPOSITION c CONTAINS (SECTION s OR EVALUATION v)", "csv"),
    ("COMPOSITION c NOT CONTAINS EVALUATION", "c"),
    ("EHR e NOT CONTAINS SECTION", "e"),
    ("COMPOSITION c[name/value='visit'] CONTAINS EVALUATION v", "cv"),
    (f"EVALUATION v[archetype_node_id='{PROBLEM}']", "v"),
    (f"EHR e[system_id/value='moiety.example'] CONTAINS EVALUATION v[{PROBLEM}]", "ev"),
    ("EHR e[system_id/value='another' OR ehr_id/value!='x'] CONTAINS COMPOSITION c", "ec"),
    ("EHR e[time_created/value>'2020'] CONTAINS SECTION s", "es"),
    ("EHR e CONTAINS VERSION w CONTAINS COMPOSITION c", "ewc"),
    (f"VERSION w[LATEST_VERSION] CONTAINS OBSERVATION o[{PRESSURE}]", "wo"),
    (f"EHR e CONTAINS VERSION w[ALL_VERSIONS] CONTAINS COMPOSITION c[{COMPOSITION}]", "ewc"),
    ("VERSION w[commit_audit/time_committed/value>'2024-03-02'] CONTAINS COMPOSITION c", "wc"),
    ("VERSION w CONTAINS EHR_STATUS t", "wt"),
    ("VERSION w[ALL_VERSIONS]", "w"),
    ("EHR e CONTAINS EHR_STATUS t", "et"),
    ("EHR e CONTAINS (EHR_STATUS t AND COMPOSITION c)", "etc"),
    ("FOLDER f CONTAINS COMPOSITION c", "fc"),
    ("EHR e CONTAINS FOLDER f CONTAINS FOLDER g", "efg"),
    (f"FOLDER f CONTAINS VERSION w CONTAINS EVALUATION v[{PROBLEM}]", "fwv"),
    ("FOLDER f NOT CONTAINS COMPOSITION", "f"),
    ("EHR e CONTAINS CLUSTER k", "ek"),
    (f"CLUSTER k[{DEVICE}]", "k"),
    ("COMPOSITION c[name/value matches {/[vw].*/}] CONTAINS EVALUATION v", "cv"),
    ("OBSERVATION o[openEHR-EHR-OBSERVATION.pressure.v1]", "o"),
)
VALUES = (
    *("140", "120.5", "3", "5", "-1", "0", "'arm'", "'arm 2'", "'Ärmel'", "''", "'10'", "true"),
    *("false", "NULL", "'2021-05-01'", "'2021-05'", "'2021-03-01T10:00:00Z'", "'PT36H'", "'P2D'"),
    *("'mm[Hg]'", "'at0020'", "'round'", "'mean'", "'ward round'", "10.0", "'2021-06-01T00:00'"),
)
PATTERNS = ("'*'", "'a*'", "'arm'", "'?rm*'", "'*%*'", r"'a%b_c\\*d\\?'", "'2021-0*'", "'ro?nd'")
OPERATORS = ("=", "!=", "<", "<=", ">", ">=")


def path_of(variables):
    """A path of one of the variables."""
    return st.sampled_from([f"{name}/{path}" for name in variables for path in PATHS[name]])


def object_of(variables):
    """A path that leads to an object of a data type."""
    paths = [f"{name}/{path}" for name in variables for path in OBJECTS.get(name, ())]
    return st.sampled_from(paths or [f"{variables[0]}/{PATHS[variables[0]][0]}"])


@st.composite
def calls(draw, variables):
    """A function of one row."""
    return draw(_calls(variables))


def _calls(variables):
    paths = path_of(variables)
    texts = st.one_of(paths, st.sampled_from(("'arm'", "'r'", "''", "'Ä'")))
    whole = st.sampled_from(("1", "2", "0", "-1", "3"))
    numbers = st.one_of(paths, st.sampled_from(("2.5", "-7", "3")))
    return st.one_of(
        st.builds("LENGTH({})".format, paths),
        st.builds("CONTAINS({}, {})".format, paths, texts),
        st.builds("POSITION({}, {})".format, texts, paths),
        st.builds("SUBSTRING({}, {})".format, paths, whole),
        st.builds("SUBSTRING({}, {}, {})".format, paths, whole, whole),
        st.builds("CONCAT({}, {}, {})".format, texts, paths, texts),
        st.builds("CONCAT_WS('-', {}, {})".format, paths, paths),
        st.builds("{}({})".format, st.sampled_from(("ABS", "CEIL", "FLOOR", "ROUND")), paths),
        st.builds("ROUND({}, {})".format, paths, whole),
        st.builds("MOD({}, {})".format, numbers, whole),
        st.builds("LENGTH(SUBSTRING({}, 2))".format, paths),
    )


@st.composite
def condition(draw, variables):
    """A condition of WHERE."""
    single = _single(variables)
    nested = st.recursive(
        single,
        lambda inner: st.one_of(
            st.builds("NOT ({})".format, inner),
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
        ),
        max_leaves=3,
    )
    return draw(nested)


@st.composite
def _single(draw, variables):
    paths, objects = path_of(variables), object_of(variables)
    called = calls(variables)
    single = st.one_of(
        st.builds("{} {} {}".format, called, st.sampled_from(OPERATORS), st.sampled_from(VALUES)),
        st.builds("{} {} {}".format, paths, st.sampled_from(OPERATORS), called),
        st.builds("{} < CURRENT_DATE_TIME()".format, paths),
        st.builds("{} {} {}".format, paths, st.sampled_from(OPERATORS), st.sampled_from(VALUES)),
        st.builds("{} {} {}".format, objects, st.sampled_from(OPERATORS), st.sampled_from(VALUES)),
        st.builds("{} {} {}".format, paths, st.sampled_from(OPERATORS), paths),
        st.builds("{} LIKE {}".format, paths, st.sampled_from(PATTERNS)),
        st.builds(
            "{} matches {{{}}}".format,
            paths,
            st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).map(", ".join),
        ),
        st.builds("EXISTS {}".format, st.one_of(paths, objects)),
    )
    return draw(single)


@st.composite
def queries(draw):
    """The text of a query; paths of ORDER BY are selected too, so that a result shows its order."""
    source, variables = draw(st.sampled_from(SOURCES))
    where = draw(st.one_of(st.just(""), condition(variables).map(" WHERE {}".format)))
    if draw(st.integers(0, 3)) == 0:
        return f"SELECT {', '.join(draw(_aggregates(variables)))} FROM {source}{where}"
    if draw(st.integers(0, 5)) == 0:
        return draw(_groups(variables, source, where))
    columns = draw(st.lists(path_of(variables), min_size=1, max_size=3))
    if draw(st.integers(0, 3)) == 0:
        columns.append(draw(calls(variables)))
    if draw(st.integers(0, 6)) == 0:
        columns.append(draw(st.sampled_from(variables)))
    distinct = draw(st.sampled_from(("", "", "DISTINCT ")))
    keys = draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
    keys = [key for key in keys if "/" in key and "(" not in key]
    order = ", ".join(key + draw(st.sampled_from(("", " ASC", " DESC"))) for key in keys)
    limit = draw(st.sampled_from(("", "", " LIMIT 5", " LIMIT 3 OFFSET 2", " LIMIT 0")))
    by = f" ORDER BY {order}" if order else ""
    return f"SELECT {distinct}{', '.join(columns)} FROM {source}{where}{by}{limit}"


@st.composite
def _groups(draw, variables, source, where):
    """Plain columns beside aggregates, or GROUP BY and HAVING."""
    plain = draw(st.lists(path_of(variables), min_size=1, max_size=2, unique=True))
    counted = draw(_aggregates(variables))
    columns = ", ".join([*plain, *(f"{each} AS a{n}" for n, each in enumerate(counted))])
    asked = draw(st.sampled_from(("", " GROUP BY {}", " GROUP BY {} HAVING COUNT(*) > 2")))
    group = asked.format(", ".join(plain))
    order = draw(st.sampled_from(("", f" ORDER BY {plain[0]} DESC", " ORDER BY a0")))
    return f"SELECT {columns} FROM {source}{where}{group}{order}"


def _aggregates(variables):
    paths = path_of(variables)
    one = st.one_of(
        st.just("COUNT(*)"),
        st.builds("{}({})".format, st.sampled_from(("COUNT", "MIN", "MAX", "SUM", "AVG")), paths),
        st.builds("COUNT(DISTINCT {})".format, paths),
        st.builds("COUNT({})".format, st.sampled_from(variables)),
    )
    return st.lists(one, min_size=1, max_size=3)
