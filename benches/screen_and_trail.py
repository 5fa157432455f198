"""The vault's screen and trail: documents screened a second, entries verified a second.

    python benches/screen_and_trail.py --documents 600 --entries 1000000

Screening: the vault as one process behind uvicorn, asked with letters of about 2,000 words, ten a
call by two clients and one a call by eight; beside it the comparison alone, which is the least that
the protocol can cost.  Verifying: a trail in PostgreSQL, read and checked whole by the command's
own function; beside it SHA-256 alone over as many octets.  Medians over the rounds.
"""

import argparse
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import ground
import sqlalchemy as sa

from linkage_vault import proofs, screening, trail
from linkage_vault.app import create_app
from linkage_vault.entries import Entry
from linkage_vault.keys import create_key_file, public_octets
from linkage_vault.link_rows import Pair, add
from linkage_vault.people_keys import create_people_key_file, people_key_path
from linkage_vault.settings import Settings
from moiety.commands import issue
from moiety.commands import trail as command
from moiety.deid.own import candidates, tokens, variants
from moiety.deid.own.variants import Name, Subject
from moiety.wire import screening as wire
from moiety.wire.exchange import connect
from moiety.wire.screening import Question

TOKEN = tokens.tokens_of(bytes(range(32)))
PLAIN = "the patient was seen in clinic and reports that symptoms improved since the last review"
SHAPES = {10: 2, 1: 8}  # documents a call: clients
NAMES = ("Adeyemi", "Larkspur", "Quigley", "Featherstone", "Oduya", "Kowalczyk", "Hardcastle")


def letter(rng: random.Random) -> str:
    """About 2,000 words: prose, some names, dates and numbers."""
    words: list[str] = []
    while len(words) < 2000:
        words += rng.sample(PLAIN.split(), 8)
        words += [f"{rng.choice(NAMES)}{rng.randrange(60)}".translate(_DIGITS)]
        words += [f"{rng.randrange(1, 29)}/{rng.randrange(1, 13)}/{rng.randrange(1950, 2026)}"]
    return " ".join(words)


_DIGITS = str.maketrans("0123456789", "abcdefghij")


def question(ehr_id, rng):
    """A question about a letter, as the clinical service makes it."""
    found = candidates.find(letter(rng))
    forms = list(dict.fromkeys(form for one in found for form in one.forms))
    nonce = tokens.fresh_nonce()
    blinded = tokens.split(tokens.blind(nonce, b"".join(map(TOKEN, forms))))
    return Question(ehr_id, nonce, b"".join(sorted(blinded)))


