"""The last word on what rules and model only guess: all evidence of a word weighed together.

Rules and model each look at a place on its own.  Here small decision trees, grown on notes that the
model had not read, weigh what `evidence` gathers: they add words that several signs speak for, and
take back findings that nothing else bears out (gradient boosting: Friedman 2001,
doi:10.1214/aos/1013203451).  What a rule is sure of is not asked again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from moiety.deid.text import impersonal
from moiety.deid.text.labels import Label
from moiety.deid.text.learned import evidence
from moiety.deid.text.learned.model import Said
from moiety.deid.text.learned.reading import COUNTED, MEASURES, is_bare, may_count, whole
from moiety.deid.text.learned.trees import Judge, shipped_judge
from moiety.deid.text.spans import Span
from moiety.deid.text.terms import numbered
from moiety.deid.text.words import NUMBER, UPPER, Words

_MOST = 0.6
_TAKEN_BACK, _SHARE = 0.15, 0.6
"""Below this, or this share of a lower threshold, a finding of a rule is taken back: it has a reason,
after all.
"""
_APART = frozenset({Label.TELEPHONE, Label.EMAIL, Label.DATE, Label.DATE_OF_BIRTH, Label.POSTCODE})
"""Beside these a letter alone is nobody's."""
_TIES = frozenset({"-", "/", ".", ". ", " ", ""})


def judged(
    said: Said, spans: Sequence[Span], threshold: float, judge: Judge | None = None
) -> list[Span]:
    """The findings that stand, and the words that all evidence together speaks for.

    A word is added from the threshold on; what a rule found needs less.
    """
    judge, words, model = judge or shipped_judge(), said.words, said.model
    least = min(_TAKEN_BACK, threshold * _SHARE)
    added: list[Span] = []
    doubted: set[int] = set()
    covered = {i: span.label for span in spans for i in words.within(span.start, span.end)}
    for i, label, row in evidence.rows(said, spans):
        probability = judge.probability(row)
        if i in covered:
            if probability < least:
                doubted.add(i)
        elif probability >= threshold and _may_be(words, i, model.labels[label], covered):
            score = min(_MOST, probability)
            added.append(Span(words.starts[i], words.ends[i], model.labels[label], score, "judged"))
    kept = [left for span in spans for left in _left_of(words, span, doubted)] if doubted else spans
    return [*kept, *(span for span in _joined(words, added) if _may_count(words, span))]


def _may_be(words: Words, i: int, label: str, covered: Mapping[int, str]) -> bool:
    """Whether a word can be what the evidence says at all."""
    if label == Label.INITIALS and _is_measure(words, i, covered):
        return False
    if label == Label.NAME and impersonal.is_kind(words.low[i]) and numbered(words, i):
        return False  # `kit 774120`
    return _may_stand(words, i, covered)


def _may_stand(words: Words, i: int, covered: Mapping[int, str]) -> bool:
    """A letter or digit alone is part of a finding beside it, or nothing: `A. Farrow`, `3/4`."""
    if len(words.low[i]) > 1:
        return True
    apart = _APART if words.low[i].isalpha() else frozenset()
    before = i - 1 in covered and words.gaps[i - 1] in _TIES and covered[i - 1] not in apart
    after = i + 1 in covered and words.gaps[i] in _TIES and covered[i + 1] not in apart
    return before or after


def _is_measure(words: Words, i: int, covered: Mapping[int, str]) -> bool:
    """`5 mg`, `seen pm`, `Tu 6 Oct AM`, `back asap`: no letters of a person."""
    if words.low[i] not in MEASURES:
        return False
    behind = i > 0 and (i - 1 in covered or words.shapes[i - 1] == NUMBER)
    return behind or words.shapes[i] != UPPER


def _may_count(words: Words, span: Span) -> bool:
    """Whether a number is none that no weight of evidence makes a person's: `40/7`, `Plt 1012000`."""
    within = words.within(span.start, span.end)
    if len(within) == 1 and is_bare(words, within[0]):
        return False
    if span.label not in COUNTED or not any(words.shapes[i] == NUMBER for i in within):
        return True
    first, last = whole(words, within[0], bytearray(len(words.text) + 1))
    if span.label == Label.DATE and first == last:
        # A number alone identifies or not, whatever it is taken for.
        return not impersonal.is_code(words.text, span.start)
    return may_count(words, first, last, span.label, 1.0)


def _left_of(words: Words, span: Span, doubted: set[int]) -> Iterator[Span]:
    """A finding without doubted words at its ends; nothing where all are."""
    if span.score >= evidence.SURE:
        yield span
        return
    stands = [i for i in words.within(span.start, span.end) if i not in doubted]
    if len(stands) == len(words.within(span.start, span.end)):
        yield span
    elif stands:
        yield span.at(
            max(span.start, words.starts[stands[0]]), min(span.end, words.ends[stands[-1]])
        )


def _joined(words: Words, spans: Iterable[Span]) -> Iterator[Span]:
    """Words of one kind beside each other as one finding: `RD-24/0071`."""
    last: Span | None = None
    for span in spans:
        if (
            last
            and last.label == span.label
            and words.text[last.end : span.start] in _TIES
            and (span.label != Label.INITIALS)
        ):
            last = Span(last.start, span.end, span.label, min(last.score, span.score), span.why)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last
