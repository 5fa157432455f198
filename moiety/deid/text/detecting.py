"""A text → the spans that identify somebody."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from moiety.deid.text import (
    address_fields,
    addresses,
    calling,
    conversions,
    cues,
    dates,
    dwellings,
    fields,
    foreign_streets,
    initials,
    learned,
    living,
    messages,
    nicknamed,
    numbers,
    organisations,
    people,
    propagating,
    rounding,
    said_emails,
    site,
    spelt_names,
    subject,
    tabulated,
    widening,
)
from moiety.deid.text.closing_gaps import closed
from moiety.deid.text.context import Context
from moiety.deid.text.edges import edged
from moiety.deid.text.joining import LISTED
from moiety.deid.text.labels import Label
from moiety.deid.text.normalising import Normalised, normalise
from moiety.deid.text.options import DEFAULT, Options
from moiety.deid.text.spans import Span, resolve, worded
from moiety.deid.text.sparing import is_never_taken
from moiety.deid.text.words import Words, split

PIECE = 20_000
"""Characters that are read at once: what a rule may cost grows with them, not with the text."""

_NO_CONTEXT = Context()


def detect(text: str, *, options: Options = DEFAULT, context: Context | None = None) -> list[Span]:
    """Every identifier in `text`, in order, none overlapping; offsets are of `text` itself."""
    return detect_record([text], options=options, context=context)[0]


def detect_record(
    texts: Sequence[str], *, options: Options = DEFAULT, context: Context | None = None
) -> list[list[Span]]:
    """The spans of each document of one record: a name found in one is found in all.

    Raises BadOption where a format of the site can't be used.
    """
    context = context or _NO_CONTEXT
    ways = [normalise(text) for text in texts]
    read = [[_read(piece, at, options, context) for at, piece in _pieces(way.text)] for way in ways]
    found = [name for pieces in read for piece in pieces for name in piece.names]
    names = _names(tuple(dict.fromkeys((*found, *context.names, *context.known))))
    letters = initials.of_names(dict.fromkeys(found))
    surnames = frozenset(name.rsplit(" ", 1)[-1].lower() for name in found)
    out = []
    for text, way, pieces in zip(texts, ways, read, strict=True):
        spans = [
            span for piece in pieces for span in _again(piece, names, (letters, surnames), options)
        ]
        out.append(_given_back(text, way, spans, options, context))
    return out


class _Piece:
    """A stretch of a normalised text with its words, what was found in it, what is taken, and what
    the model says of it where it is asked.
    """

    __slots__ = ("names", "place", "said", "spans", "taken", "words")

    def __init__(self, words: Words, place: int, spans: list[Span]) -> None:
        self.words, self.place, self.spans = words, place, spans
        self.taken = bytearray(len(words.text) + 1)
        self.names: list[str] = []
        self.said: learned.Said | None = None
        self.take(spans)

    def take(self, spans: Iterable[Span]) -> None:
        for span in spans:
            self.taken[span.start : span.end] = b"\1" * (span.end - span.start)


def _pieces(text: str) -> list[tuple[int, str]]:
    """The text in pieces that end with a line, or with a word where a line is too long."""
    if len(text) <= PIECE:
        return [(0, text)]
    out, start = [], 0
    while start < len(text):
        end = min(len(text), start + PIECE)
        if end < len(text):
            cut = max(text.rfind("\n", start + PIECE // 2, end), start)
            cut = cut if cut > start else text.rfind(" ", start + PIECE // 2, end)
            end = cut + 1 if cut > start else end
        out.append((start, text[start:end]))
        start = end
    return out


def _read(text: str, place: int, options: Options, context: Context) -> _Piece:
    """What rules find in one piece."""
    words = split(text)
    places = cues.places(words)
    found = [
        *numbers.find(words, places),
        *dates.find(words, places),
        *messages.find(text),
        *tabulated.find(text),
        *site.find(text, options),
        *spelt_names.find(words),
        *said_emails.find(words),
    ]
    postcodes = [span for span in found if span.label == Label.POSTCODE]
    piece = _Piece(words, place, found)
    institutions = list(organisations.find(words))
    piece.take(institutions)
    lines = [
        *addresses.find(words, places, postcodes), *living.find(words, places),
        *dwellings.find(words, places), *address_fields.find(words, places, postcodes),
        *conversions.find(words), *foreign_streets.find(words, places),
    ]  # fmt: skip
    lines = widening.merged([*lines, *widening.find(words, lines)])
    piece.take(lines)
    rest = [*found, *institutions, *lines]
    persons = [*people.find(words, piece.taken), *nicknamed.told(words)]
    guessed = []
    if options.model:
        said = piece.said = learned.opened(options.weights).on(words)
        persons = learned.believed(said, persons, rest)
        piece.take(persons)
        guessed = list(learned.find(said, piece.taken, [*rest, *persons], options.threshold))
    whole = list(rounding.whole(words, [*persons, *guessed]))
    piece.take(whole)
    piece.spans = [*rest, *whole]
    piece.spans += dates.births(text, piece.spans)
    piece.spans += calling.behind_names(text, [*whole, *institutions])
    piece.names = [text[s.start : s.end] for s in persons if s.score >= LISTED]
    piece.names += [text[s.start : s.end] for s in whole if s.why in nicknamed.WHY]
    del context
    return piece


@lru_cache(maxsize=8)
def _names(found: tuple[str, ...]) -> propagating.Names:
    return propagating.names_of(found)


def _again(
    piece: _Piece,
    names: propagating.Names,
    known: tuple[frozenset[str], frozenset[str]],
    options: Options,
) -> list[Span]:
    """What one piece holds once all names are known; offsets of the whole normalised text.

    `known`: the initials of the names, and their last words.
    """
    more = list(propagating.find(piece.words, piece.taken, names))
    piece.take(more)
    letters = list(initials.find(piece.words, piece.taken, *known))
    own = [*piece.spans, *more]
    own += initials.behind_names(piece.words.text, own)
    if piece.said:
        letters = learned.believed(piece.said, letters, own)
        own = learned.judged(piece.said, [*own, *letters], options.threshold)
    else:
        own += letters
    own = [span for span in _apart(own) if not is_never_taken(piece.words, span)]
    own = [edged(piece.words, span) for span in closed(piece.words, own)]
    place = piece.place
    return [span.at(span.start + place, span.end + place) for span in own] if place else own


def _apart(spans: Iterable[Span]) -> Iterable[Span]:
    """Of findings that have place and label in common the surest."""
    best: dict[tuple[int, int, str], Span] = {}
    for span in spans:
        key = (span.start, span.end, span.label)
        if key not in best or span.score > best[key].score:
            best[key] = span
    return best.values()


def _given_back(
    text: str, way: Normalised, spans: list[Span], options: Options, context: Context
) -> list[Span]:
    """Offsets of the given text, known identifiers, whole fields; the site's choice of labels."""
    own = [_moved(span, way) for span in spans]
    own += subject.find(way, context)
    own += fields.find(text, context)
    kept = options.keep
    return worded(text, resolve(
        span for span in own
        if span.label in options.labels and not (kept and text[span.start : span.end].lower() in kept)
    ))  # fmt: skip


def _moved(span: Span, way: Normalised) -> Span:
    return span.at(*way.source(span.start, span.end))
