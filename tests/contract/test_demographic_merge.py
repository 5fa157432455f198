"""Merging persons in the demographic service: linked, never copied, and exactly undone."""

import pytest
import sqlalchemy as sa

from demographic_api import tables
from moiety.commands.demo import people
from moiety.kit.errors import Conflict, Malformed, NotFound, Unprocessable
from moiety.wire import demographic as wire


def document(engine, person_id):
    """The stored octets of a person."""
    with engine.connect() as connection:
        query = sa.select(tables.person.c.document)
        return bytes(connection.scalar(query.where(tables.person.c.person_id == person_id)))


def test_a_merged_person_leads_to_the_survivor_and_unmerge_is_exact(registry, demographic_admin):
    """Inactive and replaced-by; found as before; taken back, its document is the old octets."""
    desk = registry()
    one, two = (wire.create_patient(desk, person.patient()) for person in people.register(2, 71))
    before = document(demographic_admin, one.person_id)
    kept = document(demographic_admin, two.person_id)
    merged = wire.merge_patients(desk, one.person_id, two.person_id)
    assert merged.resource["active"] is False
    link = {"other": {"reference": f"Patient/{two.person_id}"}, "type": "replaced-by"}
    assert [link] == merged.resource["link"]
    assert merged.resource == wire.read_patient(desk, one.person_id).resource
    assert kept == document(demographic_admin, two.person_id)
    with pytest.raises(Conflict):
        wire.update_patient(desk, one.person_id, one.resource, etag=merged.etag)
    back = wire.unmerge_patients(desk, one.person_id, two.person_id)
    assert before == document(demographic_admin, one.person_id)
    assert {**one.resource, "meta": None} == {**back.resource, "meta": None}
    assert ('W/"1"', 'W/"2"', 'W/"3"') == (one.etag, merged.etag, back.etag)


def test_what_makes_no_sense_is_refused(registry):
    """Itself, unknown persons, twice, in a circle, undone twice, and a link by the client."""
    desk = registry()
    patients = [wire.create_patient(desk, person.patient()) for person in people.register(3, 72)]
    one, two, three = (patient.person_id for patient in patients)
    with pytest.raises(Unprocessable):
        wire.merge_patients(desk, one, one)
    wire.merge_patients(desk, one, two)
    for pair in ((one, three), (two, one), (three, one)):
        with pytest.raises(Conflict):
            wire.merge_patients(desk, *pair)
    with pytest.raises(NotFound):
        wire.unmerge_patients(desk, one, three)
    wire.unmerge_patients(desk, one, two)
    with pytest.raises(NotFound):
        wire.unmerge_patients(desk, one, two)
    linked = {**patients[0].resource, "link": [
        {"other": {"reference": f"Patient/{two}"}, "type": "replaced-by"}]}  # fmt: skip
    with pytest.raises((Malformed, Unprocessable)):
        wire.create_patient(desk, linked)
