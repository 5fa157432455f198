"""Can a caller who is refused tell why, by how long it took?

    python benches/vault_oracle.py [--calls 10000] [--step 0.05] [--control-calls 3000]

Three kinds of question in random order, one at a time over one connection, of a vault in a process
of its own, with trail, limits and policy on:

    unknown    a clinician asks for care about a person who has no record
    refused    the same clinician asks about a person with a record, for a purpose that is not given
    nobody     the same for a person without a record: what the refused one must not be told from

All answers must be equal but for their trace id.  A classifier (a likelihood ratio over thirty
quantiles of the time, learnt on every other call) is then asked to tell each pair apart; its AUC
on the calls it has not seen is the result.  0.5 is a coin, whose AUC over 10,000 calls of three
kinds varies by about 0.01.

Controls: the same with the steps off; and with a leak of five milliseconds planted for one kind,
which the classifier must find without the steps and must not find with them.

Results: benches/results/vault_oracle.jsonl.
"""

import argparse
import bisect
import contextlib
import http.client
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from starlette.middleware import Middleware

from linkage_vault.app import create_app
from moiety.commands import desk, issue
from moiety.kit.errors import Unavailable
from moiety.wire import vault as wire
from moiety.wire.exchange import connect

KINDS = ("unknown", "refused", "nobody")
PAIRS = (("unknown", "refused"), ("unknown", "nobody"), ("refused", "nobody"))
RESULTS = Path(__file__).parent / "results/vault_oracle.jsonl"
LINKED = 400


