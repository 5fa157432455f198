"""`moiety deid text --ray`: workers of a Ray cluster write the same, where Ray is installed."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("ray")


@pytest.mark.slow
def test_a_cluster_writes_what_one_machine_writes(tmp_path):
    """Order, withheld lines and all."""
    lines = [json.dumps({"id": i, "text": f"{i}: Mr John Smith, 07700 900123."}) for i in range(60)]
    lines.insert(7, "nonsense")
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    (tmp_path / "rules.yaml").write_text("model: false\n")
    for name, more in (("one", []), ("many", ["--ray", "local", "--workers", "2"])):
        done = subprocess.run(
            [sys.executable, "-m", "moiety", "deid", "text", tmp_path / "in.jsonl",
             tmp_path / name, "--config", tmp_path / "rules.yaml", *more],
            capture_output=True, check=False, timeout=300,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
    for ending in ("", ".withheld.jsonl"):
        one, many = ((tmp_path / f"{n}{ending}").read_bytes() for n in ("one", "many"))
        assert one == many
