"""Grows the trees with which moiety.deid.text weighs all evidence of a word, from the repository alone.

    uv run --with scikit-learn python benches/deid_judge.py [--size 8000] [--rounds 2]

Writes moiety/deid/text/data/judge.bin.  The notes are parted in four; each part is read by rules and
by a model that learned from the other three, so that the trees see evidence as new texts give it: whole
notes, and a few lines of each by themselves.
Run it after benches/deid_train.py.  It takes some five minutes on two cores.
"""

import argparse
import math
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from moiety.deid.text import detecting, learned
from moiety.deid.text.learned import evidence, generating, training, written
from moiety.deid.text.learned.trees import Judge, Node
from moiety.deid.text.normalising import normalise
from moiety.deid.text.options import Options
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

FILE = Path(__file__).resolve().parents[1] / "moiety/deid/text/data/judge.bin"
PARTS = 4
GROWN = {"max_iter": 240, "learning_rate": 0.1, "max_leaf_nodes": 15, "l2_regularization": 1.0}

Seen = tuple[evidence.Row, bool]
"""The row of an open word, and whether it identifies."""


def main() -> None:
    """Reads each part with a model of the others, grows, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=8_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    began = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        parts = pool.map(seen_in, range(PARTS), [given.size] * PARTS, [given.rounds] * PARTS)
        seen = [one for part in parts for one in part]
    judge = grown(seen)
    FILE.write_bytes(judge.packed())
    print(f"{len(seen)} words, {time.perf_counter() - began:.0f} s, {FILE.stat().st_size} bytes")


def seen_in(part: int, size: int, rounds: int) -> list[Seen]:
    """The open words of one part of the notes, read by a model that learned from the others."""
    notes = written.notes()
    first, last = (len(notes) * n // PARTS for n in (part, part + 1))
    others = (*notes[:first], *notes[last:])
    examples = generating.examples(size, generating.SEED + part, notes=others)
    weights = training.train(examples, seed=generating.SEED, rounds=rounds).packed()
    pick = random.Random(generating.SEED + part)
    return [
        one
        for note in notes[first:last]
        for style in generating.STYLES
        for text in (note, written.excerpt(note, pick))
        for one in _read(*generating.styled(text, style, pick), weights)
    ]


def _read(text: str, pieces: list[tuple[int, int, str]], weights: bytes) -> Iterator[Seen]:
    """The open words of one text; words that may go either way are left out."""
    way = normalise(text)
    for words, row_of in _heard(text, weights):
        for i, row in row_of:
            a, b = way.source(words.starts[i], words.ends[i])
            kind = next((kind for start, end, kind in pieces if start < b and a < end), "")
            if kind != "?":
                yield row, kind not in written.PLAIN


def _heard(text: str, weights: bytes) -> list[tuple[Words, list[tuple[int, evidence.Row]]]]:
    """Detects with an ear at the place where the trees would be asked."""
    heard = []

    def listen(said: learned.Said, spans: list[Span], _threshold: float) -> list[Span]:
        rows = [(i, row) for i, _label, row in evidence.rows(said, spans)]
        heard.append((said.words, rows))
        return spans

    told, learned.judged = learned.judged, listen  # type: ignore[assignment]
    try:
        detecting.detect(text, options=Options(weights=weights))
    finally:
        learned.judged = told
    return heard


def grown(seen: list[Seen]) -> Judge:
    """Trees from what was seen; their own reading is held against the library's."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, identifies = zip(*seen, strict=True)
    booster = HistGradientBoostingClassifier(
        **GROWN, early_stopping=False, random_state=generating.SEED
    )
    booster.fit(rows, identifies)
    # The library has no public door to its trees; what is read here is held against it below.
    trees = tuple(_tree(one[0].nodes, 0) for one in booster._predictors)  # noqa: SLF001
    base = float(booster._baseline_prediction.ravel()[0])  # noqa: SLF001
    about: dict[str, object] = {
        "words": len(seen),
        "seed": generating.SEED,
        "lists": generating.digest(),
    }
    judge = Judge.unpacked(Judge(base, trees, about).packed())
    sample = rows[:: max(1, len(rows) // 2000)]
    for row, (_, probability) in zip(sample, booster.predict_proba(sample), strict=True):
        if not math.isclose(judge.probability(row), probability, abs_tol=1e-3):
            raise SystemExit("The trees do not say what the library says: nothing was written")
    return judge


def _tree(nodes, at: int) -> Node:  # type: ignore[no-untyped-def]  # a structured array
    node = nodes[at]
    if node["is_leaf"]:
        return round(float(node["value"]), 5)
    most = float(node["num_threshold"])
    left, right = _tree(nodes, int(node["left"])), _tree(nodes, int(node["right"]))
    return int(node["feature_idx"]), most, left, right


if __name__ == "__main__":
    main()
