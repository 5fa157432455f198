"""Whatever is sent to a door that writes, the answer is a clear one and never a 500."""

import copy
import random

import pytest

from tests.fixtures.clinical_documents import (
    BASE,
    audit,
    contribution,
    folder,
    open_ehr,
    status,
    subject,
    uid_of,
    upload,
    version,
    vital_signs,
)

JUNK = (None, True, 0, -1, 1e300, "", "x", "a::b::1", "\x01", [], [[]], {}, {"_type": "DV_TEXT"},
        {"value": 7}, [None], ["x", {}])  # fmt: skip
ROUNDS = 120


def places(tree, path=()):
    """Every place in a document."""
    yield path
    if isinstance(tree, dict):
        for name, branch in tree.items():
            yield from places(branch, (*path, name))
    elif isinstance(tree, list):
        for number, branch in enumerate(tree):
            yield from places(branch, (*path, number))


def harmed(rng, document):
    """The document with one to three places cut, doubled or filled with junk."""
    made = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        path = rng.choice([place for place in places(made) if place])
        holder = made
        for step in path[:-1]:
            holder = holder[step]
        match rng.randrange(4):
            case 0:
                del holder[path[-1]]
            case 1 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[path[-1]]))
            case 1 | 2:
                holder[path[-1]] = copy.deepcopy(rng.choice(JUNK))
            case 3 if isinstance(holder, dict):
                holder[f"{path[-1]}x"] = holder.pop(path[-1])
        if not made:
            return made
    return made


@pytest.mark.behaviour("broken-bodies")
@pytest.mark.parametrize("door", ["ehr", "ehr_status", "directory", "contribution"])
def test_no_harm_to_a_document_breaks_the_service(clinical, door):
    """Cut, doubled, renamed and junk: 2xx or 4xx in the one shape, without the junk."""
    rng = random.Random(f"broken {door}")
    with clinical.client() as client:
        upload(client)
        ehr_id = open_ehr(client)
        place = f"{BASE}/ehr/{ehr_id}"
        before = uid_of(client.get(f"{place}/ehr_status"))
        sent = {
            "ehr": status(subject=subject("8849182c-82ad-4088-a07f-48ead4180515")),
            "ehr_status": status(),
            "directory": folder("root", folder("a", items=[{
                "id": {"_type": "HIER_OBJECT_ID", "value": "x"}, "namespace": "local",
                "type": "VERSIONED_COMPOSITION"}])),
            "contribution": contribution(
                version(vital_signs(), attestations=[audit() | {
                    "_type": "ATTESTATION", "is_pending": False,
                    "reason": {"_type": "DV_TEXT", "value": "signed"}}], signature="s"),
                version(folder()), version(status(), "modification", before),
            ),
        }[door]  # fmt: skip
        for _ in range(ROUNDS):
            body = harmed(rng, sent)
            match door:
                case "ehr":
                    answer = client.post(f"{BASE}/ehr", json=body)
                case "ehr_status":
                    latest = uid_of(client.get(f"{place}/ehr_status"))
                    answer = client.put(
                        f"{place}/ehr_status", json=body, headers={"If-Match": latest}
                    )
                case _:
                    answer = client.post(f"{place}/{door}", json=body)
            assert answer.status_code < 500, (answer.text, body)
            if answer.status_code >= 400:
                assert {"error", "message", "code", "trace_id"} <= set(answer.json())
    from moiety.commands import clinical as work

    found = work.check(clinical.database.url("migrator"), with_documents=True)
    assert [] == [one.sentence for one in found if one.broken]
