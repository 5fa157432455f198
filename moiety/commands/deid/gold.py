"""`moiety deid review gold`: documents that people have read, as gold lines.

What detectors found, less what reviewers marked as wrong, with what they marked as missed: to
evaluate with, and to train on.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from moiety.commands.deid.report import Findings, Place, findings_of, overlap, sample_of
from moiety.commands.options import Stop
from moiety.deid.text import Span, resolve


def gold(folder: Path, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The documents that were read.  Raises Stop where identifiers in them were replaced."""
    manifest, sample = sample_of(folder)
    read = [findings_of(file, manifest["sample_sha256"], set(sample)) for file in files]
    for number in sorted(frozenset().union(*(one.read for one in read))):
        document = sample[number]
        if any(_is_tag(document["text"], span) for span in document["spans"]):
            raise Stop(
                f"{folder} is a sample of texts whose identifiers were replaced, which teach "
                "nothing: draw one from the file with spans, the output of --replace none."
            )
        planted = [c for c in manifest["canaries"] if c["number"] == number]
        yield _line(document, read, planted)


def _line(
    document: Mapping[str, Any], read: Sequence[Findings], planted: Sequence[Place]
) -> dict[str, Any]:
    number = document["number"]
    wrong = [place for one in read for place in one.wrong.get(number, ())]
    missed = [place for one in read for place in one.missed.get(number, ())]
    found = [span for span in document["spans"] if not any(overlap(span, w) for w in wrong)]
    kept = resolve(
        Span(place["start"], place["end"], place["label"], score)
        for score, places in ((0.9, found), (1.0, missed), (1.0, planted))
        for place in places
    )
    return {
        "id": document["id"],
        "text": document["text"],
        "spans": [{"start": s.start, "end": s.end, "label": str(s.label)} for s in kept],
        "traps": [{"start": place["start"], "end": place["end"]} for place in wrong],
    }


def _is_tag(text: str, span: Mapping[str, Any]) -> bool:
    return text[span["start"] : span["end"]] == f"[{span['label']}]"
