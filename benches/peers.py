"""What Moiety is measured against.  None of this is part of the product.

    raw          one row a composition: the bytes of its JSON, or the same under zstd
    covering     hand-written tables for exactly the questions of questions.py, perfectly indexed
    node rows    one row per structure node of a composition, three indexes and a foreign key: the
                 layout of a well-known open-source openEHR server, in our own words

The node rows are kind to their model: nothing checks the EHR's state, an ordered comparison is a
plain cast, and one audit table serves contributions and versions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg

DDL = """
CREATE SCHEMA peer;
GRANT USAGE ON SCHEMA peer TO clinical_app;

CREATE TABLE peer.raw (ehr_id uuid NOT NULL, id uuid PRIMARY KEY, body bytea NOT NULL);
ALTER TABLE peer.raw ALTER body SET STORAGE EXTERNAL;
CREATE TABLE peer.packed (ehr_id uuid NOT NULL, id uuid PRIMARY KEY, body bytea NOT NULL);
ALTER TABLE peer.packed ALTER body SET STORAGE EXTERNAL;

CREATE TABLE peer.audit (
  id uuid PRIMARY KEY, committed timestamptz NOT NULL, change_type text NOT NULL,
  committer jsonb NOT NULL);
CREATE TABLE peer.contribution (
  id uuid PRIMARY KEY, ehr_id uuid NOT NULL,
  audit_id uuid NOT NULL REFERENCES peer.audit);
CREATE TABLE peer.version (
  vo_id uuid PRIMARY KEY, ehr_id uuid NOT NULL REFERENCES public.ehr,
  contribution_id uuid NOT NULL REFERENCES peer.contribution,
  audit_id uuid NOT NULL REFERENCES peer.audit,
  template_id int NOT NULL, version int NOT NULL, since timestamptz NOT NULL,
  root_concept text NOT NULL);
CREATE INDEX ON peer.version (ehr_id, root_concept);
CREATE INDEX ON peer.version (since, vo_id);
CREATE INDEX ON peer.version USING hash (contribution_id);
CREATE TABLE peer.node (
  vo_id uuid NOT NULL REFERENCES peer.version ON DELETE CASCADE,
  num int NOT NULL, num_cap int NOT NULL, parent_num int NOT NULL, root_num int NOT NULL,
  entity text NOT NULL, concept text, name text, attribute text,
  idx text COLLATE "C" NOT NULL, idx_len int NOT NULL, data jsonb NOT NULL,
  PRIMARY KEY (vo_id, num));
CREATE INDEX ON peer.node (vo_id, parent_num, concept)
  INCLUDE (entity, attribute, name, num, num_cap, root_num, idx_len);
CREATE INDEX ON peer.node (vo_id, root_num, num)
  INCLUDE (entity, concept, attribute, name, num_cap, parent_num);

CREATE TABLE peer.document (
  ehr_id uuid NOT NULL, id uuid PRIMARY KEY, template text NOT NULL, start float8,
  body bytea NOT NULL);
ALTER TABLE peer.document ALTER body SET STORAGE EXTERNAL;
CREATE INDEX ON peer.document (ehr_id, template, start DESC);
CREATE TABLE peer.pressure (ehr_id uuid NOT NULL, systolic float8 NOT NULL, time text NOT NULL);
CREATE INDEX ON peer.pressure (systolic) INCLUDE (ehr_id);
CREATE INDEX ON peer.pressure (ehr_id, time) INCLUDE (systolic);
CREATE TABLE peer.analyte (ehr_id uuid NOT NULL, code text NOT NULL, magnitude float8);
CREATE INDEX ON peer.analyte (code, magnitude) INCLUDE (ehr_id);
CREATE TABLE peer.panel (
  ehr_id uuid NOT NULL, id uuid NOT NULL, num int NOT NULL, code text NOT NULL);
CREATE INDEX ON peer.panel (code) INCLUDE (ehr_id, id, num);
CREATE TABLE peer.reading (
  ehr_id uuid NOT NULL, id uuid NOT NULL, num int NOT NULL, magnitude float8);
