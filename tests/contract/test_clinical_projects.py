"""The clinical service's hold on projects: of a real vault, fresh for a minute, gone at the end."""

import gc
import weakref
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from clinical_api.projects import Projects
from linkage_vault import project_keys
from linkage_vault import projects as at_vault
from moiety.kit.errors import Conflict, Forbidden, NotFound, Unavailable
from moiety.wire import projects as wire
from moiety.wire.exchange import connect
from tests.fixtures.fix_projects import REASON, running, to_pseudonyms


class Clock:
    """Seconds and days that a test moves."""

    def __init__(self):
        self.now = 1000.0
        self.days = timedelta(0)

    def __call__(self):
        return self.now

    def today(self):
        return at_vault.today() + self.days


@pytest.fixture
def clock():
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def held(caller, vault_service, clock):
    """Projects as a clinical process holds them."""
    key = caller(program=True, scopes=("project:use",)).headers["Authorization"]
    client = connect(vault_service.url, key.removeprefix("Bearer "))
    found = Projects(client, clock=clock, today=clock.today)
    yield found
    found.close()


def test_its_pseudonyms_are_those_of_the_vault(people, persons, held):
    """Both sides permute alike, and the service goes back without asking."""
    ehr_ids = list(persons(3).values())
    made = running(people)
    disguise = held.get(made.project_id).disguise
    found = disguise.ehr_ids(ehr_ids)
    assert to_pseudonyms(people, made.project_id, ehr_ids).pseudonyms == found
    assert ehr_ids == disguise.ehr_ids_behind(found)


def test_a_policy_is_used_for_a_minute_and_then_confirmed(people, held, clock):
    """Within the minute nobody is asked; after it, a project that was paused is gone."""
    made = running(people)
    first = held.get(made.project_id)
    wire.move(people["linkage_officer"], made, "pause", REASON)
    clock.now += 59.9
    assert first is held.get(made.project_id), "the control: it is held, and not asked for"
    clock.now += 0.1
    with pytest.raises(Conflict, match="not running"):
        held.get(made.project_id)
    assert frozenset() == held.held()


@pytest.mark.parametrize("ends", ["close", "pause", "amend"])
def test_the_key_is_dropped_at_the_next_look_though_nobody_asks(people, held, ends):
    """Closed, paused or amended: no policy, no cipher and no key are reachable any more."""
    made = running(people)
    found = held.get(made.project_id)
    key, gone = found.policy.key, weakref.ref(found)
    held.refresh()
    assert held.held() == {made.project_id}, "the control: what runs is kept"
    found = None
    who = "researcher" if ends == "amend" else "linkage_officer"
    wire.move(people[who], made, ends, REASON)
    held.refresh()
    assert frozenset() == held.held()
    gc.collect()
    assert gone() is None
    reachable = [one for one in gc.get_objects() if isinstance(one, wire.Policy)]
    assert not [one for one in reachable if one.key == key]


def test_a_change_of_the_key_is_taken_up_at_the_next_look(people, held, vault):
    """Another version: other pseudonyms."""
    made = running(people)
    before = held.get(made.project_id)
    with vault.engine.begin() as connection:
        project_keys.rotate(connection, vault.keys, made.project_id)
    held.refresh()
    after = held.get(made.project_id)
    assert (1, 2) == (before.policy.key_version, after.policy.key_version)
    id_ = uuid4()
    assert before.disguise.ehr_ids([id_]) != after.disguise.ehr_ids([id_])


def test_without_the_vault_a_policy_lives_out_its_minute_and_no_longer(
    people,
    held,
    clock,
    closed_port,
):
    """Then it is dropped: what is not confirmed is not used."""
    made = running(people)
    found = held.get(made.project_id)
    held._client.close()
    held._client = connect(f"http://127.0.0.1:{closed_port}", "none", timeout=1)
    clock.now += 40
    held.refresh()
    assert found is held.get(made.project_id)
    clock.now += 20
    with pytest.raises(Unavailable):
        held.get(made.project_id)
    assert frozenset() == held.held()


def test_a_project_ends_with_its_last_day(people, held, clock):
    """Also inside the minute."""
    made = running(people)
    held.get(made.project_id)
    clock.days = timedelta(days=31)
    with pytest.raises(Conflict, match="ended"):
        held.get(made.project_id)
    assert frozenset() == held.held()


def test_members_alone_work_in_a_project(people, held):
    """Another user, a program without a user: refused; and no project that there is not."""
    made = running(people)
    assert held.of_member(made.project_id, people["member_id"]) is held.get(made.project_id)
    for user_id in (uuid4(), None):
        with pytest.raises(Forbidden):
            held.of_member(made.project_id, user_id)
    with pytest.raises(NotFound):
        held.get(uuid4())


def test_a_cohort_is_cleaned_by_the_vault(people, persons, held):
    """In parts, with the counts added up."""
    import clinical_api.projects

    ehr_ids = [*persons(5).values(), *(uuid4() for _ in range(4))]
    made = running(people)
    whole = clinical_api.projects._COHORT
    clinical_api.projects._COHORT = 2
    try:
        cleaned = held.clean(made.project_id, ehr_ids)
    finally:
        clinical_api.projects._COHORT = whole
    assert (ehr_ids[:5], 0, 4) == (cleaned.kept, cleaned.removed, cleaned.unknown)


def test_version_uids_keep_their_form_and_dates_of_a_record_move_together(people, held):
    """object::system::version with the object's pseudonym, and back; one shift a record."""
    made = running(people, date_shift_days=20)
    disguise = held.get(made.project_id).disguise
    uid = f"{uuid4()}::moiety.local::3"
    shown = disguise.version_uid(uid)
    assert uid.split("::")[1:] == shown.split("::")[1:]
    assert uid != shown
    assert uid == disguise.version_uid_behind(shown)
    bare = str(uuid4())
    assert bare == disguise.version_uid_behind(disguise.version_uid(bare))
    with pytest.raises(ValueError, match="badly formed"):
        disguise.version_uid("no uuid::moiety.local::1")
    ehr_id = uuid4()
    assert disguise.shift(ehr_id) == disguise.shift(ehr_id)
    assert timedelta(0) < abs(disguise.shift(ehr_id)) <= timedelta(days=20)
    kinds = {disguise.contribution(ehr_id), disguise.party(ehr_id), disguise.ehr_ids([ehr_id])[0],
             UUID(disguise.version_uid(str(ehr_id)))}  # fmt: skip
    assert 4 == len(kinds)
    still = running(people, date_shift_days=0)
    assert timedelta(0) == held.get(still.project_id).disguise.shift(ehr_id)


def test_the_running_service_holds_projects_of_the_vault_that_its_settings_name(
    people, caller, vault_service, clinical_database
):
    """By the key of its settings; at its stop nothing is held."""
    import secrets

    from clinical_api.app import create_app
    from clinical_api.settings import Settings
    from tests.fixtures.fix_services import served

    header = caller(program=True, scopes=("project:use", "screen:ask")).headers["Authorization"]
    settings = Settings(
        database_url=clinical_database.url(),
        vault_url=vault_service.url,
        vault_key=header.removeprefix("Bearer "),
        screen_key=secrets.token_hex(32),
    )
    made = running(people)
    with served("clinical", create_app(settings), clinical_database) as service:
        found = service.app.state.here["main"].projects
        assert made.project_id == found.get(made.project_id).policy.project_id
        assert {made.project_id} == found.held()
    assert frozenset() == found.held()
    assert found._client.is_closed
