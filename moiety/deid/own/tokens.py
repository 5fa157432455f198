"""Tokens: normal forms under the screen key, and blinded for one question.

    token   = HMAC-SHA-256(screen key, form), first 16 octets
    blinded = HMAC-SHA-256(nonce, token), first 16 octets

Who asks and who knows the person hold the screen key; who compares holds tokens and learns neither
words nor, since every question has a fresh nonce, whether two questions asked the same.  16 octets:
two forms of one question meet by chance once in 2^64 questions of 2^32 tokens.
"""

import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

SIZE = 16
NONCE_SIZE = 16
KEY_SIZE = 32
_REMEMBERED = 100_000  # words of a language come again in every letter


def tokens_of(key: bytes) -> Callable[[str], bytes]:
    """A function from a form to its token under `key`, 32 octets, that remembers the common ones.

    Raises ValueError for a key of another length.
    """
    if len(key) != KEY_SIZE:
        raise ValueError(f"a screen key has {KEY_SIZE} octets, this one has {len(key)}")

    @lru_cache(maxsize=_REMEMBERED)
    def token(form: str) -> bytes:
        return hmac.digest(key, form.encode(), "sha256")[:SIZE]

    return token


def fresh_nonce() -> bytes:
    """A nonce for one question about one record."""
    return secrets.token_bytes(NONCE_SIZE)


def blind(nonce: bytes, tokens: Iterable[bytes]) -> list[bytes]:
    """Each token for this question alone."""
    digest = hmac.digest
    return [digest(nonce, token, "sha256")[:SIZE] for token in tokens]


def compare(nonce: bytes, asked: bytes, known: Sequence[bytes]) -> list[int]:
    """Which of the blinded tokens in `asked`, 16 octets each, are those of `known` tokens."""
    own = set(blind(nonce, known))
    return [
        place for place in range(len(asked) // SIZE)
        if asked[place * SIZE : (place + 1) * SIZE] in own
    ]  # fmt: skip