CREATE INDEX ON peer.reading (magnitude) INCLUDE (ehr_id, id, num);
CREATE TABLE peer.diagnosis (ehr_id uuid NOT NULL, code text NOT NULL);
CREATE INDEX ON peer.diagnosis (code, ehr_id);
CREATE TABLE peer.entry (ehr_id uuid NOT NULL, encoding text NOT NULL);

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA peer TO clinical_app;
"""

RAW = "INSERT INTO peer.raw VALUES (%s, %s, %s)"
PACKED = "INSERT INTO peer.packed VALUES (%s, %s, %s)"

_STRUCTURE = frozenset(
    {"COMPOSITION", "EVENT_CONTEXT", "SECTION", "OBSERVATION", "EVALUATION", "INSTRUCTION",
     "ACTION", "ADMIN_ENTRY", "GENERIC_ENTRY", "ACTIVITY", "HISTORY", "POINT_EVENT",
     "INTERVAL_EVENT", "ITEM_TREE", "ITEM_LIST", "ITEM_SINGLE", "ITEM_TABLE", "CLUSTER", "ELEMENT",
     "FEEDER_AUDIT"}
)  # fmt: skip
_SHORT = {
    "_type": "T", "value": "V", "magnitude": "m", "units": "u", "name": "N", "defining_code": "df",
    "code_string": "cd", "terminology_id": "t", "archetype_node_id": "A", "archetype_details": "ad",
    "archetype_id": "aX", "template_id": "tm", "rm_version": "rv", "language": "la",
    "territory": "te", "category": "ca", "composer": "co", "encoding": "en", "subject": "su",
    "origin": "or", "time": "ti", "uid": "U", "start_time": "st", "setting": "se",
}  # fmt: skip
_TYPES = {
    "COMPOSITION": "CO", "EVENT_CONTEXT": "EC", "SECTION": "SE", "OBSERVATION": "OB",
    "EVALUATION": "EV", "ADMIN_ENTRY": "AE", "HISTORY": "HI", "POINT_EVENT": "PE",
    "ITEM_TREE": "IT", "CLUSTER": "CL", "ELEMENT": "E", "DV_TEXT": "x", "DV_CODED_TEXT": "c",
    "DV_QUANTITY": "q", "DV_DATE_TIME": "dt", "CODE_PHRASE": "C", "TERMINOLOGY_ID": "T",
}  # fmt: skip
_COLUMNS = (
    "num", "num_cap", "parent_num", "root_num", "entity", "concept", "name", "attribute", "idx",
    "idx_len", "data",
)  # fmt: skip
_KINDS = (
    "int", "int", "int", "int", "text", "text", "text", "text", "text", "int", "jsonb",
)  # fmt: skip

Node = tuple[int, int, int, int, str, str | None, str | None, str | None, str, int, str]


def nodes(document: bytes) -> list[Node]:
    """A composition as node rows."""
    found: list[Any] = []
    _node(msgspec.json.decode(document), None, "", (-1, 0), found)
    return found


def _node(
    tree: dict[str, Any], attribute: str | None, idx: str, above: tuple[int, int], found: list[Any]
) -> None:
    num = len(found)
    found.append(None)
    concept = tree.get("archetype_node_id")
    archetyped = concept is not None and concept.startswith("openEHR-")
    root = num if archetyped else above[1]
    children = []
    data = _shortened(tree, children)
    for name, number, child in children:
        step = f"{_SHORT.get(name, name[:2])}{'' if number is None else number}."
        _node(child, name, idx + step, (num, root), found)
    rm_type = tree["_type"]
    found[num] = (
        num, len(found) - 1, above[0], root, _TYPES.get(rm_type, rm_type),
        concept.partition("-EHR-")[2].partition(".")[2] if archetyped else concept,
        tree.get("name", {}).get("value"), attribute, idx, idx.count("."),
        msgspec.json.encode(data).decode(),
    )  # fmt: skip


def _shortened(tree: dict[str, Any], children: list[Any]) -> dict[str, Any]:
    """The node without the structure below it, which goes to `children`; names made short."""
    data: dict[str, Any] = {}
    for name, value in tree.items():
        items = value if isinstance(value, list) else [value]
        if items and all(isinstance(i, dict) and i.get("_type") in _STRUCTURE for i in items):
            numbered = isinstance(value, list)
            children += [(name, n if numbered else None, item) for n, item in enumerate(items)]
        else:
            data[_SHORT.get(name, name)] = _short_value(name, value)
    return data


def _short_value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        short = {_SHORT.get(k, k): _short_value(k, v) for k, v in value.items()}
        if value.get("_type") in {"DV_DATE_TIME", "DV_DATE"}:
            short["M"] = _moment(value["value"])
        return short
    if isinstance(value, list):
        return [_short_value("", item) for item in value]
    return _TYPES.get(value, value) if name == "_type" else value


_LONG = {short: name for name, short in _SHORT.items()}
_NAMES = {short: name for name, short in _TYPES.items()}
_STEPS = {
    "co": "context",
    "da": "data",
    "pr": "protocol",
    "st": "state",
    "de": "description",
    "ot": "other_context",
}
_LISTS = {"co": "content", "ev": "events", "it": "items", "ac": "activities"}


def whole(aggregated: str) -> bytes:
    """The canonical JSON of a document from its rows, as a server of node rows makes it."""
    found: dict[str, dict[str, Any]] = {}
    for line in aggregated.split("\n"):
        start = line.index("{")
        idx, node = line[:start], _lengthened(msgspec.json.decode(line[start:]))
        found[idx] = node
        if not idx:
            continue
        above, _, step = idx[:-1].rpartition(".")
        parent = found[f"{above}." if above else ""]
        name = step.rstrip("0123456789")
        if name == step:
            parent[_STEPS.get(name, name)] = node
        else:
            parent.setdefault(_LISTS.get(name, name), []).append(node)
    return msgspec.json.encode(found[""])


def _lengthened(node: Any) -> Any:
    if isinstance(node, list):
        return [_lengthened(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {_LONG.get(key, key): _lengthened(value) for key, value in node.items() if key != "M"}
    if "_type" in made:
        made["_type"] = _NAMES.get(made["_type"], made["_type"])
    return made


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


# --- commits of node rows --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NodeCommit:
    """A composition as node rows, with everything known before a connection is needed."""

    ehr_id: UUID
    vo_id: UUID
    concept: str
    template_key: int
    rows: Sequence[Node]
    array: str

    def parameters(self) -> dict[str, Any]:
        """What the one statement needs."""
        return {
            "ehr_id": self.ehr_id, "vo_id": self.vo_id, "contribution_id": uuid4(),
            "audit_id": uuid4(), "other_id": uuid4(), "now": datetime.now(UTC),
            "committer": '{"name": "API key 0123456789ab"}', "template": self.template_key,
            "concept": self.concept, "rows": self.array,
        }  # fmt: skip


def node_commit(ehr_id: UUID, document: bytes, template_key: int) -> NodeCommit:
    """Take a document apart."""
    rows = nodes(document)
    vo_id = uuid4()
    array = "[" + ",".join(_json_row(row) for row in rows) + "]"
    return NodeCommit(ehr_id, vo_id, str(rows[0][5]), template_key, rows, array)


def _json_row(row: Node) -> str:
    head = msgspec.json.encode(dict(zip(_COLUMNS, row[:-1], strict=False))).decode()
    return f'{head[:-1]},"data":{row[-1]}}}'


ONE = f"""
WITH a AS (INSERT INTO peer.audit VALUES
    (%(audit_id)s, %(now)s, 'creation', %(committer)s::jsonb),
    (%(other_id)s, %(now)s, 'creation', %(committer)s::jsonb)),
  c AS (INSERT INTO peer.contribution VALUES (%(contribution_id)s, %(ehr_id)s, %(audit_id)s)),
  v AS (INSERT INTO peer.version VALUES (%(vo_id)s, %(ehr_id)s, %(contribution_id)s, %(other_id)s,
    %(template)s, 1, %(now)s, %(concept)s))
