"""Typed rows against a naive reader of the same document: path by path, in plain JSON."""

import json
import re
from hashlib import sha256

import pytest

from moiety.openehr.canonical import decode_composition, encode
from moiety.openehr.template import TemplateNode
from moiety.openehr.times import date_seconds, date_time_seconds, duration_seconds, time_seconds
from moiety.openehr.validate import compile_template
from tests.unit.openehr import documents
from tests.unit.openehr.documents import body

FIXED = ("num", "cap", "par", "template_key", "node")
SECONDS = {
    "DV_DATE": date_seconds,
    "DV_TIME": time_seconds,
    "DV_DATE_TIME": date_time_seconds,
    "DV_DURATION": duration_seconds,
}


def naive_rows(template, document):
    """Group rows by the definition: match nodes by id and name, number them, read the paths."""
    rows = []

    def visit(thing, node: TemplateNode, above):
        mine = above
        if node.group is not None:
            mine = len(rows)
            row = {
                "num": mine,
                "par": above,
                "node": node.number,
                "thing": thing,
                "group": node.group,
            }
            rows.append(row)
        for attribute in node.attributes:
            value = thing.get(attribute.name)
            for item in value if isinstance(value, list) else [value] if value else []:
                matching = [
                    template.nodes[number]
                    for number in attribute.children
                    if isinstance(item, dict)
                    and template.nodes[number].node_id == item.get("archetype_node_id", "")
                    and template.nodes[number].name in {None, item.get("name", {}).get("value")}
                ]
                if matching:
                    visit(item, matching[0], mine)
        if node.group is not None:
            rows[mine]["cap"] = len(rows) - 1

    visit(document, template.nodes[0], -1)
    return rows


def read(thing, path):
    """The value at a column's path, and the object that holds it."""
    holder = None
    for step in path.split("/"):
        name, _, node_id = step.rstrip("]").partition("[")
        holder, thing = thing, thing.get(name) if isinstance(thing, dict) else None
        if isinstance(thing, list):
            thing = next((item for item in thing if item["archetype_node_id"] == node_id), None)
        elif node_id and isinstance(thing, dict) and thing["archetype_node_id"] != node_id:
            return None, None
    return thing, holder


def expected_value(thing, column):
    value, holder = read(thing, column.path)
    if isinstance(value, dict) or value is None:
        return None
    if column.kind == "instant":
        reader = SECONDS.get(holder["_type"])
        return reader(value) if reader else None
    fits = {"text": str, "boolean": bool, "integer": int, "real": (int, float)}[column.kind]
    exact = isinstance(value, fits) and (column.kind == "boolean" or not isinstance(value, bool))
    if column.kind == "integer" and isinstance(value, float):
        return None
    return value if exact else None


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_rows_hold_what_the_paths_lead_to(name):
    """Every column of every row equals the value at its path, and nothing is left out."""
    template = documents.template(name)
    composition = decode_composition(body(documents.DOCUMENTS[name]()))
    checked = compile_template(template).check(composition, 99)
    document = json.loads(encode(composition))
    found = {}
    for table in checked.rows:
        assert FIXED == table.columns[:5]
        for values in table.values:
            row = dict(zip(table.columns, values, strict=True))
            found[row["num"]] = (table.table, row)
    wanted = naive_rows(template, document)
    assert [row["num"] for row in wanted] == sorted(found)
    for row in wanted:
        table, mine = found[row["num"]]
        group = template.groups[row["group"]]
        assert (group.table, row["cap"], row["par"], 99, row["node"]) == (
            table,
            *(mine[column] for column in FIXED[1:]),
        )
        values = {c.name: expected_value(row["thing"], c) for c in group.columns}
        given = {c.name: mine.get(c.name) for c in group.columns}
        assert values == given
        assert set(mine) - set(FIXED) <= set(values)


def test_a_row_contains_another_by_its_numbers():
    """Num < other's num <= cap says that a row lies within another."""
    template = documents.template("laboratory_result")
    composition = decode_composition(body(documents.laboratory_result(3)))
    checked = compile_template(template).check(composition, 1)
    spans = {}
    for table in checked.rows:
        for values in table.values:
            num, cap, *_, node = values[:5]
            spans.setdefault(template.nodes[node].rm_type, []).append((num, cap))
    (observation,) = spans["OBSERVATION"]
    assert 3 == len(spans["CLUSTER"])
    assert all(observation[0] < num <= observation[1] for num, _ in spans["CLUSTER"])


def test_only_filled_columns_are_named():
    """A table's rows name the columns that one of them fills; others read None."""
    template = documents.template("vital_signs")
    composition = decode_composition(body(documents.vital_signs()))
    for table in compile_template(template).check(composition, 1).rows:
        columns = list(zip(*table.values, strict=True))
        assert not [
            name
            for name, values in zip(table.columns, columns, strict=True)
            if not any(value is not None for value in values)
        ]


def test_names_are_hashes_of_keys_and_paths():
    """Tables and columns are named by what they hold, the same on every machine."""
    groups = documents.template("vital_signs").groups
    composition = groups["openEHR-EHR-COMPOSITION.moiety_vital_signs.v1"]
    assert "g_" + sha256(composition.key.encode()).hexdigest()[:16] == composition.table
    assert all(re.fullmatch(r"g_[0-9a-f]{16}", group.table) for group in groups.values())
    columns = [column.name for group in groups.values() for column in group.columns]
    assert all(re.fullmatch(r"c_[0-9a-f]{16}", name) for name in columns)
