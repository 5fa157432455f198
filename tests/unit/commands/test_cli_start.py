"""No command waits for what another needs."""

import subprocess
import sys


def test_the_words_of_the_commands_import_none_of_the_work():
    """`moiety --help` and each worker of `moiety deid text` read the words alone."""
    heavy = ("sqlalchemy", "psycopg", "httpx", "fastapi", "cryptography", "moiety.deid.text",
             "clinical_api", "demographic_api", "linkage_vault")  # fmt: skip
    script = f"import sys, moiety.cli; print([n for n in {heavy!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert "[]" == done.stdout.strip()