def main():
    """Measure with steps and without, with and without a planted leak; exit 1 over the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=10_000)
    arguments.add_argument("--step", type=float, default=0.05)
    arguments.add_argument("--control-calls", type=int, default=3000)
    given = arguments.parse_args()
    found = {}
    for name, step, leak, calls in (
        ("steps", given.step, 0.0, given.calls),
        ("steps, planted leak", given.step, 0.005, given.control_calls),
        ("no steps", 0.0, 0.0, given.control_calls),
        ("no steps, planted leak", 0.0, 0.005, given.control_calls),
    ):
        found[name] = one_run(name, step, leak, calls)
    worst = max(found["steps"].values())
    blind = max(found["no steps, planted leak"].values()) < 0.6
    print(f"worst AUC with steps {worst:.3f}; the classifier {'is blind' if blind else 'sees'}")
    sys.exit(1 if worst > 0.53 or blind else 0)


def one_run(name, step, leak, calls):
    """The AUC of each pair."""
    with (
        tempfile.TemporaryDirectory(prefix="moiety-oracle-") as home,
        _vault(Path(home), step, leak) as (
            port,
            key,
            linked,
        ),
    ):
        times, bodies = measure(port, key, linked, calls, leak)
    aucs = {f"{a} / {b}": separability(times[a], times[b]) for a, b in PAIRS}
    row = {
        "at": time.strftime("%Y-%m-%d"), "run": name, "step_ms": step * 1000, "calls": calls,
        "median_ms": {k: round(statistics.median(v) * 1000, 3) for k, v in times.items()},
        "auc": {pair: round(auc, 4) for pair, auc in aucs.items()}, "answers": len(bodies),
    }  # fmt: skip
    print(json.dumps(row))
    assert len(bodies) == 1, bodies
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
    return aucs


def measure(port, key, linked, calls, leak):
    """Seconds of each kind, and the different answers there were."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times, bodies = {kind: [] for kind in KINDS}, set()
    order = [KINDS[n % 3] for n in range(calls)]
    random.shuffle(order)
    for number, kind in enumerate([*order[:50], *order]):
        person = random.choice(linked) if kind == "refused" else uuid4()
        purpose = "TREAT" if kind == "unknown" else "HRESCH"
        body = json.dumps({"person_id": str(person), "purpose_of_use": purpose})
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if leak and kind == "refused":
            headers["X-Leak"] = "1"
        started = time.perf_counter()
        connection.request("POST", "/vault/v1/resolve/person", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        took = time.perf_counter() - started
        if number >= 50:
            times[kind].append(took)
            document = json.loads(said)
            document["trace_id"] = len(document["trace_id"])
            bodies.add((answer.status, len(said), json.dumps(document)))
    return times, bodies


def separability(one, other):
    """AUC of a learnt likelihood ratio, on calls that it has not seen; 0.5 is a coin."""
    learn, judge = (one[::2], other[::2]), (one[1::2], other[1::2])
    cuts = [sorted([*learn[0], *learn[1]])[n] for n in _quantiles(len(learn[0]) + len(learn[1]))]
    counts = [[1.0] * (len(cuts) + 1) for _ in range(2)]
    for side, values in enumerate(learn):
        for value in values:
            counts[side][bisect.bisect(cuts, value)] += 1
    ratio = [
        math.log(b / len(learn[1])) - math.log(a / len(learn[0]))
        for a, b in zip(*counts, strict=True)
    ]
    scores = [[ratio[bisect.bisect(cuts, value)] for value in values] for values in judge]
    return auc(*scores)


def _quantiles(size):
    return [size * n // 30 for n in range(1, 30)]


def auc(zeros, ones):
    """How often a score of `ones` is above one of `zeros`, ties counting half."""
    ranked = sorted([(score, 0) for score in zeros] + [(score, 1) for score in ones])
    total, place = 0.0, 0
    while place < len(ranked):
        end = place
        while end < len(ranked) and ranked[end][0] == ranked[place][0]:
            end += 1
        total += sum(side for _, side in ranked[place:end]) * (place + end + 1) / 2
        place = end
    n, m = len(ones), len(zeros)
    return (total - n * (n + 1) / 2) / (n * m)


class Leak:
    """ASGI middleware: more work for whoever asks for it, as a wrong implementation would do."""

    def __init__(self, app, seconds):
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope, receive, send):
        """Serve one request."""
        if scope["type"] == "http" and any(name == b"x-leak" for name, _ in scope["headers"]):
            end = time.perf_counter() + self.seconds
            while time.perf_counter() < end:
                pass
        await self.app(scope, receive, send)


def app():
    """The vault of the environment, with the leak that it names planted inside the steps."""
    leak = float(os.environ.pop("ORACLE_LEAK", "0"))
    made = create_app()
    if leak:
        made.user_middleware.append(Middleware(Leak, seconds=leak))
    return made


@contextlib.contextmanager
def _vault(home, step, leak):
    """Port of a vault in a process of its own, a clinician's key, and persons with records."""
    home.chmod(0o755)  # PostgreSQL runs as another user under root
    many = {"USER_MINUTE": "1000000", "USER_DAY": "1000000", "USER_SUBJECTS": "1000000",
            "POOL_TARGET": str(2 * LINKED), "POOL_INTERVAL": "0.1", "STEP": str(step)}  # fmt: skip
    desk.FACTORIES = {**desk.FACTORIES, "vault": "vault_oracle:app"}
    usual = desk._environment  # noqa: SLF001  the desk has no door for a service that is not its own

    def environment(running, service):
        found = usual(running, service)
        here = str(Path(__file__).parent)
        found["PYTHONPATH"] = f"{found['PYTHONPATH']}:{here}"
        return found | ({"ORACLE_LEAK": str(leak)} if service == "vault" else {})

    desk._environment = environment  # noqa: SLF001
    try:
        base = desk.free_port_base()
        with desk.running(home, base, {"vault": many}) as running:
            url = running.database("vault", "migrator")
            keys = {}
            for role in ("registrar", "clinician"):
                user_id = issue.user(url, role, frozenset({role}))
                keys[role] = str(issue.key(
                    url, "vault", "main", label=role, scopes=frozenset({"vault:use"}),
                    life=timedelta(days=1), user_id=user_id,
                ))  # fmt: skip
            linked = [uuid4() for _ in range(LINKED)]
            with connect(running.url("vault"), keys["registrar"], timeout=60) as client:
                for person in linked:
                    _link(client, person)
            yield base + desk.OFFSETS["vault"], keys["clinician"], linked
    finally:
        desk._environment = usual  # noqa: SLF001


def _link(client, person):
    while True:
        try:
            return wire.link(client, person)
        except Unavailable:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
