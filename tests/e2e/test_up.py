"""`moiety up`: ready, stopped, killed, started again."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from moiety.commands.desk import free_port_base

ROOT = Path(__file__).parents[2]
BASE = free_port_base()


@pytest.fixture
def home():
    """A home that the server's user can reach."""
    folder = Path(f"/tmp/moiety-up-{os.getpid()}")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def up(home, base=BASE):
    """A desk in a process of its own, ready."""
    command = [sys.executable, "-m", "moiety", "up", "--home", str(home), "--port-base", str(base)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert "ready\n" == process.stdout.readline(), process.stderr.read()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=40)


def is_ready(offset):
    """Whether a service answers."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{BASE + offset}/ready", timeout=3).is_success
    return False


def wait_for(condition, seconds=30):
    """Wait until something is true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def services_of(home):
    """Process ids of a desk's services and server."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            for service in ("clinical_api", "demographic_api", "linkage_vault"):
                ours = {str(BASE + offset) for offset in (1, 2, 3)}
                if f"{service}.app:create_app" in words and ours & set(words):
                    found[service] = int(entry.name)
            if str(home / "pg/data") in words and words[0].endswith("postgres"):
                found["postgres"] = int(entry.name)
    return found


def test_a_desk_shows_its_keys_once_and_starts_fast_the_second_time(home):
    """The first start prints a key for each kind of user; the second prints none, in seconds."""
    with up(home) as process:
        process.terminate()
        _, said = process.communicate(timeout=40)
    assert 0 == process.returncode
    keys = re.findall(r"mty_main_[0-9a-f]{12}_[\w-]{43}", said)
    assert 10 == len(keys)
    assert "protects nobody" in re.sub(r"\s+", " ", said)
    for file in home.rglob("*"):
        if file.is_file() and "pg" not in file.relative_to(home).parts[0]:
            assert not any(key.encode() in file.read_bytes() for key in keys)
    started = time.monotonic()
    with up(home) as process:
        seconds = time.monotonic() - started
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=40)
    assert 0 == process.returncode
    assert "mty_" not in said
    print(f"second start: {seconds:.1f} s")
    assert not services_of(home)


def test_what_is_killed_comes_back(home):
    """Kill -9 of each service, of the server, and of the desk itself."""
    with up(home) as process:
        for name, pid in services_of(home).items():
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda name=name, pid=pid: services_of(home).get(name, pid) != pid)
            wait_for(lambda: all(is_ready(offset) for offset in (1, 2, 3)))
        process.kill()
        process.wait()
    wait_for(lambda: not services_of(home))
    with up(home):
        assert all(is_ready(offset) for offset in (1, 2, 3))


def test_a_port_that_is_taken_is_named_with_its_service(home):
    """One sentence, and what to do; nothing is left running."""
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", BASE + 2))
        squatter.listen()
        done = subprocess.run(
            [sys.executable, "-m", "moiety", "up", "--home", str(home), "--port-base", str(BASE)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert 1 == done.returncode
    assert f"Port {BASE + 2}, which the demographic service needs, is taken" in done.stderr
    assert "--port-base" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_vault_without_its_keys_does_not_start(home):
    """It refuses with a sentence that names the setting."""
    environment = {
        "PATH": os.environ["PATH"],
        "MOIETY_VAULT_DATABASE_URL_FILE": __file__,
    }
    done = subprocess.run(
        [sys.executable, "-c", "from linkage_vault.app import create_app; create_app()"],
        cwd=ROOT, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert "MOIETY_VAULT_KEY_FILE" in done.stderr
    assert "Traceback" not in done.stderr
