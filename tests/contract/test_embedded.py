"""The embedded PostgreSQL: kill -9, leftovers, roles and closed folders."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from moiety import embedded
from moiety.embedded import EmbeddedError


@pytest.fixture
def state(tmp_path_factory):
    """A state folder that an unprivileged user can walk to."""
    folder = Path("/tmp") / f"moiety-embedded-{os.getpid()}"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_an_acknowledged_commit_survives_kill_minus_nine_and_a_leftover_server(state):
    """A server whose launcher and which itself were killed starts again with what it promised."""
    with embedded.running(state) as cluster:
        with psycopg.connect(cluster.url("clinical_migrator", "clinical")) as connection:
            connection.execute("CREATE TABLE t (n int)")
            connection.execute("INSERT INTO t VALUES (1)")
        cluster.process.kill()
        cluster.process.wait()
        again = embedded.start(state, {})
        with psycopg.connect(again.url("clinical_migrator", "clinical")) as connection:
            assert (1,) == connection.execute("SELECT count(*) FROM t").fetchone()
        embedded.stop(again)


def test_a_server_left_behind_by_a_killed_launcher_is_ended_and_replaced(state):
    """The next start does not trip over a postmaster that outlived its launcher."""
    code = (
        "import sys, time, pathlib; from moiety import embedded\n"
        "no_prctl = type('L', (), {'prctl': lambda *_: 0})\n"
        "embedded.ctypes = type('C', (), {'CDLL': lambda *_: no_prctl})\n"
        "with embedded.running(pathlib.Path(sys.argv[1])): print('up', flush=True); time.sleep(60)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code, str(state)], stdout=subprocess.PIPE)
    assert b"up\n" == launcher.stdout.readline()
    pid = int((state / "pg/data/postmaster.pid").read_text().split()[0])
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    os.kill(pid, 0)  # it is still there: the control of this test
    with embedded.running(state) as cluster:
        assert pid != cluster.process.pid


def test_the_server_ends_with_its_launcher(state):
    """A launcher that is killed takes its server with it, in a clean shutdown."""
    code = (
        "import sys, time, pathlib; from moiety import embedded\n"
        "with embedded.running(pathlib.Path(sys.argv[1])): print('up', flush=True); time.sleep(60)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code, str(state)], stdout=subprocess.PIPE)
    launcher.stdout.readline()
    pid = int((state / "pg/data/postmaster.pid").read_text().split()[0])
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    for _ in range(100):
        if (
            not Path(f"/proc/{pid}").exists()
            or "Z" in Path(f"/proc/{pid}/stat").read_text().split()
        ):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the server outlived its launcher")
    assert "shut down" in (state / "postgres.log").read_text()


def test_one_folder_serves_one_desk(state):
    """A second launcher of the same folder is refused with a sentence."""
    refused = pytest.raises(EmbeddedError, match="Another moiety already runs")
    with embedded.running(state), refused, embedded.running(state):
        pass


def test_no_parent_folder_changes_its_mode_and_nobody_else_reads_the_data(state):
    """The launcher opens nothing on its way down, and the cluster's folder is closed."""
    before = [p.stat().st_mode for p in (state, *state.parents)]
    with embedded.running(state):
        assert before == [p.stat().st_mode for p in (state, *state.parents)]
        assert 0o700 == stat.S_IMODE((state / "pg").stat().st_mode)


def test_a_closed_folder_is_refused_with_advice(as_root, tmp_path):
    """Under root, a state folder that the server's user can't reach is named, not opened."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    refused = pytest.raises(EmbeddedError, match="can't be reached by the user")
    with refused, embedded.running(closed / "state"):
        pass
    assert 0o700 == stat.S_IMODE(closed.stat().st_mode)


def test_a_role_enters_its_own_database_and_no_other(cluster):
    """Every role is refused every other service's database, and no role is a superuser."""
    for role in embedded.ROLES:
        own = role.split("_", maxsplit=1)[0]
        for database in embedded.DATABASES:
            if database == own:
                with psycopg.connect(cluster.url(role, database)) as connection:
                    row = connection.execute(
                        "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles"
                        " WHERE rolname = current_user"
                    ).fetchone()
                    assert (False,) == row
            else:
                with pytest.raises(psycopg.OperationalError, match="permission denied"):
                    psycopg.connect(cluster.url(role, database))


def test_the_server_listens_on_no_network(cluster):
    """The cluster is reachable through its socket alone."""
    with psycopg.connect(cluster.url("postgres", "postgres")) as connection:
        assert ("",) == connection.execute("SHOW listen_addresses").fetchone()
        assert ("scram-sha-256",) == connection.execute("SHOW password_encryption").fetchone()
