"""The questions of aql.py: each in AQL, by hand on a covering index, and by hand on node rows."""

from dataclasses import dataclass

_BP = "openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1"
_EVENT = "data[at0001]/events[at0002]"
_SYSTOLIC = f"o/{_EVENT}/data[at0003]/items[at0004]/value/magnitude"
_TIME = f"o/{_EVENT}/time/value"
_FROM_BP = f"FROM EHR e CONTAINS COMPOSITION c CONTAINS OBSERVATION o[{_BP}]"
_LAB_CODE = "l/items[at0001]/value/defining_code/code_string"
_LAB_RESULT = "l/items[at0002]/value/magnitude"
_ANALYTE = (
    "FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS OBSERVATION o[openEHR-EHR-OBSERVATION.moiety_laboratory_result.v1]"
    " CONTAINS CLUSTER l[openEHR-EHR-CLUSTER.moiety_analyte.v1]"
)
_DX_CODE = "data[at0001]/items[at0002]/value/defining_code/code_string"
_DIAGNOSIS = (
    "FROM EHR e CONTAINS COMPOSITION c"
    " CONTAINS EVALUATION d[openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1]"
)
_VITALS = "openEHR-EHR-COMPOSITION.moiety_vital_signs.v1"
GIVEN = {"high": 140.0, "rare": 175.0, "analyte": "2160-0", "large": 170.0, "code": "700101"}
"""The values of the questions, for hand-written SQL; AQL has them in its text."""

# --- node rows ---------------------------------------------------------------------------------

_NODE_ENTRY = """
FROM peer.version v
JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0
JOIN peer.node o ON o.vo_id = r.vo_id AND o.num BETWEEN r.num + 1 AND r.num_cap
  AND o.entity = '{entity}' AND o.concept = '{concept}'
"""
_NODE_PRESSURE = _NODE_ENTRY.format(entity="OB", concept="moiety_blood_pressure.v1")
_NODE_BP = f"""{_NODE_PRESSURE}
JOIN peer.node h ON h.vo_id = o.vo_id AND h.parent_num = o.num AND h.concept = 'at0001'
  AND h.attribute = 'data'
JOIN peer.node ev ON ev.vo_id = h.vo_id AND ev.parent_num = h.num AND ev.concept = 'at0002'
  AND ev.attribute = 'events'
JOIN peer.node t ON t.vo_id = ev.vo_id AND t.parent_num = ev.num AND t.concept = 'at0003'
  AND t.attribute = 'data'
JOIN peer.node el ON el.vo_id = t.vo_id AND el.parent_num = t.num AND el.concept = 'at0004'
  AND el.attribute = 'items'
"""
_NODE_SYSTOLIC = "(el.data->'V'->>'m')::numeric"
_NODE_ANALYTE = f"""{_NODE_ENTRY.format(entity="OB", concept="moiety_laboratory_result.v1")}
JOIN peer.node l ON l.vo_id = o.vo_id AND l.num BETWEEN o.num + 1 AND o.num_cap
  AND l.entity = 'CL' AND l.concept = 'moiety_analyte.v1'
JOIN peer.node k ON k.vo_id = l.vo_id AND k.parent_num = l.num AND k.concept = 'at0001'
JOIN peer.node q ON q.vo_id = l.vo_id AND q.parent_num = l.num AND q.concept = 'at0002'
WHERE k.data->'V'->'df'->>'cd' = %(analyte)s
"""
_NODE_RESULT = "(q.data->'V'->>'m')::numeric"
_NODE_DIAGNOSIS = f"""{_NODE_ENTRY.format(entity="EV", concept="moiety_problem_diagnosis.v1")}
JOIN peer.node t ON t.vo_id = o.vo_id AND t.parent_num = o.num AND t.concept = 'at0001'
JOIN peer.node k ON k.vo_id = t.vo_id AND k.parent_num = t.num AND k.concept = 'at0002'
WHERE k.data->'V'->'df'->>'cd' = %(code)s
"""
_WHOLE = "string_agg(n.idx || n.data::text, E'\\n' ORDER BY n.num)"

# --- paths that are declared to be asked often -------------------------------------------------

