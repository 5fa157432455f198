"""The demo, small: every step of the main job through the real services."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_main_job_comes_true_from_registration_to_theft():
    """`moiety demo` exits 0, and each of its steps says what it found, controls included."""
    done = subprocess.run(
        [sys.executable, "-m", "moiety", "demo", "--persons", "30", "--compositions", "150"],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    said = re.sub(r"\s+", " ", done.stdout)
    print(done.stdout)
    assert 0 == done.returncode, done.stdout + done.stderr
    for words in (
        "uploads 4 templates",
        "registers 30 persons",
        "commit 150 documents",
        "crosses to the EHR for treatment",
        "they are sealed",
        "the clinician reads it whole",
        "is refused 3 ways to an identity",
        "an approver who sees why and not whom allows it, and the vault answers once",
        "the trail of",
        "The screen refuses a letter with an NHS number",
        "The search finds the number planted for control (1 of 1)",
        "birth dates registered, none is found",
        "planted in the vault for control (2 of 2)",
        "none of the 60 ids stands in the vault in clear",
        "Everything came true",
    ):
        assert words in said
