"""Bounds, samples and scores, beside figures that another hand worked out."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from moiety.deid.text.proof import bounds, sampling, scoring

SHARED = Path(__file__).parents[4].parent / "shared"
DEV, SCORER = SHARED / "data/deid/dev.jsonl", SHARED / "tools/score_deid.py"

PROVEN = {59: (1, 0), 100: (4, 1), 200: (12, 4), 300: (21, 8), 400: (29, 12), 500: (38, 16)}
"""Documents that may fail of so many, and still 90 %, 95 % is proven: tables of Clopper–Pearson."""


@pytest.mark.parametrize(("n", "most"), PROVEN.items())
def test_the_exact_bound_proves_what_the_tables_say(n, most):
    """One more failing document, and it is proven no more."""
    for failing, share in zip(most, (0.90, 0.95), strict=True):
        assert bounds.clopper_pearson(n - failing, n) >= share
        assert bounds.clopper_pearson(n - failing - 1, n) < share


def test_the_exact_bound_without_a_failure_is_the_rule_of_three():
    """(1 − confidence) to the power of 1/n."""
    for n in (10, 59, 100, 500):
        assert pytest.approx(0.05 ** (1 / n), abs=1e-9) == bounds.clopper_pearson(n, n)


def test_of_a_small_population_more_is_known():
    """Who has read all knows all; of a large one the bound is that of a share."""
    assert 0.99 == bounds.of_population(99, 100, 100)
    assert bounds.of_population(99, 100, 150) > bounds.clopper_pearson(99, 100)
    large = bounds.of_population(99, 100, 1_000_000)
    assert pytest.approx(bounds.clopper_pearson(99, 100), abs=1e-5) == large


def test_wilson_stands_near_and_never_above_one():
    """95 of 100: textbooks give 0.8882 as the lower end of the two-sided interval."""
    assert pytest.approx(0.8882, abs=5e-5) == bounds.wilson(95, 100, confidence=0.975)
    assert bounds.wilson(100, 100) < 1


@pytest.mark.parametrize(("good", "n"), [(1, 0), (5, 4), (-1, 4)])
def test_a_share_of_nothing_is_refused(good, n):
    """And one of more than all."""
    with pytest.raises(ValueError, match="share"):
        bounds.clopper_pearson(good, n)


def test_clusters_tell_less_than_strangers():
    """A hundred identifiers in ten documents, all misses in one of them: the bound is lower."""
    clusters = [(10, 10)] * 9 + [(0, 10)]
    assert bounds.clustered(clusters, seed="x") < bounds.clopper_pearson(90, 100)
    assert bounds.clustered(clusters, seed="x") == bounds.clustered(clusters, seed="x")


def test_kappa_as_in_the_worked_example():
    """Cohen's own kind of table: 20 both yes, 15 both no, 5 and 10 apart: 0.4."""
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10
    pairs += [(False, False)] * 15
    assert pytest.approx(0.4) == bounds.kappa(pairs)
    assert bounds.kappa([(False, False)] * 5) is None
    assert bounds.kappa([]) is None


@pytest.mark.parametrize(
    ("population", "size"),
    [(1, 1), (99, 99), (100, 100), (10_000, 100), (10_001, 101), (50_000, 500), (10**6, 500)],
)
def test_one_in_a_hundred_at_least_100_at_most_500(population, size):
    """All of them where there are fewer than a hundred."""
    assert size == sampling.size(population)


def test_the_draw_follows_from_the_seed_alone():
    """The same seed draws the same documents, another others; the order of strata changes none."""

    def drawn(seed, strata):
        draw = sampling.Draw(seed)
        for number in range(1, 20_001):
            draw.see(number, strata[number % len(strata)])
        return draw.drawn()[0]

    assert drawn("a", ["x"]) == drawn("a", ["x"])
    assert drawn("a", ["x"]) != drawn("b", ["x"])
    assert 200 == len(drawn("a", ["x"])) == len(drawn("a", ["x", "y", "z"]))


