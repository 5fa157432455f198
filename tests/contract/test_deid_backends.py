"""Detectors of other people, each with its real library where that is installed.

No model is downloaded: a small one is made here, in the form that the library reads, and taught the
names of the canary and a few more.  One that was taught nothing must be refused at the start.

    uv pip install moiety[huggingface] onnx gliner        (or medcat; or presidio and a spaCy model)
"""

import random

import pytest

from moiety.deid.text.backends import canary
from moiety.deid.text.backends.libraries import open_backend
from moiety.deid.text.backends.protocol import CanaryDied

# Libraries of other people warn of what they will change.
pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = sorted(
    {
        word
        for span in canary.planted()
        if span.label == "NAME"
        for word in canary.TEXT[span.start : span.end].split()
    }
    | {"Ngozi", "Quennell"}
)
OTHERS = sorted(set(canary.TEXT.replace(",", " ").replace(".", " ").split()) - set(NAMES))
PLAIN = [*OTHERS, "chest", "clear", "overnight", "stable", "1", ".", ",", "@", "/"]


def long_text():
    """Names at many places of a text that no model reads whole, and where they stand."""
    filler = "chest clear , stable overnight . "
    text, places = "", []
    for lead in range(0, 60, 3):
        text += filler * lead
        places += [(len(text), len(text) + len("Ngozi Quennell"))]
        text += "Ngozi Quennell " + "1/1/" * 40
    return text, places


def check(backend):
    """It finds the canary, and in a long text every name whole and no other letter or digit."""
    canary.check(backend)
    text, places = long_text()
    found = bytearray(len(text))
    for span in backend.detect(text):
        assert span.label == "NAME"
        found[span.start : span.end] = b"\1" * (span.end - span.start)
    wanted = bytearray(len(text))
    for start, end in places:
        wanted[start:end] = b"\1" * (end - start)
    wrong = [i for i, c in enumerate(text) if c.isalnum() and found[i] != wanted[i]]
    assert [] == wrong
    assert [] == backend.detect("")
    assert [] == backend.detect(" \n ")
    assert [] == backend.detect("\u200b😀\x00")


def sentences(count, longest=40):
    """Words in any order, and which of them are names."""
    pick = random.Random(1)
    for _ in range(count):
        words = [
            pick.choice(NAMES) if pick.random() < 0.3 else pick.choice(PLAIN)
            for _ in range(pick.randint(1, longest))
        ]
        yield words, [word in NAMES for word in words]


@pytest.fixture(scope="module")
def torch():
    found = pytest.importorskip("torch")
    found.manual_seed(1)
    return found


def vocabulary():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    return {word: at for at, word in enumerate(dict.fromkeys([*special, *NAMES, *PLAIN]))}


@pytest.fixture(scope="module")
def tokenizer():
    """Words, and what stands between them; it reads 64 tokens at most."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary(), unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=64,
    )  # fmt: skip


BILOU = ("O", "B-PATIENT", "L-PATIENT", "U-PATIENT")


def network(kinds=BILOU):
    import transformers

    return transformers.BertForTokenClassification(
        transformers.BertConfig(
            vocab_size=len(vocabulary()), hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=16, max_position_embeddings=66,
            id2label=dict(enumerate(kinds)), label2id={kind: at for at, kind in enumerate(kinds)},
        )
    )  # fmt: skip


def taught(torch, tokenizer, folder, kinds=BILOU):
    """A BERT of one layer, taught by transformers and saved in its form."""
    model = network(kinds)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for words, names in sentences(300):
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt", truncation=True)
        last = len(kinds) - 1
        labels = [-100 if at is None else last * names[at] for at in encoded.word_ids()]
        loss = model(**encoded, labels=torch.tensor([labels])).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def classifier(torch, tokenizer, tmp_path_factory):
    return taught(torch, tokenizer, tmp_path_factory.mktemp("taught"))


def test_a_model_of_transformers_reads_text_of_any_length(classifier):
    """With labels in the BILOU form; what is longer than it reads is not cut off."""
    check(open_backend("huggingface", {"model": str(classifier), "threshold": 0.5}))


def test_a_model_of_transformers_that_was_taught_nothing_is_refused(torch, tokenizer, tmp_path):
    """It runs, and finds nothing: that would hand every document on as it is."""
    model = network()
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([9.0, 0, 0, 0]))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(CanaryDied, match="huggingface leaves NAME"):
        canary.check(open_backend("huggingface", {"model": str(tmp_path)}))


def test_the_same_model_as_onnx_finds_the_same(torch, classifier, tmp_path_factory):
    """Exported by torch; run without it."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    import transformers

    model = transformers.AutoModelForTokenClassification.from_pretrained(classifier)
    ids = torch.ones(1, 7, dtype=torch.int64)
    names = ["input_ids", "attention_mask"]
    torch.onnx.export(
        model.eval(), (ids, ids), str(classifier / "model.onnx"), dynamo=False,
        input_names=names, output_names=["logits"],
        dynamic_axes={name: {1: "tokens"} for name in [*names, "logits"]},
    )  # fmt: skip
    backend = open_backend("onnx", {"model": str(classifier), "threshold": 0.5})
    check(backend)
    other = open_backend("huggingface", {"model": str(classifier), "threshold": 0.5})
    text, _ = long_text()
    assert [(s.start, s.end) for s in other.detect(text)] == [
        (s.start, s.end) for s in backend.detect(text)
    ]


def test_a_model_pack_of_medcat_reads_text_of_any_length(torch, tokenizer, tmp_path):
    """Made and saved by MedCAT around a model of transformers, as AnonCAT is."""
    pytest.importorskip("medcat")
    from medcat.cdb import CDB
    from medcat.components.ner.trf.deid import DeIdModel
    from medcat.config import Config
    from medcat.config.config_transformers_ner import ConfigTransformersNER

    folder = taught(torch, tokenizer, tmp_path / "taught", ("O", "PATIENT"))
    told = ConfigTransformersNER()
    told.general.model_name = str(folder)
    (tmp_path / "packs").mkdir()
    model = DeIdModel.create(CDB(Config()), told)
    pack = model.cat.save_model_pack(str(tmp_path / "packs"))
    check(open_backend("medcat", {"model": str(pack)}))


def test_a_model_of_gliner_reads_every_word_of_a_text_of_any_length(torch, tokenizer, tmp_path):
    """One that was taught nothing: asked for all that is thinkable it marks every word to the end,
    asked for what is sure it marks none, and is refused.
    """
    gliner = pytest.importorskip("gliner")
    import transformers

    kept = {"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 66}
    encoder = transformers.BertConfig(
        vocab_size=len(vocabulary()), hidden_size=16, intermediate_size=16, **kept
    )
    transformers.BertModel(encoder).save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    told = gliner.GLiNERConfig(
        model_name=str(tmp_path / "encoder"), hidden_size=16, max_len=40, max_width=3
    )
    gliner.GLiNER.from_config(told).save_pretrained(str(tmp_path / "model"))
    settings = {"model": str(tmp_path / "model"), "labels": {"person": "NAME"}}
    with pytest.raises(CanaryDied, match="gliner leaves"):
        canary.check(open_backend("gliner", settings | {"threshold": 0.9999}))
    backend = open_backend("gliner", settings | {"threshold": 0.0})
    canary.check(backend)
    text, _ = long_text()
    found = bytearray(len(text))
    for span in backend.detect(text):
        found[span.start : span.end] = b"\1" * (span.end - span.start)
    assert [] == [at for at, mark in enumerate(found) if not mark and text[at].isalnum()]
    assert [] == backend.detect(" \n ")
