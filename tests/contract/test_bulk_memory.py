"""Bulk import and export hold a batch, whatever comes or goes."""

import json
from uuid import uuid4

import pytest

from tests.fixtures.clinical_documents import upload, vital_signs
from tests.fixtures.fix_alone import peak

GROWTH = 48 * 2**20


def lines(count):
    """Lines of new EHRs with a document each, made as they are taken."""
    document = json.dumps(vital_signs(1))
    for _ in range(count):
        yield (
            f'{{"ehr_id":"{uuid4()}","ehr":{{}},"contribution":{{"versions":[{{"data":{document}}}]}}}}\n'
        ).encode()


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_moved(alone):
    """Ten times as much through the same process: its peak stays about where it was."""
    service, process = alone
    with service.client() as client:
        upload(client)
        for count in (400, 4000):
            before = peak(process)
            report = client.post("/bulk/import", content=lines(count), timeout=120).json()
            assert count == report["ehrs"]
        assert peak(process) - before < GROWTH
        size = 0
        with client.stream("GET", "/bulk/export") as answer:
            for some in answer.iter_bytes():
                size += len(some)
        assert size > 4 * GROWTH / 10
        assert peak(process) - before < GROWTH
