"""What is surely known of subjects: identifiers in plain words, or as keyed fingerprints.

Who holds identities writes fingerprints under a key of one job; who holds texts finds with them
what is in the texts, and never sees the rest.  Whoever has the key can try guesses: it lives as
long as the job, in a file of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moiety.commands.deid.jsonl import parsed
from moiety.commands.options import Stop
from moiety.deid.text import Fingerprints
from moiety.deid.text.subject import variants


@dataclass(frozen=True, slots=True)
class Known:
    """By subject: phrases, and fingerprints."""

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    prints: Mapping[str, Fingerprints] = field(default_factory=dict, repr=False)
    file: str = ""

    def of(self, subject: str) -> tuple[tuple[str, ...], Fingerprints | None]:
        """What is known of one subject."""
        return self.words.get(subject, ()), self.prints.get(subject)


def read(file: Path | None, job_key: bytes | None) -> Known:
    """Lines `{"subject", "known": [phrases]}` or `{"subject", "tokens": [fingerprints]}`.

    Raises Stop at a line that is neither, and where fingerprints come without their key.
    """
    if file is None:
        return Known()
    words: dict[str, tuple[str, ...]] = {}
    tokens: dict[str, frozenset[bytes]] = {}
    for number, line in _lines(file):
        subject = str(line.get("subject", ""))
        if isinstance(line.get("known"), list):
            words[subject] = (*words.get(subject, ()), *map(str, line["known"]))
        elif (own := _tokens(line.get("tokens"))) is not None:
            tokens[subject] = tokens.get(subject, frozenset()) | own
        else:
            raise Stop(f'{file}: line {number} is not {{"subject", "known": [...]}}.')
    if tokens and job_key is None:
        raise Stop(f"{file} holds fingerprints: give the key of the job with --job-key-file.")
    key = job_key or b""
    return Known(words, {s: Fingerprints(key, own) for s, own in tokens.items()}, _mark(file))


def fingerprinted(file: Path, job_key: bytes) -> Iterator[dict[str, Any]]:
    """Each subject's phrases, and the parts of them that identify alone, as fingerprints."""
    for subject, words in read(file, None).words.items():
        own = Fingerprints.of(job_key, variants(words))
        yield {"subject": subject, "tokens": sorted(token.hex() for token in own.tokens)}


def _mark(file: Path) -> str:
    """Tells a file from what it was: name, size and time."""
    told = file.stat()
    return f"{file.name} {told.st_size} {told.st_mtime_ns}"


def _tokens(read: Any) -> frozenset[bytes] | None:
    try:
        return frozenset(map(bytes.fromhex, read)) if isinstance(read, list) else None
    except (ValueError, TypeError):
        return None


def _lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                told = parsed(line)
                yield number, told if isinstance(told, dict) else {}
    except OSError as error:
        raise Stop(f"{file} can't be read: {error.strerror}.") from None
