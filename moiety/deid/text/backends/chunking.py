"""Long texts in pieces, for detectors that read only so much and leave the rest unsaid.

Pieces overlap, so that an identifier at the end of one is whole in the next.  A span that touches
an edge within the text may be cut, and stays all the same: the whole one covers it.
"""

import re
from collections.abc import Callable, Iterator

from moiety.deid.text.backends.protocol import BackendFailed
from moiety.deid.text.spans import Span

Detect = Callable[[str], list[Span]]

_LEAST = 4
SIZE, OVERLAP = 900, 200
"""Characters.  A model of 384 tokens reads 900 characters of prose; of digits alone about 400."""

_SPACE = re.compile(r"\s")


def pieces(text: str, size: int = SIZE, overlap: int = OVERLAP) -> Iterator[tuple[int, str]]:
    """Where each piece begins, and the piece; cut at white space where there is any near."""
    if not 0 <= overlap < size:
        raise ValueError("pieces overlap by less than their size")
    start = 0
    while True:
        end = min(len(text), start + size)
        if end < len(text):
            end = _last_space(text, start + overlap + 1, end)
        yield start, text[start:end]
        if end == len(text):
            return
        start = max(start + 1, _last_space(text, start + 1, max(start + 1, end - overlap)))


def detect(text: str, detector: Detect, size: int = SIZE, overlap: int = OVERLAP) -> list[Span]:
    """What the detector finds in every piece, with offsets in the whole text."""
    return [
        span.at(span.start + start, span.end + start)
        for start, piece in pieces(text, size, overlap)
        for span in detector(piece)
    ]


def halved(text: str, detector: Detect, name: str) -> list[Span]:
    """A piece that is still too long, as pieces of half its length that overlap by a quarter.

    Raises BackendFailed, with the detector's `name`, where so little text can't be too long.
    """
    if len(text) < _LEAST:
        raise BackendFailed(name, "a word of more tokens than the model reads")
    half = len(text) // 2
    return detect(text, detector, half + 1, half // 2)


def _last_space(text: str, low: int, high: int) -> int:
    """Just after the last white space in low:high, or `high` where there is none."""
    for at in range(high, low, -1):
        if _SPACE.match(text[at - 1]):
            return at
    return high
