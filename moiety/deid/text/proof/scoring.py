"""Predicted spans beside gold ones.

Only letters and digits count; what a span is called does not matter for whether it was found.
`ignore` stretches count neither way; a trap (a clinical word that looks like an identifier) is
redacted when any of its letters is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Stretch = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missed:
    """An identifier that was left, whole or in part: where it stands, never what it says."""

    document: str
    label: str
    start: int
    end: int
    left: int


@dataclass
class Score:
    """Counts that add up over documents; the figures are shares of them."""

    documents: int = 0
    clean: int = 0
    none_left_whole: int = 0
    every: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    touched: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    gold_characters: int = 0
    gold_redacted: int = 0
    redacted: int = 0
    redacted_gold: int = 0
    other: int = 0
    other_redacted: int = 0
    stretches: int = 0
    stretches_good: int = 0
    traps: int = 0
    traps_redacted: int = 0
    missed: list[Missed] = field(default_factory=list)

    def add(self, gold: Mapping[str, Any], spans: Sequence[Stretch]) -> None:
        """Count one gold document with the spans that were predicted for it."""
        page = _Page.of(gold, spans)
        self.documents += 1
        self._count_identifiers(page)
        self._count_characters(page)
        self._count_stretches(page)
        for trap in gold.get("traps", ()):
            if counted := page.counted(trap):
                self.traps += 1
                self.traps_redacted += any(page.redacted[i] for i in counted)

    def _count_identifiers(self, page: "_Page") -> None:
        clean = touched = True
        for span in page.gold["spans"]:
            counted = page.counted(span)
            hit = sum(page.redacted[i] for i in counted)
            label = span["label"]
            self.every[label] += 1
            self.gold_characters += len(counted)
            self.gold_redacted += hit
            self.touched[label] += hit > 0
            touched = touched and hit > 0
            if hit == len(counted):
                self.whole[label] += 1
                self.agreed[label] += page.called(span) == label
                continue
            clean = False
            document, left = str(page.gold["id"]), len(counted) - hit
            self.missed.append(Missed(document, label, span["start"], span["end"], left))
        self.clean += clean
        self.none_left_whole += touched

    def _count_characters(self, page: "_Page") -> None:
        for i, counts in enumerate(page.alphanumeric):
            if not counts or page.ignored[i]:
                continue
            self.redacted += page.redacted[i]
            self.redacted_gold += page.redacted[i] and page.is_gold[i]
            if not page.is_gold[i]:
                self.other += 1
                self.other_redacted += page.redacted[i]

    def _count_stretches(self, page: "_Page") -> None:
        for start, end in page.stretches():
            counted = [
                i
                for i in range(start, end)
                if page.alphanumeric[i] and page.redacted[i] and not page.ignored[i]
            ]
            if counted:
                self.stretches += 1
                self.stretches_good += 2 * sum(page.is_gold[i] for i in counted) >= len(counted)

    def figures(self) -> dict[str, Any]:
        """Shares, rounded to four places; None where there was nothing to take a share of."""
        per_label = {k: _share(self.whole[k], self.every[k]) for k in sorted(self.every)}
        recalls = [recall for recall in per_label.values() if recall is not None]
        return {
            "documents": self.documents,
            "identifiers": self.every.total(),
            "identifiers_missed": len(self.missed),
            "strict_recall": _share(self.whole.total(), self.every.total()),
            "any_overlap_recall": _share(self.touched.total(), self.every.total()),
            "char_recall": _share(self.gold_redacted, self.gold_characters),
            "macro_recall": round(sum(recalls) / len(recalls), 4) if recalls else None,
            "char_precision": _share(self.redacted_gold, self.redacted),
            "entity_precision": _share(self.stretches_good, self.stretches),
            "traps_redacted": _share(self.traps_redacted, self.traps),
            "documents_zero_missed": _share(self.clean, self.documents),
            "documents_none_left_whole": _share(self.none_left_whole, self.documents),
            "non_phi_redacted": _share(self.other_redacted, self.other),
            "label_agreement": _share(self.agreed.total(), self.whole.total()),
            "per_label_recall": per_label,
        }


@dataclass(frozen=True, slots=True)
class _Page:
    """One gold document, character by character."""

    gold: Mapping[str, Any]
    spans: Sequence[Stretch]
    alphanumeric: list[bool]
    redacted: bytearray
    is_gold: bytearray
    ignored: bytearray

    @classmethod
    def of(cls, gold: Mapping[str, Any], spans: Sequence[Stretch]) -> "_Page":
        text: str = gold["text"]
        return cls(
            gold,
            spans,
            [c.isalnum() for c in text],
            _marked(len(text), spans),
            _marked(len(text), gold["spans"]),
            _marked(len(text), gold.get("ignore", ())),
        )

    def counted(self, span: Stretch) -> list[int]:
        return [i for i in range(span["start"], span["end"]) if self.alphanumeric[i]]

    def called(self, gold: Stretch) -> str | None:
        """The predicted label that covers most of a gold span."""
        cover: Counter[str] = Counter()
        for span in self.spans:
            shared = min(span["end"], gold["end"]) - max(span["start"], gold["start"])
            cover[span.get("label", "")] += max(0, shared)
        return cover.most_common(1)[0][0] if cover else None

    def stretches(self) -> Iterable[tuple[int, int]]:
        """Redacted runs; one space or sign between two redacted characters of a line joins them."""
        text, i, n = self.gold["text"], 0, len(self.redacted)
        while (start := self.redacted.find(1, i)) >= 0:
            end = start
            while end < n and (
                self.redacted[end]
                or (
                    not self.alphanumeric[end]
                    and end + 1 < n
                    and self.redacted[end + 1]
                    and text[end] != "\n"
                )
            ):
                end += 1
            yield start, end
            i = end + 1


def by_style(gold: Mapping[str, Any]) -> list[str]:
    """The letter styles of a gold document (`lower`, `upper`, `typo`); `plain` where none."""
    return list(gold.get("meta", {}).get("style") or ["plain"])


def by_template(gold: Mapping[str, Any]) -> list[str]:
    """The genre of a gold document."""
    return [str(gold.get("meta", {}).get("template", "?"))]


def _marked(n: int, spans: Iterable[Stretch]) -> bytearray:
    marks = bytearray(n)
    for span in spans:
        start, end = max(0, span["start"]), min(n, span["end"])
        marks[start:end] = b"\1" * max(0, end - start)
    return marks


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
