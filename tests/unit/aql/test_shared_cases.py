"""Queries of other projects with expected results, where they are at hand (../shared/data).

They are read where they lie and answered by the document evaluator. What a record cannot hold by
itself (several versions, directories) is counted here, and asked over HTTP elsewhere.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from moiety.aql.evaluate import Record, evaluate
from moiety.aql.parser import parse
from moiety.aql.request import request
from moiety.aql.results import finish
from moiety.openehr import rm
from moiety.openehr.canonical import decode, decode_composition, encode
from moiety.openehr.errors import RmError

SHARED = Path(__file__).parents[3].parent / "shared/data/openehr"
pytestmark = pytest.mark.skipif(
    not (SHARED / "aql/cases.json").is_file(),
    reason="../shared/data is not at hand: queries with expected results",
)

SYSTEM = "system"
DIFFERENT = {
    "INSTRUCTION_DETAILS": "that suite counts no such object; the class is one of the model",
    "/feeder_audit/originating_system_item_ids": "rows without a feeder audit stay, as nulls",
    "${TRUE}": "a placeholder that only its own runner fills",
    "CONTAINS ELEMENT l": "the expected file names another element than the document has",
    "SELECT t FROM ITEM_TREE t": "the expected file leaves out the document's term mappings",
}
"""Pieces of queries whose expected rows are not ours, and why."""


class Elsewhere(Exception):
    """A case that needs more than EHRs and first versions of compositions."""


@cache
def document(name):
    """A composition as the repository would store it, or as it is where the codec refuses it."""
    body = (SHARED / "aql/compositions" / name).read_bytes()
    try:
        return json.loads(encode(decode_composition(body)))
    except RmError:
        return json.loads(body)


DEFAULT = {
    "_type": "EHR_STATUS",
    "archetype_node_id": "openEHR-EHR-EHR_STATUS.generic.v1",
    "name": {"_type": "DV_TEXT", "value": "EHR Status"},
    "subject": {"_type": "PARTY_SELF"},
    "is_queryable": True,
    "is_modifiable": True,
}


def status_of(line):
    """The EHR_STATUS with which a line of a set-up opens an EHR; it is sent as it stands here."""
    file = line.partition("file_name=")[2].strip()
    if not file and "ehr_id=" not in line:
        return DEFAULT
    place = (
        f"aql/ehr_status/{file}" if file else "ehr_status/000_ehr_status_with_other_details.json"
    )
    found = json.loads((SHARED / place).read_bytes())
    return {**found, "subject": {"_type": "PARTY_SELF", **found["subject"]}}


def names_of(status):
    """What placeholders mean that stand for a part of a status."""
    reference = status["subject"].get("external_ref") or {"namespace": "", "id": {"value": ""}}
    told = {"namespace": reference["namespace"], "value": reference["id"]["value"]}
    return {
        "${subject_external_ref_namespace}": told["namespace"],
        "${subject_external_ref_value}": told["value"],
        "${ehr_status_subject_namespace}": told["namespace"],
        "${ehr_status_subject_id}": told["value"],
    }


def opened(ehr_id, found):
    """An EHR with its status."""
    status = json.loads(encode(decode(json.dumps(found).encode(), rm.EhrStatus)))
    uid = {"_type": "OBJECT_VERSION_ID", "value": f"{ehr_id[:-1]}f::{SYSTEM}::1"}
    ehr = {"_type": "HIER_OBJECT_ID", "value": ehr_id}
    status = {**status, "uid": uid}
    return Record({"_type": "EHR", "ehr_id": ehr, "ehr_status": status}, [status])


def stored(case):
    """The EHRs of a case with their compositions, and what its placeholders stand for."""
    ehrs, names, number = [], {"${EMPTY}": "", "${system_id_with_tenant}": SYSTEM}, 0
    for line in case["preconditions"]:
        what, _, name = line.partition("For AQL")
        if what.startswith("Create EHR"):
            ehr_id = f"00000000-0000-4000-8000-{len(ehrs) + 1:012d}"
            names[f"${{ehr_id{len(ehrs) + 1}}}"] = ehr_id
            names.setdefault("${ehr_id}", ehr_id)
            found = status_of(line)
            names |= names_of(found) | {"${ehr_status_uid}": f"{ehr_id[:-1]}f::{SYSTEM}::1"}
            ehrs.append(opened(ehr_id, found))
        elif what.startswith("Commit Composition"):
            number += 1
            uid = f"00000000-0000-4000-9000-{number:012d}"
            names[f"${{c_uid{number}}}"] = uid
            names.setdefault("${c_uid}", f"{uid}::{SYSTEM}::1")
            value = {"_type": "OBJECT_VERSION_ID", "value": f"{uid}::{SYSTEM}::1"}
            found = document(name.replace("composition_file=", "").strip())
            ehrs[-1].contents.append({**found, "uid": value})
        elif not what.startswith("Upload"):
            raise Elsewhere(what)
    return ehrs, names


def asked(case, names):
    """A query and its parameters, placeholders filled and escapes of the runner undone."""
    text = case["query"]
    for name, value in names.items():
        system = names["${system_id_with_tenant}"]
        version = "" if "::" in value or "c_uid" not in name else f"::{system}::1"
        text = text.replace(name, value + version)
    while "\\\\" in (text := re.sub(r"\\(.)", r"\1", text)):
        pass
    value = (case["vars"].get("${value}") or "null").replace('\\"', '"')
    given = (case["query_parameters"] or "{}").replace("${value}", value)
    return text, json.loads(given.replace(":True", ":true").replace(":False", ":false"))


def plain(row, *, without):
    """A row to compare: no types, that expected results leave out at will, and no excluded uid."""
    if isinstance(row, dict):
        dropped = {"_type", *without}
        return {k: plain(v, without=without) for k, v in row.items() if k not in dropped}
    if isinstance(row, list):
        return [plain(each, without=without) for each in row]
    return float(row) if isinstance(row, int) and not isinstance(row, bool) else row


def outcome(case):
    """How a case ends: "agrees", "differs", or what it would need."""
    try:
        records, names = stored(case)
        expected = (SHARED / case["expected"]).read_text()
        for name, value in names.items():
            expected = expected.replace(name, value)
        text, given = asked(case, names)
        made = request(parse(text), given)
        rows = finish(made, evaluate(made, records))
        wanted = json.loads(expected)["rows"]
    except Elsewhere as reason:
        return f"needs: {str(reason).split(' For')[0].strip()}"
    except json.JSONDecodeError:
        return "expected file is a pattern of its own runner"
    return agreement(case, wanted, rows)


def agreement(case, wanted, rows):
    """Whether rows are those that a case expects, as far as it says."""
    without = {"uid"} if "['uid']" in str(case["exclude_paths"]) else set()
    both = [
        [json.dumps(plain(row, without=without), sort_keys=True) for row in result]
        for result in (wanted, rows)
    ]
    if "ORDER BY" not in case["query"]:
        both = [sorted(result) for result in both]
    return "agrees" if both[0] == both[1] else "differs"


@pytest.mark.behaviour("aql.language")
def test_expected_results_are_met():
    """Every case that can be set up agrees, but for those whose difference is known and meant."""
    cases = json.loads((SHARED / "aql/cases.json").read_text())
    ended = [(outcome(case), case["query"]) for case in cases if "expected" in case]
    for what, times in Counter(what for what, _ in ended).most_common():
        print(f"{times:4d} {what}")
    strange = [
        query
        for what, query in ended
        if what == "differs" and not any(piece in query for piece in DIFFERENT)
    ]
    assert [] == strange
    assert sum(what == "agrees" for what, _ in ended) >= 225
