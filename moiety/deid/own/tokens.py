"""Tokens: normal forms under the screen key, and blinded for one question.

    token   = HMAC-SHA-256(screen key, form), first 16 octets
    k       = SHA-256("moiety/screen/2" || nonce)
    blinded = AES-256(k, token) XOR token

Who asks and who knows the person hold the screen key; who compares holds tokens and learns neither
words nor, since every question has a fresh nonce, whether two questions asked the same.  16 octets:
two forms of one question meet by chance once in 2^64 questions of 2^32 tokens.

The blinding is Matyas, Meyer and Oseas's one-way function (ISO/IEC 10118-2): who knows k, as who
compares does, can run the cipher backwards but does not get to the token, which stands on both
sides.  With an ideal cipher, finding one of n tokens takes 2^128 / n tries (Black, Rogaway,
Shrimpton and Stam, "An analysis of the blockcipher-based hash functions from PGV", 2010).
"""

import hmac
import secrets
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

SIZE = 16
NONCE_SIZE = 16
KEY_SIZE = 32
_LABEL = b"moiety/screen/2"
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


def blind(nonce: bytes, tokens: bytes) -> bytes:
    """Each token, 16 octets one behind the other, for this question alone."""
    key = AES256(sha256(_LABEL + nonce).digest())
    # Single blocks, all in one call: what the cipher interface names ECB.
    turned = Cipher(key, ECB()).encryptor().update(tokens)  # noqa: S305  see above
    both = int.from_bytes(turned, "little") ^ int.from_bytes(tokens, "little")
    return both.to_bytes(len(tokens), "little")


def split(tokens: bytes) -> list[bytes]:
    """Tokens that stand one behind the other, each by itself."""
    return [tokens[at : at + SIZE] for at in range(0, len(tokens), SIZE)]


def compare(nonce: bytes, asked: bytes, known: bytes) -> list[int]:
    """The places of the blinded tokens in `asked` that are those of tokens in `known`."""
    own = blind(nonce, known)
    # The first halves, as numbers: most are nobody's, and the few others are looked for whole.
    heads = _heads(own)
    shared = set(heads).intersection(_heads(asked))
    found = (
        {_at(own, place) for place, head in enumerate(heads) if head in shared} if shared else ()
    )
    return sorted(place for token in found for place in _places(asked, token))


def _heads(tokens: bytes) -> list[int]:
    return memoryview(tokens).cast("Q")[::2].tolist()


def _at(tokens: bytes, place: int) -> bytes:
    return tokens[SIZE * place : SIZE * (place + 1)]


def _places(tokens: bytes, token: bytes) -> Iterator[int]:
    """Where a token stands among others."""
    at = tokens.find(token)
    while at >= 0:
        if at % SIZE == 0:
            yield at // SIZE
        at = tokens.find(token, at + 1)
