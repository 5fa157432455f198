"""`moiety deid review report`: what reviewers found, and what it proves.

Two shares, each with a one-sided exact lower bound at 95 %: of documents without an identifier left
(unit: a document of the sample), and of identifiers removed (unit: an identifier; the bound is also
estimated by resampling whole subjects, whose identifiers stand or fall together).  An NHS or
hospital number that was left stops the release whatever the shares are.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moiety.commands.deid.sample import MANIFEST, SAMPLE
from moiety.commands.options import Stop
from moiety.deid.text.proof import bounds

GATE = 0.95
STOPPING = frozenset({"NHS_NUMBER", "HOSPITAL_NUMBER"})

Place = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """What one reviewer saved: by document number, the places that were marked."""

    reviewer: str
    read: frozenset[int]
    missed: Mapping[int, Sequence[Place]]
    wrong: Mapping[int, Sequence[Place]]


@dataclass
class Report:
    """Everything that the findings prove; `reasons` are why the gate is shut."""

    population: int = 0
    documents: int = 0
    failing: int = 0
    document_bound: float = 0.0
    population_bound: float = 0.0
    wilson: float = 0.0
    removed: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    identifier_bound: float | None = None
    clustered_bound: float | None = None
    canaries: int = 0
    canaries_found: int = 0
    corrected_bound: float | None = None
    kappa: float | None = None
    both_read: int = 0
    wrong: int = 0
    reasons: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values, with whether the gate is open."""
        return vars(self) | {"passes": not self.reasons}


def report(folder: Path, files: Sequence[Path]) -> Report:
    """Judge a sample by the findings of one reviewer or more.  Raises Stop."""
    manifest, sample = sample_of(folder)
    read = [findings_of(file, manifest["sample_sha256"], set(sample)) for file in files]
    told = Report(population=manifest["population"])
    planted: dict[int, list[Place]] = defaultdict(list)
    for canary in manifest["canaries"]:
        planted[canary["number"]].append(canary)
    every = frozenset().union(*(one.read for one in read))
    if left := len(set(sample) - every):
        told.reasons.append(f"{left} documents of the sample are not read yet")
    if not any(sample[number]["in_sample"] for number in every):
        raise Stop("No document of the sample is read yet: there is nothing to report.")
    failing = {
        number: own
        for number in sample
        if (own := list(_merged(place for f in read for place in f.missed.get(number, ())
                                if not _is_planted(place, planted[number]))))
    }  # fmt: skip
    _documents(told, [n for n in every if sample[n]["in_sample"]], failing)
    _identifiers(told, [sample[n] for n in sorted(every)], failing)
    _canaries(told, planted, read)
    _agreement(told, read)
    told.wrong = sum(len(places) for f in read for places in f.wrong.values())
    _judge(told)
    return told