_HOT_SYSTOLIC = (f"{_BP}/{_SYSTOLIC.partition('/')[2]}",)
_HOT_CODE = (f"openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1/{_DX_CODE}",)
_HOT_ANALYTE = tuple(
    f"openEHR-EHR-CLUSTER.moiety_analyte.v1/{path.partition('/')[2]}"
    for path in (_LAB_CODE, _LAB_RESULT)
)


@dataclass(frozen=True)
class Question:
    """The same question three times.  Parameters in SQL and AQL: ehr_id, uid, vo_id, node_id.

    `target`: at least so many times as fast as node rows, and in at most so many times the
    covering index's time (None: no target).  `hot`: paths whose indexes are declared.  `whole`: it
    asks for whole documents.  `scoped`: it is about one EHR, whatever else is stored.
    """

    aql: str
    cover: str
    node: str
    target: tuple[float, float | None]
    slow: bool = False
    hot: tuple[str, ...] = ()
    whole: bool = False
    scoped: bool = False


_PER_EHR, _POPULATION, _RARE, _NESTED = (3.0, 1.5), (50.0, 2.0), (200.0, 2.0), (50.0, 3.0)
QUESTIONS = {
    "composition by uid": Question(
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE c/uid/value = $uid",
        "SELECT body FROM peer.document WHERE id = %(vo_id)s",
        f"SELECT {_WHOLE} FROM peer.node n WHERE n.vo_id = %(node_id)s GROUP BY n.vo_id",
        target=(2.0, 1.5), whole=True, scoped=True,
    ),
    "all of one EHR": Question(
        "SELECT c FROM EHR e CONTAINS COMPOSITION c WHERE e/ehr_id/value = $ehr_id",
        "SELECT body FROM peer.document WHERE ehr_id = %(ehr_id)s",
        f"SELECT {_WHOLE} FROM peer.version v JOIN peer.node n ON n.vo_id = v.vo_id"
        " WHERE v.ehr_id = %(ehr_id)s GROUP BY n.vo_id",
        target=_PER_EHR, whole=True, scoped=True,
    ),
    "latest 5 of an EHR": Question(
        f"SELECT c FROM EHR e CONTAINS COMPOSITION c[{_VITALS}] WHERE e/ehr_id/value = $ehr_id"
        " ORDER BY c/context/start_time/value DESC LIMIT 5",
        "SELECT body FROM peer.document WHERE ehr_id = %(ehr_id)s"
        " AND template = 'moiety_vital_signs.v1' ORDER BY start DESC LIMIT 5",
        f"SELECT (SELECT {_WHOLE} FROM peer.node n WHERE n.vo_id = s.vo_id) FROM (SELECT v.vo_id"
        " FROM peer.version v JOIN peer.node r ON r.vo_id = v.vo_id AND r.num = 0"
        " JOIN peer.node x ON x.vo_id = r.vo_id AND x.parent_num = 0 AND x.attribute = 'context'"
        " WHERE v.ehr_id = %(ehr_id)s AND v.root_concept = 'moiety_vital_signs.v1'"
        " ORDER BY (x.data->'st'->>'M')::float8 DESC LIMIT 5) s",
        target=_PER_EHR, whole=True, scoped=True,
    ),
    "systolic of an EHR by time": Question(
        f"SELECT {_SYSTOLIC} AS v, {_TIME} AS t {_FROM_BP}"
        f" WHERE e/ehr_id/value = $ehr_id ORDER BY {_TIME}",
        "SELECT systolic, time FROM peer.pressure WHERE ehr_id = %(ehr_id)s ORDER BY time",
        f"SELECT {_NODE_SYSTOLIC}, ev.data->'ti'->>'V' {_NODE_BP} WHERE v.ehr_id = %(ehr_id)s"
        " ORDER BY (ev.data->'ti'->>'M')::float8",
        target=_PER_EHR, scoped=True,
    ),
    "population systolic > 140": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 140",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(high)s",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(high)s",
        target=_POPULATION, slow=True,
    ),
    "same, LIMIT 50": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 140 LIMIT 50",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(high)s LIMIT 50",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(high)s LIMIT 50",
        target=_POPULATION,
    ),
    "AVG, COUNT, MAX": Question(
        f"SELECT AVG({_SYSTOLIC}) AS a, COUNT({_SYSTOLIC}) AS n, MAX({_SYSTOLIC}) AS m {_FROM_BP}",
        "SELECT avg(systolic), count(systolic), max(systolic) FROM peer.pressure",
        f"SELECT avg({_NODE_SYSTOLIC}), count({_NODE_SYSTOLIC}), max({_NODE_SYSTOLIC}) {_NODE_BP}",
        target=_POPULATION, slow=True,
    ),
    "path without a column": Question(
        f"SELECT o/encoding/code_string AS x {_FROM_BP}",
        "SELECT encoding FROM peer.entry",
        f"SELECT o.data->'en'->>'cd' {_NODE_PRESSURE}",
        target=(1 / 1.5, None), slow=True,
    ),
    "rare value *": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 175",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(rare)s",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(rare)s",
        target=_RARE, slow=True, hot=_HOT_SYSTOLIC,
    ),
    "systolic > 140, LIMIT 50 *": Question(
        f"SELECT e/ehr_id/value AS e, {_SYSTOLIC} AS v {_FROM_BP} WHERE {_SYSTOLIC} > 140 LIMIT 50",
        "SELECT ehr_id, systolic FROM peer.pressure WHERE systolic > %(high)s LIMIT 50",
        f"SELECT v.ehr_id, {_NODE_SYSTOLIC} {_NODE_BP} WHERE {_NODE_SYSTOLIC} > %(high)s LIMIT 50",
        target=_POPULATION, hot=_HOT_SYSTOLIC,
    ),
    "AVG, COUNT by code *": Question(
        f"SELECT AVG({_LAB_RESULT}) AS a, COUNT({_LAB_RESULT}) AS n {_ANALYTE}"
        f" WHERE {_LAB_CODE} = '2160-0'",
        "SELECT avg(magnitude), count(magnitude) FROM peer.analyte WHERE code = %(analyte)s",
        f"SELECT avg({_NODE_RESULT}), count({_NODE_RESULT}) {_NODE_ANALYTE}",
        target=_POPULATION, slow=True, hot=_HOT_ANALYTE,
    ),
    "nested CONTAINS, code, number *": Question(
        f"SELECT e/ehr_id/value AS e, {_LAB_RESULT} AS v {_ANALYTE}"
        f" WHERE {_LAB_CODE} = '2160-0' AND {_LAB_RESULT} > 170",
        "SELECT ehr_id, magnitude FROM peer.analyte"
        " WHERE code = %(analyte)s AND magnitude > %(large)s",
        f"SELECT v.ehr_id, {_NODE_RESULT} {_NODE_ANALYTE} AND {_NODE_RESULT} > %(large)s",
        target=_NESTED, slow=True, hot=_HOT_ANALYTE,
    ),
    "nested, by hand of two tables *": Question(
        f"SELECT e/ehr_id/value AS e, {_LAB_RESULT} AS v {_ANALYTE}"
        f" WHERE {_LAB_CODE} = '2160-0' AND {_LAB_RESULT} > 170",
        "SELECT p.ehr_id, r.magnitude FROM peer.panel p JOIN peer.reading r ON r.ehr_id = p.ehr_id"
        " AND r.id = p.id AND r.num = p.num WHERE p.code = %(analyte)s AND r.magnitude > %(large)s",
        f"SELECT v.ehr_id, {_NODE_RESULT} {_NODE_ANALYTE} AND {_NODE_RESULT} > %(large)s",
        target=_NESTED, slow=True, hot=_HOT_ANALYTE,
    ),
    "COUNT(DISTINCT ehr) by code *": Question(
        f"SELECT COUNT(DISTINCT e/ehr_id/value) AS n {_DIAGNOSIS} WHERE d/{_DX_CODE} = '700101'",
        "SELECT count(DISTINCT ehr_id) FROM peer.diagnosis WHERE code = %(code)s",
        f"SELECT count(DISTINCT v.ehr_id) {_NODE_DIAGNOSIS}",
        target=_RARE, slow=True, hot=_HOT_CODE,
    ),
}  # fmt: skip
