"""Pseudonyms made and led back a second, entries of the access log sealed a second, in one process.

    python benches/pseudonyms.py --ids 200000 --rounds 5

Beside the permutation stands what it is chosen over: an HMAC for each id, which needs a table to go
back.  Beside the access log stands AES-256-GCM alone over as many octets.  Medians of the rounds,
in seconds of processor time, since other work may share the machine.
"""

import argparse
import hmac
import os
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import ground
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from moiety.deid.pseudonyms import Kind, Pseudonyms
from moiety.kit.accesses import Access, AccessKey


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    ids = [uuid4() for _ in range(asked.ids)]
    pseudonyms = Pseudonyms(secrets.token_bytes(32), uuid4())
    made = pseudonyms.pseudonymise(Kind.EHR, ids)
    secret = secrets.token_bytes(32)
    key, bare = AccessKey(secrets.token_hex(32)), AESGCM(secrets.token_bytes(32))
    entry = Access(uuid4(), datetime.now(UTC), "0123456789ab", uuid4(), "GET /openehr/v1/ehr/{id}")
    fewer = ids[: asked.ids // 4]
    padding = bytes(384)
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "pseudonymise": (asked.ids, lambda: pseudonyms.pseudonymise(Kind.EHR, ids)),
        "reverse": (asked.ids, lambda: pseudonyms.reverse(Kind.EHR, made)),
        "HMAC for each id": (
            asked.ids,
            lambda: [UUID(bytes=hmac.digest(secret, one.bytes, "sha256")[:16]) for one in ids],
        ),
        "access log, seal": (len(fewer), lambda: [key.seal(one, entry) for one in fewer]),
        "AES-GCM alone": (
            len(fewer),
            lambda: [bare.encrypt(secrets.token_bytes(12), padding, b"") for _ in fewer],
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(asked.rounds):
        for name, (_, work) in works.items():
            started = time.process_time()
            work()
            seconds[name].append(time.process_time() - started)
    lines: list[dict[str, object]] = []
    for name, (count, _) in works.items():
        rate = round(count / ground.median(seconds[name]))
        lines.append(
            {
                "at": datetime.now(UTC).date().isoformat(), "what": name, "count": count,
                "a_second": rate, "load": os.getloadavg()[0],
            }
        )  # fmt: skip
        print(f"{name:20} {rate:>12,} a second")
    ground.record("pseudonyms", lines)


if __name__ == "__main__":
    main()
