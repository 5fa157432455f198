"""Set Moiety up on a machine that has nothing but python3 and pip, and run it.

    python3 bootstrap.py demo     set up, then run the main job through all three services
    python3 bootstrap.py test     set up, then run the tests, side by side; options go to pytest
    python3 bootstrap.py setup    set up alone: makes .venv with the `moiety` command
    python3 bootstrap.py ...      set up, then pass everything on to `moiety`

Standard library only.  Needs Python 3.11, and once the network: it installs uv (pinned by the
hashes in uv.lock) into .tools and the locked packages into .venv.  Both are inside this folder;
nothing else on the machine is touched.  A second run finds everything done and starts at once.
"""

import sys

if sys.version_info < (3, 11):  # before anything that an older Python can't even parse
    sys.exit("Moiety needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])

import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
DONE = VENV / ".set-up-for"
NEEDED_MB = 700
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "worksteal")


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.exit(__doc__)
    try:
        set_up()
    except OSError as error:
        sys.exit(explain(error))
    if arguments == ["setup"]:
        print("Set up. The command is .venv/bin/moiety")
    elif arguments[0] == "test":
        run("-m", "pytest", *SIDE_BY_SIDE, *arguments[1:])
    else:
        run("-m", "moiety", *arguments)


def run(*arguments: str) -> None:
    """Become the program: signals and the exit code go straight through."""
    os.chdir(ROOT)
    python = str(VENV / "bin/python")
    sys.stdout.flush()
    os.execv(python, [python, *arguments])


def set_up() -> None:
    lock = (ROOT / "uv.lock").read_bytes()
    state = hashlib.sha256(lock + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    state += f" {sys.version_info[0]}.{sys.version_info[1]} {sys.executable}"
    if DONE.exists() and DONE.read_text() == state:
        return
    free = shutil.disk_usage(ROOT).free // 2**20
    if not VENV.exists() and free < NEEDED_MB:
        sys.exit(f"The disk is too full: setting up needs {NEEDED_MB} MB, and {free} MB are free.")
    uv = install_uv(tomllib.loads(lock.decode()))
    step("Installing the locked packages into .venv")
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": sys.executable}
    sync = [str(uv), "sync", "--frozen", "--project", str(ROOT)]
    # As a checkout of another user's, or across file systems, links fail: copies always work.
    call([*sync, "--link-mode", "copy"], environment, quiet=not sys.stderr.isatty())
    DONE.write_text(state)


def install_uv(lock: dict) -> Path:
    """uv, by pip, pinned to the version and hashes that uv.lock itself holds."""
    uv = TOOLS / "bin/uv"
    (package,) = [p for p in lock["package"] if p["name"] == "uv"]
    if uv.exists() and (TOOLS / f"uv-{package['version']}.dist-info").exists():
        return uv
    step(f"Installing uv {package['version']} into .tools")
    hashes = " ".join(f"--hash={wheel['hash']}" for wheel in package["wheels"])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(f"uv=={package['version']} {hashes}\n")
        requirements.flush()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--root-user-action=ignore", "--no-deps", "--only-binary=:all:", "--upgrade"]
        pip += ["--target", str(TOOLS), "--require-hashes", "-r", requirements.name]
        call(pip, dict(os.environ), quiet=True)
    return uv


_started = time.monotonic()


def step(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.1f} s] {text} …", file=sys.stderr, flush=True)


def call(command: list[str], environment: dict, *, quiet: bool) -> None:
    """Run a step; what it says is shown as it goes, or kept to explain a failure."""
    kept = subprocess.PIPE if quiet else None
    done = subprocess.run(
        command, env=environment, stdout=kept, stderr=kept, text=True, check=False
    )
    if done.returncode:
        sys.exit(explain_output((done.stdout or "") + (done.stderr or "")))


def explain_output(text: str) -> str:
    """One plain sentence for what pip or uv could not do, then their own last lines."""
    lower = text.lower()
    tail = "\n".join(text.strip().splitlines()[-4:])
    if "no space left" in lower:
        return f"The disk is full: setting up needs about {NEEDED_MB} MB.\n{tail}"
    if "no module named pip" in lower:
        return "Python's pip is missing: install it first (Debian: apt-get install python3-pip)."
    network = (
        "resolve",
        "resolution",
        "connection",
        "network",
        "timed out",
        "no matching distribution",
        "dns",
    )
    if any(word in lower for word in network) or not text:
        return (
            "The package index can't be reached: setting up needs the network once."
            f" Check the connection or the proxy, then run this again.\n{tail}"
        )
    return f"Setting up failed. The last lines were:\n{tail}"


def explain(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk is full: setting up needs about {NEEDED_MB} MB."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"{error.filename} can't be read or written by this user: check its permissions."
    return f"Setting up failed at {error.filename}: {error.strerror}."


if __name__ == "__main__":
    main(sys.argv[1:])