def test_the_draw_is_even():
    """Each tenth of the file gives about a tenth of the sample, over many seeds."""
    tenths = Counter()
    for seed in range(100):
        draw = sampling.Draw(str(seed))
        for number in range(1000):
            draw.see(number)
        tenths.update(number // 100 for number in draw.drawn()[0])
    assert 10_000 == tenths.total()
    assert all(880 < count < 1120 for count in tenths.values()), tenths


def test_strata_are_shared_out_in_proportion_and_small_ones_topped_up():
    """A stratum of one in a thousand brings documents beside the sample."""
    assert {"letters": 90, "notes": 10} == sampling.shares({"letters": 9000, "notes": 1000})
    draw = sampling.Draw("seed", at_least=5)
    for number in range(10_000):
        draw.see(number, "rare" if number % 1000 == 0 else "usual")
    sample, extra = draw.drawn()
    assert 100 == len(sample)
    assert 5 == len({n for n in sample | extra if n % 1000 == 0})
    assert not sample & extra


GOLD = {
    "id": 1,
    "text": "Dr Ann Lee, seen 3/4. Lee's test 6/9.",
    "spans": [
        {"start": 3, "end": 10, "label": "NAME"},
        {"start": 17, "end": 20, "label": "DATE"},
    ],
    "ignore": [{"start": 0, "end": 2}],
    "traps": [{"start": 22, "end": 27}, {"start": 33, "end": 36}],
}


def figures(*spans):
    score = scoring.Score()
    score.add(GOLD, [{"start": a, "end": b, "label": label} for a, b, label in spans])
    return score.figures()


def test_an_identifier_that_is_left_in_part_is_missed():
    """But it was touched."""
    found = figures((3, 6, "NAME"), (17, 20, "NAME"))
    assert (0.5, 1.0) == (found["strict_recall"], found["any_overlap_recall"])
    assert {"DATE": 1.0, "NAME": 0.0} == found["per_label_recall"]
    assert 0.0 == found["label_agreement"]


def test_what_is_ignored_counts_neither_way_and_a_trap_counts_once_touched():
    """The title costs no precision; the eponym does."""
    assert 1.0 == figures((0, 10, "NAME"))["char_precision"]
    found = figures((0, 10, "NAME"), (24, 25, "NAME"))
    assert 0.5 == found["traps_redacted"]
    assert found["char_precision"] < 1


def test_a_document_without_predictions_is_all_missed():
    """It is one that was not found, not one that is left out."""
    found = figures()
    assert (0.0, 0.0, 2) == (
        found["strict_recall"], found["documents_zero_missed"], found["identifiers_missed"],
    )  # fmt: skip


def spoiled(document):
    """Predictions with every kind of fault: cut, shifted, left out, called otherwise, too much."""
    for i, span in enumerate(document["spans"]):
        start, end, label = span["start"], span["end"], span["label"]
        if i % 5 == 0:
            continue
        yield {"start": start + (i % 7 == 0), "end": end, "label": "NAME" if i % 3 else label}
    for i, trap in enumerate(document["traps"]):
        if i % 4 == 0:
            yield {"start": trap["start"], "end": trap["end"], "label": "DATE"}
    yield {"start": 0, "end": 12, "label": "NAME"}


@pytest.mark.skipif(not DEV.exists(), reason="needs the development set")
def test_the_scorer_of_another_hand_says_the_same(tmp_path):
    """On four hundred documents with every kind of fault, every figure is equal."""
    gold = [json.loads(line) for line in DEV.read_text(encoding="utf-8").splitlines()]
    predicted = {d["id"]: list(spoiled(d)) for d in gold}
    file = tmp_path / "pred.jsonl"
    file.write_text("".join(json.dumps({"id": k, "spans": s}) + "\n" for k, s in predicted.items()))
    done = subprocess.run(
        [sys.executable, SCORER, DEV, file, "--json"], capture_output=True, check=True
    )
    theirs = json.loads(done.stdout)
    score = scoring.Score()
    for document in gold:
        score.add(document, predicted[document["id"]])
    assert 0.5 < theirs["strict_recall"] < 0.9
    assert {k: v for k, v in theirs.items() if k != "documents_absent"} == score.figures()
