"""All evidence weighed together: what is added, what is taken back, and what is never asked."""

import math
import random

import pytest

from moiety.deid.text import Options, detect
from moiety.deid.text.learned import BadModel, Judge, evidence, generating, judged, shipped
from moiety.deid.text.learned.trees import shipped_judge
from moiety.deid.text.spans import Span
from moiety.deid.text.words import split

EVERYBODY = Judge(9.0, (), {})
NOBODY = Judge(-9.0, (), {})
LETTERS = 34
"""The place in a row of how many letters the word has."""


def told(text, spans, judge, threshold=0.25):
    found = judged(shipped().on(split(text)), spans, threshold, judge)
    return {(text[span.start : span.end], span.why) for span in found}


def test_a_file_of_trees_is_read_back_as_it_was():
    judge = Judge(0.5, ((3, 1.5, -1.0, (0, 2.0, 0.25, 4.0)),), {"seed": 7})
    again = Judge.unpacked(judge.packed())
    assert again == judge
    rows = [(0.0, 0, 0, 1.0), (1.0, 0, 0, 2.0), (3.0, 0, 0, 2.0)]
    assert [again.probability(row) for row in rows] == pytest.approx(
        [0.37754, 0.67918, 0.98901], abs=1e-4
    )


@pytest.mark.parametrize("content", [b"", b"no trees", Judge(0.0, (), {}).packed()[:-9]])
def test_what_holds_no_trees_is_refused(content):
    with pytest.raises(BadModel):
        Judge.unpacked(content)


def test_the_trees_of_the_package_were_grown_from_its_lists_as_they_are():
    assert shipped_judge().about["lists"] == generating.digest(), "run benches/deid_judge.py"


def test_an_open_word_is_added_where_all_speaks_for_it_and_only_there():
    text = "reviewed with Marlowe in clinic"
    assert ("Marlowe", "judged") in told(text, [], EVERYBODY)
    assert not told(text, [], NOBODY)


def test_a_guess_is_taken_back_and_what_is_sure_is_not_even_asked():
    text = "seen by Ottoline Farrow"
    start = text.index("Ottoline")
    guess = Span(start, len(text), "NAME", 0.5, "two unknown words with capitals")
    sure = Span(start, len(text), "NAME", 0.95, "after a title")
    assert not told(text, [guess], NOBODY)
    assert told(text, [sure], NOBODY) == {("Ottoline Farrow", "after a title")}
    asked = {i for i, _label, _row in evidence.rows(shipped().on(split(text)), [sure])}
    assert not asked & {2, 3}


def test_the_end_of_a_finding_may_be_taken_back_alone():
    text = "Farrow reviewed"
    guess = Span(0, len(text), "NAME", 0.5, "beside a name")
    doubts_long_words = Judge(0.0, ((LETTERS, 7.0, 9.0, -9.0),), {})
    assert told(text, [guess], EVERYBODY) == {("Farrow reviewed", "beside a name")}
    assert told(text, [guess], doubts_long_words) == {("Farrow", "beside a name")}


def test_every_row_has_the_same_figures_and_no_word_in_them():
    text = "Pt d/w AB, bleep 4471. Ottoline is at Farrow House, ref RD-24/0071 since 3/4"
    rows = evidence.rows(shipped().on(split(text)), [])
    assert len({len(row) for _i, _label, row in rows}) == 1
    assert all(isinstance(figure, int | float) for _i, _label, row in rows for figure in row)


@pytest.mark.parametrize("text", ["", " ", "x", "7", "\n\n", "½", "a" * 5000])
def test_texts_with_hardly_a_word_are_read(text):
    assert isinstance(detect(text), list)


def test_without_the_model_nothing_is_judged():
    text = "Reviewed on the round. Plan agreed with Marlowe and with AB."
    assert "judged" not in {span.why for span in detect(text, options=Options(model=False))}


def test_a_letter_alone_is_part_of_a_finding_beside_it_or_nothing():
    text = "a Farrow\nb"
    name = Span(2, 8, "NAME", 0.95, "after a title")
    assert {word for word, _why in told(text, [name], EVERYBODY)} >= {"Farrow"}
    assert "b" not in {word for word, _why in told(text, [name], EVERYBODY)}
    assert "b" not in {word for word, _why in told("a\nb", [], EVERYBODY)}


def grown(pick, depth):
    """A tree that asks any figure anything, or a leaf."""
    if not depth or pick.random() < 0.2:
        return pick.uniform(-2, 2)
    left, right = (grown(pick, depth - 1) for _ in range(2))
    return pick.randrange(6), pick.choice([-1.0, 0.0, 0.5, 3.0]), left, right


def walked(node, row):
    """The leaf in which a row ends, question by question."""
    while isinstance(node, tuple):
        figure, most, left, right = node
        node = left if row[figure] <= most else right
    return node


def test_asked_all_at_once_trees_say_what_they_say_one_by_one():
    pick = random.Random(11)
    for _ in range(40):
        trees = tuple(grown(pick, 4) for _ in range(pick.randrange(12)))
        judge = Judge(0.25, trees, {})
        for _ in range(25):
            row = [pick.choice([-7.0, -1.0, 0.0, 0.25, 0.5, 3.0, 9.0]) for _ in range(6)]
            odds = 0.25 + sum(walked(tree, row) for tree in trees)
            assert judge.probability(row) == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-9)


def test_a_tree_of_more_leaves_than_are_read_is_refused():
    tree = 1.0
    for n in range(15):
        tree = (0, float(n), 0.0, tree)
    assert Judge(0.0, (tree,), {}).probability([20.0]) == pytest.approx(0.7310585786)
    with pytest.raises(BadModel, match="17 leaves"):
        Judge(0.0, ((0, 99.0, tree, 0.0),), {})
