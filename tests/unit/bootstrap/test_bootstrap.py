"""bootstrap.py: one plain sentence for each thing that can go wrong."""

import errno
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
bootstrap = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bootstrap)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: No matching distribution found for uv", "The package index can't be reached"),
        (
            "error: Failed to fetch: `x`\n Caused by: dns error",
            "The package index can't be reached",
        ),
        ("Temporary failure in name resolution", "The package index can't be reached"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("/usr/bin/python3: No module named pip", "Python's pip is missing"),
        ("error: something else", "Setting up failed"),
    ],
)
def test_what_pip_or_uv_said_becomes_a_sentence(output, sentence):
    """The sentence first, then at most four of their own lines."""
    said = bootstrap.explain_output(output)
    assert said.startswith(sentence)
    assert said.count("\n") <= 4


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EACCES, "/x can't be read or written by this user"),
        (errno.EROFS, "/x can't be read or written by this user"),
        (errno.EIO, "Setting up failed at /x"),
    ],
)
def test_an_error_of_the_system_becomes_a_sentence(number, sentence):
    """No stack trace for a disk that is full or closed."""
    assert bootstrap.explain(OSError(number, "why", "/x")).startswith(sentence)


def test_it_uses_the_standard_library_alone():
    """A fresh machine has nothing else."""
    import ast
    import sys

    tree = ast.parse((ROOT / "bootstrap.py").read_text())
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module)])
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.10"])
def test_an_older_python_is_told_so(version):
    """The sentence comes before anything that an older Python can't parse."""
    installed = Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python")
    found = next(installed, None) or shutil.which(f"python{version}")
    if found is None or subprocess.run([found, "--version"], check=False).returncode:
        pytest.skip(f"no Python {version} on this machine")
    done = subprocess.run(
        [str(found), str(ROOT / "bootstrap.py"), "demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == f"Moiety needs Python 3.11 or newer; this is {version}."
    assert 1 == done.returncode
