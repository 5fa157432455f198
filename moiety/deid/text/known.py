"""Identifiers of the subject, known in plain words or as keyed fingerprints.

A fingerprint is BLAKE2b under a key of the job.  Whoever holds the key can try guesses, so the key
lives as long as the job and is never written beside the fingerprints.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST_SHINGLE = 5
"""Words in a row that are tried together: `14 high street anytown` is four."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Keyed fingerprints of everything that identifies one subject."""

    key: bytes
    tokens: frozenset[bytes]

    @classmethod
    def of(cls, key: bytes, identifiers: Iterable[str]) -> "Fingerprints":
        """Of identifiers in plain words, each in the form in which a text is compared."""
        forms = {form for text in identifiers if (form := canonical(text))}
        return cls(key, frozenset(fingerprint(key, form) for form in forms))


def fingerprint(key: bytes, form: str) -> bytes:
    """Sixteen bytes for a canonical form."""
    return hashlib.blake2b(form.encode(), key=key, digest_size=16).digest()


def canonical(text: str) -> str:
    """Letters and digits alone, in lower case: `NW1 2BU` and `nw12bu` are the same."""
    return "".join(_WORD.findall(text.casefold())).replace("'", "").replace("’", "")


def matches(text: str, fingerprints: Fingerprints) -> Iterator[tuple[int, int]]:
    """The stretches of `text` whose fingerprint is one of these: offsets, end exclusive."""
    words = list(_WORD.finditer(text))
    seen: dict[str, bool] = {}
    for i, first in enumerate(words):
        for last in words[i : i + LONGEST_SHINGLE]:
            form = canonical(text[first.start() : last.end()])
            if form not in seen:
                seen[form] = fingerprint(fingerprints.key, form) in fingerprints.tokens
            if seen[form]:
                yield first.start(), last.end()