def register(folder: Path, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The findings for the register, canaries left out: where, which kind, whose, told by whom."""
    manifest, sample = sample_of(folder)
    planted = defaultdict(list)
    for canary in manifest["canaries"]:
        planted[canary["number"]].append(canary)
    for file in files:
        own = findings_of(file, manifest["sample_sha256"], set(sample))
        for number, places in own.missed.items():
            for place in places:
                if not _is_planted(place, planted[number]):
                    yield {
                        "number": number, "id": sample[number]["id"], "label": place["label"],
                        "whose": place["whose"], "start": place["start"], "end": place["end"],
                        "reviewer": own.reviewer,
                    }  # fmt: skip


def show(told: Report) -> Iterator[str]:
    """The report in lines."""
    clean = told.documents - told.failing
    yield f"documents read        {told.documents} of {told.population}"
    yield f"without an identifier {clean}, {100 * clean / told.documents:.2f} %"
    yield (
        f"lower bounds at 95 %  Clopper-Pearson {_percent(told.document_bound)}, of this "
        f"population {_percent(told.population_bound)}, Wilson {_percent(told.wilson)}"
    )
    if told.canaries:
        yield (
            f"reviewers found       {told.canaries_found} of {told.canaries} planted identifiers; "
            f"bound corrected for it {_percent(told.corrected_bound)}"
        )
    removed, missed = told.removed.total(), told.missed.total()
    yield f"identifiers           {removed} removed, {missed} left"
    if told.identifier_bound is not None:
        yield (
            f"lower bounds at 95 %  Clopper-Pearson {_percent(told.identifier_bound)}, "
            f"by resampling subjects {_percent(told.clustered_bound)}"
        )
    for label in sorted({*told.removed, *told.missed}):
        done, left = told.removed[label], told.missed[label]
        bound = bounds.clopper_pearson(done, done + left)
        yield f"  {label:20} {done:6} removed {left:4} left, bound {_percent(bound)}"
    if told.both_read:
        kappa = "undefined, all alike" if told.kappa is None else f"{told.kappa:.3f}"
        yield f"two reviewers         {told.both_read} read by both, Cohen's kappa {kappa}"
    if told.wrong:
        yield f"wrongly replaced      {told.wrong}"
    yield (
        "The gate is open." if not told.reasons else "The gate is shut: " + "; ".join(told.reasons)
    )


def _documents(told: Report, numbers: Sequence[int], failing: Mapping[int, Any]) -> None:
    told.documents = len(numbers)
    told.failing = sum(number in failing for number in numbers)
    good = told.documents - told.failing
    told.document_bound = bounds.clopper_pearson(good, told.documents)
    told.population_bound = bounds.of_population(good, told.documents, told.population)
    told.wilson = bounds.wilson(good, told.documents)


def _identifiers(
    told: Report, sample: Sequence[Mapping[str, Any]], failing: Mapping[int, Sequence[Place]]
) -> None:
    clusters: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for document in sample:
        own = failing.get(document["number"], ())
        removed = [label for label in document["removed"] if label]
        told.removed.update(removed)
        told.missed.update(place["label"] for place in own)
        cluster = clusters[str(document.get("subject", f"document {document['number']}"))]
        cluster[0] += len(removed)
        cluster[1] += len(removed) + len(own)
    every = told.removed.total() + told.missed.total()
    if told.removed:
        told.identifier_bound = bounds.clopper_pearson(told.removed.total(), every)
        pairs = [(good, total) for good, total in clusters.values()]
        told.clustered_bound = bounds.clustered(pairs, seed="moiety")


def _canaries(
    told: Report, planted: Mapping[int, Sequence[Place]], read: Sequence[Findings]
) -> None:
    for number, canaries in planted.items():
        told.canaries += len(canaries)
        for canary in canaries:
            told.canaries_found += any(
                overlap(place, canary) for f in read for place in f.missed.get(number, ())
            )
    if told.canaries:
        recall = told.canaries_found / told.canaries
        share = (1 - told.population_bound) / recall if recall else 1.0
        told.corrected_bound = max(0.0, 1 - share)


def _agreement(told: Report, read: Sequence[Findings]) -> None:
    if len(read) < 2:
        return
    first, second = read[0], read[1]
    both = sorted(first.read & second.read)
    told.both_read = len(both)
    told.kappa = bounds.kappa([(n in first.missed, n in second.missed) for n in both])


def _judge(told: Report) -> None:
    for label in sorted(STOPPING & set(told.missed)):
        told.reasons.append(f"STOP: {told.missed[label]} {label} left; look over everything again")
    document = told.population_bound if told.corrected_bound is None else told.corrected_bound
    if document < GATE:
        told.reasons.append(f"documents are proven to {_percent(document)} only")
    if told.identifier_bound is None:
        told.reasons.append(
            "how many identifiers were removed is not known: draw the sample with --removed"
        )
    elif min(told.identifier_bound, told.clustered_bound or 0.0) < GATE:
        lower = min(told.identifier_bound, told.clustered_bound or 0.0)
        told.reasons.append(f"identifiers are proven to {_percent(lower)} only")


def sample_of(folder: Path) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """The manifest of a sample, and its documents by number.  Raises Stop."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        lines = (folder / SAMPLE).read_bytes().splitlines()
        return manifest, {line["number"]: line for line in map(json.loads, lines)}
    except (OSError, ValueError, KeyError):
        raise Stop(
            f"{folder} holds no sample: make one with `moiety deid review sample`."
        ) from None


def findings_of(file: Path, sample: str, numbers: set[int]) -> Findings:
    """What one reviewer saved.  Raises Stop where it is none, or of another sample."""
    try:
        read = json.loads(file.read_bytes())
        own = read["sample"] if read["format"] == "moiety-review-1" else None
        documents = [d for d in read["documents"] if d["number"] in numbers]
        done = frozenset(d["number"] for d in documents if d["read"])
        missed, wrong = (_places(documents, kind) for kind in ("missed", "wrong"))
        reviewer = str(read["reviewer"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Stop(f"{file} holds no findings: save them from the page of the sample.") from None
    if own != sample:
        raise Stop(f"{file} holds findings of another sample.")
    return Findings(reviewer, done, missed, wrong)


def _places(documents: Iterable[Mapping[str, Any]], kind: str) -> dict[int, list[Place]]:
    """The marks of one kind, by document; documents without one are left out."""
    found: dict[int, list[Place]] = {}
    for document in documents:
        for place in document["findings"]:
            if place["kind"] == kind and place["start"] < place["end"]:
                found.setdefault(document["number"], []).append(place)
    return found


def _merged(places: Iterable[Place]) -> Iterator[Place]:
    """Each stretch once, where reviewers marked it in turn."""
    kept: list[Place] = []
    for place in places:
        if not any(overlap(place, other) for other in kept):
            kept.append(place)
            yield place


def _is_planted(place: Place, canaries: Sequence[Place]) -> bool:
    return any(overlap(place, canary) for canary in canaries)


def overlap(one: Place, other: Place) -> bool:
    """Whether two stretches share a character."""
    return bool(one["start"] < other["end"] and other["start"] < one["end"])


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
