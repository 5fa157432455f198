"""Two organisations in one deployment: separate databases, chosen by the credential."""

import pytest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from moiety.commands import issue
from tests.fixtures.fix_database import copied
from tests.fixtures.fix_services import served


@pytest.fixture
def two(cluster, tmp_path):
    """One clinical service over the databases of `north` and `south`, and a key of each."""
    with copied(cluster, "clinical") as north, copied(cluster, "clinical") as south:
        (tmp_path / "north.url").write_text(north.url())
        (tmp_path / "south.url").write_text(south.url())
        app = create_app(Settings(organisations_folder=tmp_path))
        with served("clinical", app, north) as service:
            tokens = {
                name: issue.key(
                    copy.url("migrator"), "clinical", name, label="t",
                    scopes=issue.SCOPES["clinical"],
                )
                for name, copy in (("north", north), ("south", south))
            }  # fmt: skip
            yield service, tokens


def test_a_record_of_one_is_unknown_to_the_other(two):
    """The same service, the same path, another key: 404."""
    service, tokens = two
    with service.client(token=tokens["north"]) as north, service.client(token=tokens["south"]) as s:
        ehr_id = north.post("/openehr/v1/ehr").headers["ETag"].strip('"')
        assert 200 == north.get(f"/openehr/v1/ehr/{ehr_id}").status_code
        assert 404 == s.get(f"/openehr/v1/ehr/{ehr_id}").status_code


def test_a_key_renamed_to_another_organisation_opens_nothing(two):
    """The organisation in the key chooses the database, and there the key is unknown."""
    service, tokens = two
    renamed = str(tokens["north"]).replace("mty_north_", "mty_south_")
    for token in (renamed, str(tokens["north"]).replace("mty_north_", "mty_west_")):
        with service.client(token=token) as client:
            assert 401 == client.get("/openehr/v1/definition/template/adl1.4").status_code


def test_readiness_asks_every_database(two):
    """One address for the probe, all organisations behind it."""
    service, tokens = two
    with service.client(token=tokens["north"]) as client:
        assert {"status": "ready"} == client.get("/ready").json()
