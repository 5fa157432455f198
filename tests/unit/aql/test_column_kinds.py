"""What a column can hold, told by the reference model: never less than documents hold."""

import json

import pytest

from moiety.aql import parse
from moiety.aql.bindings import Record
from moiety.aql.column_kinds import of_model
from moiety.aql.evaluate import evaluate
from moiety.aql.request import request
from tests.unit.aql import ward

EHR = {"_type": "EHR", "ehr_id": {"_type": "HIER_OBJECT_ID", "value": "e"}}
COMPOSITIONS = [json.loads(document) for _, document, _ in ward.checked(30)]
KINDS = {str: "text", int: "integer", float: "real", bool: "boolean", dict: "object"}


def paths(part, way=()):
    """Every path through some JSON, as attributes."""
    if isinstance(part, list):
        for each in part:
            yield from paths(each, way)
    elif isinstance(part, dict):
        for name, below in part.items():
            if name != "_type":
                yield (*way, name)
                yield from paths(below, (*way, name))


def kinds(column, source="COMPOSITION c"):
    (told,) = of_model(request(parse(f"SELECT {column} FROM {source}"), {}))
    return set(told)


def test_no_document_holds_what_the_model_does_not_tell():
    """Every path of every composition of a ward: each value is of a kind that was told."""
    known = {way for one in COMPOSITIONS for way in paths(one)}
    assert len(known) > 100
    seen = set()
    for way in sorted(known):
        asked = request(parse(f"SELECT c/{'/'.join(way)} FROM COMPOSITION c"), {})
        (told,) = of_model(asked)
        for composition in COMPOSITIONS[::6]:
            for (cell,) in evaluate(asked, [Record(EHR, [composition])]):
                if cell.raw is not None:
                    seen.add(kind := KINDS[type(cell.raw)])
                    fits = kind in told or (kind == "integer" and "real" in told)
                    assert fits, (way, kind, told)
    assert {"text", "real", "object"} <= seen


TOLD = [
    ("c/uid/value", {"text"}),
    ("c", {"object"}),
    ("c/content/data/events/data/items/value/magnitude", {"integer", "real"}),
    ("c/content/data/events/data/items/value/units", {"text"}),
    ("c/content/data/events/time/value", {"text"}),
    ("c/content/data/events/data/items/value", {"object"}),
    ("c/content/data/events/data/items/value/value",
     {"text", "integer", "real", "boolean", "object"}),
    ("c/content/subject/external_ref/id/value", {"text"}),
    ("1", {"integer"}), ("1.5", {"real"}), ("'a'", {"text"}), ("true", {"boolean"}),
    ("COUNT(*)", {"integer"}), ("AVG(c/content/data/events/data/items/value/magnitude)", {"real"}),
    ("MAX(c/context/start_time/value)", {"text"}),
    ("LENGTH(c/name/value)", {"integer"}), ("CONCAT(c/name/value, 'x')", {"text"}),
    ("ROUND(c/content/data/events/data/items/value/magnitude)", {"integer", "real"}),
    ("CONTAINS(c/name/value, 'x')", {"boolean"}),
]  # fmt: skip


@pytest.mark.parametrize(("column", "wanted"), TOLD)
def test_a_path_ends_in_what_its_classes_have(column, wanted):
    """Step by step through the model; aggregates and functions have a kind of their own."""
    assert wanted == kinds(column)


def test_an_ehr_has_attributes_of_its_own():
    """Ids and times are texts, what is not known may be anything."""
    assert {"text"} == kinds("e/ehr_id/value", "EHR e")
    assert {"object"} == kinds("e/time_created", "EHR e")
    assert {"object"} == kinds("e", "EHR e")
