"""`moiety deid evaluate`: what was found beside what stands there."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moiety.commands.deid.jsonl import parsed
from moiety.commands.options import Stop
from moiety.deid.text.proof.scoring import Missed, Score, by_style, by_template

GROUPS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "style": by_style,
    "template": by_template,
}
_MAIN = (
    "documents", "strict_recall", "char_recall", "char_precision", "traps_redacted",
    "documents_zero_missed",
)  # fmt: skip
_PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A stretch that was redacted and holds no letter or digit of an identifier."""

    document: str
    label: str
    start: int
    end: int


@dataclass
class Evaluation:
    """The figures of all documents, of each group of them, and where the errors are."""

    score: Score = field(default_factory=Score)
    groups: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    wrong: list[Wrong] = field(default_factory=list)
    absent: int = 0

    def figures(self, by: str = "style") -> dict[str, Any]:
        """As one JSON object; with groups where there is more than one."""
        whole = self.score.figures() | {"documents_absent": self.absent}
        if len(self.groups) > 1:
            whole[f"by_{by}"] = {
                name: {key: score.figures()[key] for key in _MAIN}
                for name, score in sorted(self.groups.items())
            }
        return whole


def evaluate(gold: Path, predicted: Path, by: str = "style") -> Evaluation:
    """Score a file of predictions.  Raises Stop where a line is none, or a text is another."""
    spans = _predictions(predicted)
    told = Evaluation()
    seen: set[str] = set()
    for number, document in _lines(gold):
        name = _id(document)
        if not isinstance(document.get("text"), str) or not isinstance(document.get("spans"), list):
            raise Stop(f"{gold}: line {number} has no text and spans: is it a gold file?")
        for key in ("spans", "ignore", "traps"):
            if not _stand_in(document["text"], document.get(key, []), labelled=key == "spans"):
                raise Stop(
                    f"{gold}: in line {number} not all {key} are start and end in the text"
                    f"{' with a label' if key == 'spans' else ''}; end is exclusive."
                )
        text, own = spans.get(name, (None, ()))
        if text is not None and text != document["text"]:
            raise Stop(
                f"{predicted}: the text of the document in line {number} of {gold} is another: "
                "offsets would not mean the same. Were identifiers replaced?"
            )
        seen.add(name)
        told.absent += name not in spans
        told.score.add(document, own)
        for group in GROUPS[by](document):
            told.groups[group].add(document, own)
        told.wrong += _wrong(document, own)
    if unknown := len(set(spans) - seen):
        raise Stop(f"{predicted} has {unknown} documents that are not in {gold}.")
    return told


def show(told: Evaluation, by: str = "style") -> Iterator[str]:
    """The figures in lines, the groups as a table."""
    for key, value in told.figures(by).items():
        if key == f"by_{by}":
            yield from _table(key, value)
        elif isinstance(value, dict):
            yield key
            yield from (f"  {name:24} {_figure(inner)}" for name, inner in value.items())
        else:
            yield f"{key:26} {_figure(value)}"


def _table(name: str, groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line a group; how far its strict recall lies from that of plain texts, in points."""
    plain = groups.get(_PLAIN, {}).get("strict_recall")
    columns = [*_MAIN[:2], "beside_plain", *_MAIN[2:]]
    wide = max(map(len, groups))
    yield f"{name:{wide + 2}}  {'  '.join(columns)}"
    for group, figures in groups.items():
        recall = figures["strict_recall"]
        apart = None if group == _PLAIN or None in (plain, recall) else 100 * (recall - plain)
        shown = {**figures, "beside_plain": "" if apart is None else f"{apart:+.2f}"}
        cells = (f"{_figure(shown[column]):>{len(column)}}" for column in columns)
        yield f"  {group:{max(wide, len(name) - 2)}}  {'  '.join(cells)}"


def errors(
    told: Evaluation, gold: Path, *, missed: int, wrong: int, around: int | None
) -> Iterator[str]:
    """Where errors are; with the words around them only where `around` says how many letters."""
    chosen: list[Missed | Wrong] = [*told.score.missed[:missed], *told.wrong[:wrong]]
    names = {one.document for one in chosen}
    texts = {}
    if around is not None:
        texts = {_id(d): d["text"] for _, d in _lines(gold) if _id(d) in names}
    for one in chosen:
        kind = "missed" if isinstance(one, Missed) else "wrong"
        line: dict[str, Any] = {
            "error": kind, "id": one.document, "label": one.label, "start": one.start,
            "end": one.end,
        }  # fmt: skip
        if isinstance(one, Missed):
            line["left"] = one.left
        if around is not None:
            line["text"] = _around(texts[one.document], one.start, one.end, around)
        yield json.dumps(line, ensure_ascii=False)


def _stand_in(text: str, stretches: Any, *, labelled: bool) -> bool:
    """Whether all are stretches of the text, with a label where one is asked for."""
    return isinstance(stretches, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("start"), int)
        and isinstance(one.get("end"), int)
        and 0 <= one["start"] <= one["end"] <= len(text)
        and (not labelled or isinstance(one.get("label"), str))
        for one in stretches
    )


def _around(text: str, start: int, end: int, letters: int) -> str:
    before, after = text[max(0, start - letters) : start], text[end : end + letters]
    return f"{before}⟦{text[start:end]}⟧{after}"


def _wrong(document: Mapping[str, Any], spans: Sequence[Mapping[str, Any]]) -> Iterator[Wrong]:
    text = document["text"]
    right = bytearray(len(text))
    for span in (*document["spans"], *document.get("ignore", ())):
        right[span["start"] : span["end"]] = b"\1" * (span["end"] - span["start"])
    for span in spans:
        stretch = range(max(0, span["start"]), min(len(text), span["end"]))
        if any(text[i].isalnum() for i in stretch) and not any(right[i] for i in stretch):
            yield Wrong(_id(document), str(span.get("label")), span["start"], span["end"])


def _predictions(file: Path) -> dict[str, tuple[str | None, Sequence[Mapping[str, Any]]]]:
    found: dict[str, tuple[str | None, Sequence[Mapping[str, Any]]]] = {}
    for number, line in _lines(file):
        spans = line.get("spans")
        fits = isinstance(spans, list) and all(
            isinstance(s, dict)
            and isinstance(s.get("start"), int)
            and isinstance(s.get("end"), int)
            for s in spans
        )
        if "id" not in line or not fits or not isinstance(spans, list):
            raise Stop(f"{file}: line {number} has no id and spans.")
        found[_id(line)] = (line.get("text"), spans)
    return found


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                read = parsed(line)
                if isinstance(read, str):
                    raise Stop(f"{file}: line {number} is no JSON object.")
                yield number, read
    except OSError as error:
        raise Stop(f"{file} can't be read: {error.strerror}.") from None


def _id(document: Mapping[str, Any]) -> str:
    return str(document.get("id"))


def _figure(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "–" if value is None else str(value)
