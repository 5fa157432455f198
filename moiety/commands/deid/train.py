"""`moiety deid train`: the learned model, taught what reviewers found.

Documents that people have read are mixed with generated ones, so that the model forgets nothing of
what it knew.  Every fifth of them, chosen by its text, is kept out and tells whether it helped.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moiety.commands.deid.jsonl import parsed
from moiety.commands.options import Stop
from moiety.deid.text import Options, Span, detect
from moiety.deid.text.learned import Model, shipped
from moiety.deid.text.learned.generating import examples
from moiety.deid.text.learned.training import Example, train
from moiety.deid.text.proof.scoring import Score

_KEPT_OUT = 5
_GENERATED_FOR_EACH, _GENERATED_AT_LEAST = 3, 600
_TOLD = ("documents", "strict_recall", "char_recall", "char_precision", "traps_redacted")


@dataclass(frozen=True, slots=True)
class Taught:
    """The new model, and the figures of the old and the new one on what was kept out."""

    model: Model
    learned_from: int
    before: dict[str, Any]
    after: dict[str, Any]


def teach(
    files: Sequence[Path], options: Options, *, seed: int, rounds: int, generated: int | None
) -> Taught:
    """Train from the shipped model on.  Raises Stop where a line is no gold document.

    `generated` documents are mixed in; None: three for each that is learned from.
    """
    every = [line for file in files for line in _gold(file)]
    kept = [line for line in every if _is_kept(line)]
    rest = [line for line in every if not _is_kept(line)]
    if not rest:
        raise Stop("There is nothing to learn from: give more documents.")
    size = max(_GENERATED_AT_LEAST, _GENERATED_FOR_EACH * len(rest))
    if generated is not None:
        size = generated
    mixed = [*examples(size, seed), *map(_example, rest)]
    model = train(mixed, seed=seed, rounds=rounds, model=shipped())
    new = dataclasses.replace(options, weights=model.packed())
    return Taught(model, len(rest), _scored(kept, options), _scored(kept, new))


def show(taught: Taught) -> list[str]:
    """What was learned from, and what it changed."""
    lines = [f"learned from {taught.learned_from} documents"]
    if not taught.before["documents"]:
        return [*lines, "too few documents to keep any out: try it with `moiety deid evaluate`"]
    lines.append(f"on documents that were kept out{'before':>12}{'after':>12}")
    for name in _TOLD:
        before, after = taught.before[name], taught.after[name]
        lines.append(f"  {name:30}{_figure(before):>11} {_figure(after):>11}")
    return lines


def is_worse(taught: Taught) -> bool:
    """Whether the new model finds less of what was kept out."""
    before, after = taught.before["strict_recall"], taught.after["strict_recall"]
    return before is not None and after is not None and after < before


def _gold(file: Path) -> list[dict[str, Any]]:
    try:
        with file.open("rb") as lines:
            read = [parsed(line) for line in lines if line.strip()]
    except OSError as error:
        raise Stop(f"{file} can't be read: {error.strerror}.") from None
    found = []
    for number, line in enumerate(read, 1):
        if isinstance(line, str) or not _is_gold(line):
            raise Stop(f"{file}: document {number} has no text and spans: is it a gold file?")
        found.append(line)
    return found


def _is_gold(line: dict[str, Any]) -> bool:
    text, spans = line.get("text"), line.get("spans")
    return (
        isinstance(text, str)
        and isinstance(spans, list)
        and all(isinstance(s, dict) and {"start", "end", "label"} <= s.keys() for s in spans)
    )


def _is_kept(line: dict[str, Any]) -> bool:
    digest = hashlib.sha256(line["text"].encode("utf-8", "surrogatepass")).digest()
    return digest[0] % _KEPT_OUT == 0


def _example(line: dict[str, Any]) -> Example:
    spans = (Span(s["start"], s["end"], s["label"]) for s in line["spans"])
    return Example(line["text"], tuple(spans))


def _scored(lines: Sequence[dict[str, Any]], options: Options) -> dict[str, Any]:
    score = Score()
    for line in lines:
        spans = detect(line["text"], options=options)
        found = [{"start": s.start, "end": s.end, "label": str(s.label)} for s in spans]
        score.add({"id": "", **line}, found)
    return score.figures()


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "–" if value is None else str(value)