INSERT INTO peer.node SELECT %(vo_id)s::uuid, {", ".join(_COLUMNS)}
FROM json_to_recordset(%(rows)s::json)
  AS r({", ".join(f"{c} {k}" for c, k in zip(_COLUMNS, _KINDS, strict=True))})
"""


def write_one(connection: psycopg.Connection[Any], commit: NodeCommit) -> None:
    """The node rows by one statement, the transaction left open."""
    connection.execute(ONE.encode(), commit.parameters())


_NODE = f"INSERT INTO peer.node VALUES (%s, {', '.join(['%s'] * 10)}, %s::jsonb)"


def write_pipelined(connection: psycopg.Connection[Any], commit: NodeCommit) -> None:
    """The node rows as a server with an ORM writes them: batched statements, then COMMIT."""
    p = commit.parameters()
    with connection.pipeline(), connection.cursor() as cursor:
        audit = "INSERT INTO peer.audit VALUES (%s, %s, 'creation', %s::jsonb)"
        cursor.execute(audit, (p["audit_id"], p["now"], p["committer"]))
        cursor.execute(audit, (p["other_id"], p["now"], p["committer"]))
        cursor.execute(
            "INSERT INTO peer.contribution VALUES (%s, %s, %s)",
            (p["contribution_id"], commit.ehr_id, p["audit_id"]),
        )
        cursor.execute(
            "INSERT INTO peer.version VALUES (%s, %s, %s, %s, %s, 1, %s, %s)",
            (commit.vo_id, commit.ehr_id, p["contribution_id"], p["other_id"], p["template"],
             p["now"], commit.concept),
        )  # fmt: skip
        cursor.executemany(_NODE.encode(), [(commit.vo_id, *row) for row in commit.rows])
        connection.commit()


def load(connection: psycopg.Connection[Any], commits: Sequence[NodeCommit]) -> None:
    """Many at once, by COPY; for filling only."""
    tables: dict[str, list[tuple[Any, ...]]] = {
        "audit": [], "contribution": [], "version": [], "node": [],
    }  # fmt: skip
    for commit in commits:
        p = commit.parameters()
        tables["audit"] += [(p["audit_id"], p["now"], "creation", p["committer"])]
        tables["audit"] += [(p["other_id"], p["now"], "creation", p["committer"])]
        tables["contribution"] += [(p["contribution_id"], commit.ehr_id, p["audit_id"])]
        tables["version"] += [
            (commit.vo_id, commit.ehr_id, p["contribution_id"], p["other_id"], p["template"], 1,
             p["now"], commit.concept)
        ]  # fmt: skip
        tables["node"] += [(commit.vo_id, *row) for row in commit.rows]
    for table, rows in tables.items():
        copy_rows(connection, table, rows)


def copy_rows(
    connection: psycopg.Connection[Any], table: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Rows into a peer's table by COPY."""
    with connection.cursor().copy(f"COPY peer.{table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


# --- covering tables -------------------------------------------------------------------------


def covering(ehr_id: UUID, vo_id: UUID, document: bytes) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The rows of the hand-written tables: table, row."""
    tree = msgspec.json.decode(document)
    template = tree["archetype_details"]["template_id"]["value"]
    start = tree.get("context", {}).get("start_time", {}).get("value")
    moment = None if start is None else _moment(start)
    yield "document", (ehr_id, vo_id, template, moment, document)
    for entry in tree["content"]:
        match entry["archetype_node_id"]:
            case "openEHR-EHR-OBSERVATION.moiety_blood_pressure.v1":
                yield "entry", (ehr_id, entry["encoding"]["code_string"])
                for event in entry["data"]["events"]:
                    systolic = event["data"]["items"][0]["value"]["magnitude"]
                    yield "pressure", (ehr_id, systolic, event["time"]["value"])
            case "openEHR-EHR-OBSERVATION.moiety_laboratory_result.v1":
                for num, item in enumerate(entry["data"]["events"][0]["data"]["items"]):
                    if item["_type"] == "CLUSTER":
                        code, result = (element["value"] for element in item["items"][:2])
                        told = (code["defining_code"]["code_string"], result["magnitude"])
                        yield "analyte", (ehr_id, *told)
                        yield "panel", (ehr_id, vo_id, num, told[0])
                        yield "reading", (ehr_id, vo_id, num, told[1])
            case "openEHR-EHR-EVALUATION.moiety_problem_diagnosis.v1":
                code = entry["data"]["items"][0]["value"]["defining_code"]["code_string"]
                yield "diagnosis", (ehr_id, code)
