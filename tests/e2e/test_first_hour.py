"""docs/first-hour.md, run as a newcomer would: every command, and what it answers."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/first-hour.md"
BLOCK = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOME = Path("/tmp/moiety-first-hour")


def matches(expected, said):
    """Whether each expected line stands in what was said, in order; `…` is anything."""
    lines = iter(said.splitlines())
    for line in expected.strip().splitlines():
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        if not any(pattern.match(one) for one in lines):
            return line
    return None


def test_every_command_of_the_first_hour_answers_what_the_page_says():
    """One desk, one shell, the page from top to bottom."""
    if shutil.which("curl") is None:
        pytest.skip("the page talks to the services with curl, which is not installed")
    shutil.rmtree(HOME, ignore_errors=True)
    blocks = BLOCK.findall(PAGE.read_text())
    (server,) = [text for kind, word, text in blocks if (kind, word) == ("sh", "server")]
    program, *arguments = server.split()
    assert ".venv/bin/moiety" == program
    desk = subprocess.Popen(
        [sys.executable, "-m", "moiety", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert "ready\n" == desk.stdout.readline()
        run_the_page(blocks)
    finally:
        desk.send_signal(signal.SIGTERM)
        assert 0 == desk.wait(30)
        desk.stdout.close()
        shutil.rmtree(HOME, ignore_errors=True)


def run_the_page(blocks):
    """All commands in one shell; each block's answer is held against the text after it."""
    steps = []
    for kind, word, text in blocks:
        if kind == "sh" and not word:
            steps.append([text, ""])
        elif kind == "text":
            steps[-1][1] = text
    script = "".join(f"{command}\necho; echo @@@{n}\n" for n, (command, _) in enumerate(steps))
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "160"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env=environment, check=False,
    )  # fmt: skip
    said = re.split(r"^@@@\d+$", done.stdout.replace("\r", ""), flags=re.MULTILINE)
    assert len(steps) == len(said) - 1, done.stderr[-1000:]
    for (command, expected), answer in zip(steps, said, strict=False):
        missing = matches(expected, answer)
        assert missing is None, f"{command}\nsaid\n{answer}\nand not\n{missing}\n{done.stderr}"
    print(f"{len(steps)} steps of the page came true")
