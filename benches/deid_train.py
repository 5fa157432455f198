"""Makes the learned model of moiety.deid.text from the repository alone.

    python benches/deid_train.py [--size 44000] [--seed 20] [--rounds 3]

Writes moiety/deid/text/data/model.bin; the same notes, lists, sentences and seed give the same file.
It takes some ten minutes.
"""

import argparse
import time
from pathlib import Path

from moiety.deid.text.learned.generating import SEED, SIZE, digest, examples
from moiety.deid.text.learned.training import train

FILE = Path(__file__).resolve().parents[1] / "moiety/deid/text/data/model.bin"


def main() -> None:
    """Generates, trains, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    began = time.perf_counter()
    made = examples(given.size, given.seed)
    model = train(made, seed=given.seed, rounds=given.rounds)
    model.about["lists"] = digest()
    FILE.write_bytes(model.packed())
    print(f"{len(made)} examples, {time.perf_counter() - began:.0f} s, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