@contextmanager
def serving(here, folder, keys):
    """The vault, one process."""
    port = 20000 + random.randrange(30000)
    (folder / "url").write_text(here.cluster.url("vault_app", "vault"))
    (folder / "shred").write_text(here.cluster.url("shred_app", "shred"))
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ground.ROOT),
        "MOIETY_VAULT_DATABASE_URL_FILE": str(folder / "url"),
        "MOIETY_VAULT_KEY_FILE": str(keys),
        "MOIETY_VAULT_SHRED_DATABASE_URL_FILE": str(folder / "shred"),
    }  # fmt: skip
    program = [
        sys.executable, "-m", "uvicorn", "--factory", "linkage_vault.app:create_app", "--port",
        str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
        "--log-level", "critical",
    ]  # fmt: skip
    process = subprocess.Popen(program, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def screen(here, vault, folder, keys, arguments):
    """Documents a second over HTTP, and of the comparison alone."""
    rng = random.Random(5)
    person = Subject(names=(Name(("Margaret",), ("Featherstone",)),), birth_date="1951-04-12")
    told = b"".join(TOKEN(form) for form in variants.forms_of(person))
    ids = [(uuid4(), uuid4()) for _ in range(200)]
    with vault.engine.begin() as connection:
        add(connection, vault.keys, [Pair(person_id, ehr_id) for person_id, ehr_id in ids])
    for person_id, _ in ids:
        screening.tell(vault, person_id, told)
    token = issue.key(here.cluster.url("vault_migrator", "vault"), "vault", "main", label="bench",
                      scopes=frozenset({"screen:ask"}), life=timedelta(days=1))  # fmt: skip
    questions = [question(rng.choice(ids)[1], rng) for _ in range(arguments.documents)]
    size = statistics.mean(len(one.blinded) // 16 for one in questions)
    known = told + os.urandom(variants.MOST * tokens.SIZE - len(told))
    rates, least = {batch: [] for batch in SHAPES}, []
    with serving(here, folder, keys) as url:
        for _ in range(arguments.rounds):
            for batch, number in SHAPES.items():
                rates[batch].append(len(questions) / asked(url, token, questions, batch, number))
            started = time.perf_counter()
            for one in questions:
                tokens.compare(one.nonce, one.blinded, known)
            least.append(len(questions) / (time.perf_counter() - started))
    limit = statistics.median(least)
    for batch, number in SHAPES.items():
        got = statistics.median(rates[batch])
        print(f"screen: {got:.0f} documents/s of {size:.0f} tokens each over HTTP, {batch} a call,"
              f" {number} clients (target 500); comparison alone {limit:.0f}/s,"
              f" so {got / limit:.2f} of it")  # fmt: skip


def asked(url, token, questions, batch, number):
    """Seconds for all questions over HTTP, `batch` a call, by `number` clients at once."""
    calls = [questions[at : at + batch] for at in range(0, len(questions), batch)]
    clients = [connect(url, str(token), timeout=60) for _ in range(number)]
    started = time.perf_counter()
    with ThreadPoolExecutor(number) as threads:
        list(threads.map(lambda n: wire.screen(clients[n % number], calls[n]), range(len(calls))))
    took = time.perf_counter() - started
    for client in clients:
        client.close()
    return took


def verify(here, vault, arguments):
    """Entries a second."""
    url, public = (
        here.cluster.url("vault_migrator", "vault"),
        public_octets(vault.keys.tree_head_public).hex(),
    )
    entry = Entry(
        at=datetime.now(UTC), action="resolve_person", outcome="allowed", user_id=uuid4(),
        user_name=None, key_id="0123456789ab", purpose_of_use="TREAT", reason=None,
        subject=uuid4(), role="clinician",
    )  # fmt: skip
    started = time.perf_counter()
    for first in range(0, arguments.entries, 2000):
        trail.record_all(vault, [entry] * min(2000, arguments.entries - first))
    rate = arguments.entries / (time.perf_counter() - started)
    print(f"append: {rate:.0f} entries/s, 2,000 a transaction")
    with vault.engine.connect() as connection:
        octets = connection.scalar(sa.text("SELECT length(entry) FROM trail_leaf LIMIT 1"))
    times, bare = [], []
    for _ in range(arguments.rounds):
        started = time.perf_counter()
        report = command.verify(url, public, None)
        times.append(time.perf_counter() - started)
        assert report.fault is None, report.fault
        block = os.urandom(octets)
        started = time.perf_counter()
        for _ in range(report.size):
            hashlib.sha256(block).digest()
        bare.append(time.perf_counter() - started)
    took, least = statistics.median(times), statistics.median(bare)
    print(f"verify: {report.size} entries in {took:.1f} s (target 30 s a million);"
          f" SHA-256 alone {least:.2f} s, so {took / least:.1f} times it")  # fmt: skip
    times = []
    with vault.engine.connect() as connection:
        for _ in range(200):
            position = random.randrange(report.size)
            started = time.perf_counter()
            proofs.prove_inclusion(connection, position, size=report.size)
            times.append(time.perf_counter() - started)
    print(f"inclusion proof: {1000 * statistics.median(times):.2f} ms (target 5 ms)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=600)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with ground.running(arguments.folder) as here, tempfile.TemporaryDirectory() as name:
        folder, keys = Path(name), Path(name) / "vault.keys"
        create_key_file(keys)
        create_people_key_file(people_key_path(keys), "main")
        print(ground.conditions(here) if hasattr(ground, "conditions") else "")
        vault = create_app(
            Settings(
                database_url=here.cluster.url("vault_app", "vault"),
                shred_database_url=here.cluster.url("shred_app", "shred"),
                key_file=keys,
            )
        ).state.vaults["main"]
        screen(here, vault, folder, keys, arguments)
        verify(here, vault, arguments)
        vault.engine.dispose()


if __name__ == "__main__":
    main()
