"""`moiety deid review sample`: draw the documents that people read, and write their page."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from moiety.commands.deid.jsonl import line_of, parsed
from moiety.commands.options import Stop
from moiety.deid.text import Label
from moiety.deid.text.proof import sampling
from moiety.deid.text.replacement.surrogates import Namer

PAGE, SAMPLE, MANIFEST = "review.html", "sample.jsonl", "manifest.json"
_CANARIES = (
    ("NAME", "John Smith"),
    ("NHS_NUMBER", "943 476 5919"),
    ("TELEPHONE", "020 7946 0000"),
    ("POSTCODE", "NW1 2BU"),
    ("HOSPITAL_NUMBER", "RR123456"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What sample is wanted.  `removed` tells what was found, where the output does not."""

    source: Path
    folder: Path
    seed: str | None = None
    stratum: str | None = None
    at_least: int = 0
    canaries: int = 0
    removed: Path | None = None


def draw(asked: Asked) -> dict[str, Any]:
    """Write sample, page and manifest into a new folder; the manifest.  Raises Stop."""
    seed = asked.seed or secrets.token_hex(32)
    drawing = sampling.Draw(seed, asked.at_least)
    for number, line in documents(asked.source):
        drawing.see(number, str(line.get(asked.stratum, "")) if asked.stratum else "")
    population = drawing.seen.total()
    if not population:
        raise Stop(f"{asked.source} holds no documents.")
    sample, extra = drawing.drawn()
    chosen = [
        _taken(line, number, number in sample, asked.stratum)
        for number, line in documents(asked.source)
        if number in sample or number in extra
    ]
    if asked.removed:
        _count(chosen, asked.removed)
    planted = plant(chosen, seed, asked.canaries)
    manifest = {
        "format": "moiety-sample-1",
        "source": asked.source.name,
        "sha256": _digest(asked.source),
        "seed": seed,
        "population": population,
        "sample": len(sample),
        "extra": len(extra),
        "strata": dict(drawing.seen) if asked.stratum else {},
        "canaries": planted,
    }
    _write(asked.folder, chosen, manifest)
    return manifest


def documents(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The documents of a file, numbered from 1.  Raises Stop at a line that is none."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                read = parsed(line)
                if isinstance(read, str) or not isinstance(read.get("text"), str):
                    raise Stop(f"{file}: line {number} is no document with a text.")
                yield number, read
    except OSError as error:
        raise Stop(f"{file} can't be read: {error.strerror}.") from None


def plant(chosen: list[dict[str, Any]], seed: str, count: int) -> list[dict[str, Any]]:
    """Put invented identifiers into some documents of the sample, in place; where they are.

    What reviewers find of them tells how much they find of the rest.
    """
    ranked = sorted(chosen, key=lambda d: sampling.rank(f"canary {seed}", d["number"]))
    planted = []
    for i, document in enumerate(ranked[:count]):
        label, like = _CANARIES[i % len(_CANARIES)]
        words = Namer(f"{seed}{i}".encode()).stand_in(label, like)
        at = _gap(document, sampling.rank(f"place {seed}", document["number"]))
        text, added = document["text"], f"{words} "
        document["text"] = f"{text[:at]}{added}{text[at:]}"
        for span in document["spans"]:
            if span["start"] >= at:
                span["start"] += len(added)
                span["end"] += len(added)
        place = {"start": at, "end": at + len(words), "label": label}
        planted.append({"number": document["number"], **place})
    return planted


def _gap(document: dict[str, Any], rank: int) -> int:
    """A place after white space and outside every span; the beginning where there is none."""
    text, spans = document["text"], document["spans"]
    gaps = [
        at
        for at in range(1, len(text) + 1)
        if text[at - 1].isspace() and not any(s["start"] < at < s["end"] for s in spans)
    ]
    return gaps[rank % len(gaps)] if gaps else 0


def _taken(
    line: dict[str, Any], number: int, in_sample: bool, stratum: str | None
) -> dict[str, Any]:
    spans = [dict(span) for span in line.get("spans", []) if isinstance(span, dict)]
    taken = {
        "number": number, "id": line.get("id"), "in_sample": in_sample, "text": line["text"],
        "spans": spans, "removed": _labels(spans),
    }  # fmt: skip
    if "subject" in line:
        taken["subject"] = line["subject"]
    return taken | ({"stratum": str(line.get(stratum, ""))} if stratum else {})


def _count(chosen: list[dict[str, Any]], file: Path) -> None:
    """Note what was removed from each document, from the spans that detection told."""
    wanted = {json.dumps(document["id"]): document for document in chosen}
    for _, line in documents(file):
        document = wanted.get(json.dumps(line.get("id")))
        if document is not None:
            document["removed"] = _labels(line.get("spans", []))


def _labels(spans: list[dict[str, Any]]) -> list[Any]:
    """What was removed; a pooled age was no identifier."""
    return [span["label"] for span in spans if span.get("label") not in {None, "AGE"}]


def _write(folder: Path, chosen: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Stop(f"{folder} exists: a sample is drawn once, into a new folder.") from None
    body = b"".join(map(line_of, chosen))
    manifest["sample_sha256"] = hashlib.sha256(body).hexdigest()
    (folder / SAMPLE).write_bytes(body)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    (folder / PAGE).write_text(page(chosen, manifest["sample_sha256"]), encoding="utf-8")


def page(chosen: list[dict[str, Any]], sample: str) -> str:
    """One HTML file that asks nothing of a network; the texts stand in it as JSON."""
    shown = [{"number": d["number"], "text": d["text"], "spans": d["spans"]} for d in chosen]
    labels = sorted({*map(str, Label), *(s["label"] for d in chosen for s in d["spans"])})
    data = json.dumps({"sample": sample, "labels": labels, "documents": shown})
    template = resources.files("moiety.commands.deid").joinpath("page.html").read_text("utf-8")
    return template.replace("__DATA__", data.replace("<", "\\u003c"), 1)


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
