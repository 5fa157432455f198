"""Queries of other projects with expected results, asked over HTTP of records committed over HTTP.

Where they are at hand (../shared/data).  Each set-up has a database of its own, since many of the
queries are about all that is there.  What this cut does not run is counted, not failed.
"""

import json
from collections import Counter

import pytest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from tests.fixtures.clinical_documents import ADL, BASE, WHOLE, XML, open_ehr
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served
from tests.unit.aql.test_shared_cases import DIFFERENT, SHARED, agreement, asked

pytestmark = pytest.mark.skipif(
    not (SHARED / "aql/cases.json").is_file(),
    reason="../shared/data is not at hand: queries with expected results",
)

SYSTEM = "local.ehrbase.org"
MISPLACED = "feeder_system_audit"
"""A key that one document has where no class has such an attribute; it is refused as it is."""


def set_ups():
    """Cases by their set-up."""
    if not (SHARED / "aql/cases.json").is_file():
        return {}
    found = {}
    for case in json.loads((SHARED / "aql/cases.json").read_text()):
        if "expected" in case:
            found.setdefault(tuple(case["preconditions"]), []).append(case)
    return found


class Elsewhere(Exception):
    """A set-up whose files are not at hand."""


class SetUp:
    """What a set-up has made so far, and what placeholders stand for it."""

    def __init__(self, client):
        self.client = client
        self.ehrs, self.uids = [], []

    def names(self):
        """Placeholder → what it means here."""
        found = {"${EMPTY}": "", "${system_id_with_tenant}": SYSTEM}
        for number, ehr_id in enumerate(self.ehrs, 1):
            found |= {f"${{ehr_id{number}}}": ehr_id, "${ehr_id}": self.ehrs[0]}
        for number, uid in enumerate(self.uids, 1):
            found |= {f"${{c_uid{number}}}": uid.partition("::")[0], "${c_uid}": self.uids[0]}
        return found

    def do(self, line):
        """One line of a set-up."""
        what, _, more = line.partition("For AQL")
        words = [word.partition("=")[2] or word for word in more.split()]
        match what.strip():
            case "Upload OPT":
                (file,) = words
                content = self.read("aql/opts", file)
                answer = self.client.post(ADL, content=content, headers=XML)
                assert answer.status_code in {201, 409}, answer.text
            case "Create EHR" if "Custom" in more:
                status = json.loads(self.read("aql/ehr_status", words[-1]))
                self.ehrs.append(open_ehr(self.client, status))
            case "Create EHR":
                self.ehrs.append(open_ehr(self.client))
            case "Commit Composition":
                self.commit(plain(json.loads(self.read("aql/compositions", *words))))
            case _:
                raise Elsewhere(what.strip())

    def read(self, folder, name):
        """A file; suites lay them out in folders of their own."""
        found = list((SHARED / folder).rglob(name.rpartition("/")[2]))
        if not found:
            raise Elsewhere(f"a file in {folder}")
        return found[0].read_bytes()

    def commit(self, document):
        """A composition of the EHR opened last."""
        place = f"{BASE}/ehr/{self.ehrs[-1]}/composition"
        answer = self.client.post(place, json=document, headers=WHOLE)
        assert 201 == answer.status_code, answer.text
        self.uids.append(answer.json()["uid"]["value"])


def plain(tree):
    """A document without the key that stands where it can't."""
    if isinstance(tree, dict):
        return {k: plain(v) for k, v in tree.items() if k != MISPLACED or is_feeder_audit(tree)}
    return [plain(each) for each in tree] if isinstance(tree, list) else tree


def is_feeder_audit(tree):
    return tree.get("_type") == "FEEDER_AUDIT" or "originating_system_audit" in tree


def outcome(client, case, names):
    """How a case ends: "agrees", "differs", or what it would need."""
    expected = (SHARED / case["expected"]).read_text()
    for name, value in names.items():
        expected = expected.replace(name, value)
    try:
        wanted = json.loads(expected)["rows"]
    except json.JSONDecodeError:
        return "expected file is a pattern of its own runner"
    text, given = asked(case, names)
    answer = client.post(f"{BASE}/query/aql", json={"q": text, "query_parameters": given})
    if answer.status_code == 501:
        return f"not run yet: {answer.json()['message'].partition(': ')[2]}"
    assert 200 == answer.status_code, f"{text}: {answer.text}"
    return agreement(case, wanted, answer.json()["rows"])


@pytest.mark.parametrize("cases", set_ups().values(), ids=lambda cases: cases[0]["group"][:60])
def test_expected_results_are_met_over_http(cluster, cases):
    """Every case that can be set up agrees, but for those whose difference is known and meant."""
    with copied(cluster, "clinical") as database:
        settings = Settings(
            database_url=database.url(), system_id=SYSTEM, subject_ids="opaque",
            new_ehrs="visible", screen_national="record",
        )  # fmt: skip
        with (
            served("clinical", create_app(settings), database) as service,
            service.client() as client,
        ):
            made = SetUp(client)
            try:
                for line in cases[0]["preconditions"]:
                    made.do(line)
            except Elsewhere as reason:
                pytest.skip(f"{len(cases)} cases need what is not at hand: {reason}")
            ended = [(outcome(client, case, made.names()), case["query"]) for case in cases]
    for what, times in Counter(what for what, _ in ended).most_common():
        print(f"{times:4d} {what}")
    assert [] == [
        query
        for what, query in ended
        if what == "differs" and not any(piece in query for piece in DIFFERENT)
    ]
