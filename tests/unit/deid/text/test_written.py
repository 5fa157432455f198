"""Notes written by hand, with other people in them: what the model learns from."""

import random

import pytest

from moiety.deid.text import Label
from moiety.deid.text.learned import generating, written

NOTE = (
    "=== visit\n"
    "Seen at home by [INITIALS:PL]. [NAME:Meirion Tudor], [?:Mr] [NAME:TUDOR]'s son, and [INITIALS:pl]"
    " agree: [!:6/52] of rest at [ADDRESS_LINE:Heron Lane]. [NAME:Meirion] rings 2 May.\n"
    "=== nobody\n"
    "Slept well.\n"
)


def test_a_text_is_read_in_pieces_with_their_kinds():
    """Marks identify, trap or may go either way; all else is ordinary, and nothing is lost."""
    visit, nobody = written.texts(NOTE)
    assert (("", "Slept well."),) == nobody
    assert ("INITIALS", "PL") == visit[1]
    assert ("!", "6/52") in visit
    assert ("?", "Mr") in visit
    assert ("", " rings 2 May.") == visit[-1]


@pytest.mark.parametrize("seed", range(20))
def test_who_plays_somebody_plays_them_all_through_the_text(seed):
    """One name for one name, in the case that each place has; streets stay streets."""
    draws = {Label.NAME: lambda _: "Zeb", Label.ADDRESS_LINE: lambda _: "Yarn"}
    cast = written.Cast(draws, random.Random(seed))
    told = [(kind, cast.plays(kind, words)) for kind, words in written.texts(NOTE)[0]]
    names = [words for kind, words in told if kind == Label.NAME]
    assert names[2] in {"Meirion", names[0].split()[0]}
    assert names[1].isupper()
    (street,) = [words for kind, words in told if kind == Label.ADDRESS_LINE]
    assert street.endswith(" Lane")
    initials = [words for kind, words in told if kind == Label.INITIALS]
    assert [2, 2] == [len(one) for one in initials]
    assert initials[1].islower()
    assert [one for one in written.texts(NOTE)[0] if one[0] in written.PLAIN] == [
        one for one in told if one[0] in written.PLAIN
    ]


def test_other_people_do_come():
    """The same note, told often enough, names others; the control is one that nobody plays in."""
    visit, nobody = written.texts(NOTE)
    draws = {Label.NAME: lambda _: "Zeb"}
    told = {
        tuple(cast.plays(*piece) for piece in visit)
        for cast in (written.Cast(draws, random.Random(n)) for n in range(20))
    }
    assert len(told) > 5
    assert "Slept well." == written.Cast(draws, random.Random(1)).plays(*nobody[0])


def test_the_notes_of_the_package_are_marked_as_the_labels_are():
    """No mark of an unknown kind, no bracket left over, and every kind is there."""
    kinds = {kind for note in written.notes() for kind, _ in note}
    assert {*Label, *written.PLAIN} == kinds
    assert [] == [words for note in written.notes() for _, words in note if "[" in words]


def test_examples_are_notes_and_sentences():
    """The spans of every example lie in its text and hold letters or digits."""
    for example in generating.examples(60, seed=5):
        for span in example.spans:
            assert any(c.isalnum() for c in example.text[span.start : span.end])


def test_an_excerpt_is_one_line_to_three_with_their_marks_and_nothing_between_is_lost():
    note = (
        ("", "Seen by "),
        ("NAME", "Zeb"),
        ("", ".\n\nWell, "),
        ("!", "6/52"),
        ("", ".\nHome.\nEnd"),
    )
    whole = "".join(words for _kind, words in note).replace("\n\n", "\n")
    seen = set()
    for seed in range(60):
        some = written.excerpt(note, random.Random(seed))
        told = "".join(words for _kind, words in some)
        assert told
        assert told in whole
        assert 1 <= len(told.split("\n")) <= 3
        assert (("NAME", "Zeb") in some) == ("Zeb" in told)
        seen.add(told)
    assert {"Seen by Zeb.", "Well, 6/52.\nHome."} <= seen
