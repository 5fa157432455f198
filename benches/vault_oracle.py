"""Can a caller who is refused tell why, by how long it took?

    python benches/vault_oracle.py [--calls 10000] [--step 0.05] [--control-calls 3000]

Three kinds of question in random order, one at a time over one connection, of a vault in a process
of its own, with trail, limits and policy on:

    unknown     a clinician asks for care about a person who has no record
    forbidden   the same about a person with a record, for a purpose that is not given
    erased      a clinician asks for care about a person whose link was shredded

All answers must be equal but for their trace id.  A classifier (a likelihood ratio over thirty
quantiles of the time, learnt on every other call) is then asked to tell each pair apart; its AUC
on the calls it has not seen is the result.  0.5 is a coin, whose AUC over 10,000 calls of three
kinds varies by about 0.01.

What defends is two things: the same work for each kind, and steps of time.  So there are four runs:

    both            the vault as it is: at most 0.53
    work alone      the steps off
    steps alone     the work as a service would do it that answers as soon as it knows, steps on
    neither         the same without the steps: the control, which must tell them apart (0.95)

The control replaces `links.resolve_each` in the bench's own process: it refuses what no
standing would allow before it looks, writes down only what it found, and remembers whom it erased.

Results: benches/results/vault_oracle.jsonl.
"""

# ruff: noqa: SLF001  what defends has no door by which it could be switched off

import argparse
import bisect
import contextlib
import http.client
import itertools
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

from linkage_vault import decisions, erasure, link_pairs, links
from linkage_vault.app import create_app
from linkage_vault.policy import Facts
from moiety.commands import desk, issue
from moiety.kit.errors import Forbidden, Unavailable
from moiety.wire import linking
from moiety.wire import vault as wire
from moiety.wire.exchange import connect

KINDS = ("unknown", "forbidden", "erased")
PAIRS = tuple(itertools.combinations(KINDS, 2))
RESULTS = Path(__file__).parent / "results/vault_oracle.jsonl"
LINKED = 200
REASON = "Oracle bench, nobody real"


def main():
    """Measure with each defence on and off; exit 1 over the bound, or with a blind classifier."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=10_000)
    arguments.add_argument("--step", type=float, default=0.05)
    arguments.add_argument("--control-calls", type=int, default=3000)
    arguments.add_argument("--only", help="one run: neither, 'work alone', 'steps alone' or both")
    given = arguments.parse_args()
    found = {}
    for name, step, naive, calls in (
        ("neither", 0.0, True, given.control_calls),
        ("work alone", 0.0, False, given.control_calls),
        ("steps alone", given.step, True, given.control_calls),
        ("both", given.step, False, given.calls),
    ):
        if given.only in {None, name}:
            found[name] = one_run(name, step, naive, calls)
    if given.only:
        return
    worst, control = max(found["both"].values()), max(found["neither"].values())
    print(f"AUC with both defences at most {worst:.3f}, in the control up to {control:.3f}")
    sys.exit(0 if worst <= 0.53 and control >= 0.95 else 1)


def one_run(name, step, naive, calls):
    """The AUC of each pair."""
    with (
        tempfile.TemporaryDirectory(prefix="moiety-oracle-") as home,
        _vault(Path(home), step, naive) as (port, key, linked, erased),
    ):
        times, bodies = measure(port, key, linked, erased, calls)
    aucs = {f"{a} / {b}": separability(times[a], times[b]) for a, b in PAIRS}
    row = {
        "at": time.strftime("%Y-%m-%d"), "run": name, "step_ms": step * 1000, "calls": calls,
        "load": [round(one, 2) for one in os.getloadavg()],
        "median_ms": {k: round(statistics.median(v) * 1000, 3) for k, v in times.items()},
        "auc": {pair: round(auc, 4) for pair, auc in aucs.items()}, "answers": len(bodies),
    }  # fmt: skip
    print(json.dumps(row), flush=True)
    assert len(bodies) == 1, bodies
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
    return aucs


def measure(port, key, linked, erased, calls):
    """Seconds of each kind, and the different answers there were."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times, bodies = {kind: [] for kind in KINDS}, set()
    order = [KINDS[n % 3] for n in range(calls)]
    random.shuffle(order)
    for number, kind in enumerate([*order[:50], *order]):
        person = {"unknown": uuid4, "forbidden": lambda: random.choice(linked),
                  "erased": lambda: random.choice(erased)}[kind]()  # fmt: skip
        purpose = "HRESCH" if kind == "forbidden" else "TREAT"
        body = json.dumps({"person_id": str(person), "purpose_of_use": purpose})
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
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


def app():
    """The vault of the environment; where it says so, one that answers as soon as it knows."""
    if os.environ.pop("ORACLE_NAIVE", ""):
        _answer_at_once()
    return create_app()


def _answer_at_once():
    """What the vault must not do: refuse before it looks, write down only what was found."""
    gone = set()
    erase = erasure._erase

    def remembering(vault, task_id, request):
        with vault.engine.connect() as connection:
            pair = link_pairs.find_pair(connection, vault.keys, "ehr", request.ehr_id)
        gone.add(pair.person_id)
        return erase(vault, task_id, request)

    everything = dict.fromkeys(("person", "care", "grant", "approved", "broken"), True)

    def answer(vault, case):
        ask = case.asks[0]
        if not decisions.is_allowed(case.requester, ask, Facts(ask.purpose.value, **everything)):
            return Forbidden(decisions.REFUSED)
        verdict = decisions.weigh_all(vault, [case])[0]
        if not verdict.allowed:
            return verdict.error()
        with vault.engine.connect() as connection:
            found = link_pairs.look(connection, vault.keys, [("person", ask.subject)])
        if ask.subject in gone:
            decisions.write_down(vault, case.requester, ask, outcome="erased", verdict=verdict)
        if not found:
            return Forbidden(decisions.REFUSED)
        decisions.write_down(vault, case.requester, ask, outcome="allowed", verdict=verdict)
        with vault.engine.connect() as connection:
            (opened,) = link_pairs.open_found(connection, vault.keys, found).values()
        return opened

    erasure._erase = remembering
    links.resolve_each = lambda vault, cases: [answer(vault, case) for case in cases]


@contextlib.contextmanager
def _vault(home, step, naive):
    """Port of a vault in a process of its own, a clinician's key, persons with records, and
    persons whose links were shredded.
    """
    home.chmod(0o755)  # PostgreSQL runs as another user under root
    many = {"USER_MINUTE": "1000000", "USER_DAY": "1000000", "USER_SUBJECTS": "1000000",
            "POOL_TARGET": str(3 * LINKED), "POOL_INTERVAL": "0.1", "STEP": str(step)}  # fmt: skip
    desk.FACTORIES = {**desk.FACTORIES, "vault": "vault_oracle:app"}
    usual = desk._environment

    def environment(running, service):
        found = usual(running, service)
        here = str(Path(__file__).parent)
        found["PYTHONPATH"] = f"{found['PYTHONPATH']}:{here}"
        return found | ({"ORACLE_NAIVE": "1"} if service == "vault" and naive else {})

    desk._environment = environment
    try:
        base = desk.free_port_base()
        with desk.running(home, base, {"vault": many}) as running:
            url = running.database("vault", "migrator")
            keys = {}
            for role in ("registrar", "clinician", "linkage_officer", "approver"):
                user_id = issue.user(url, role, frozenset({role}))
                keys[role] = str(issue.key(
                    url, "vault", "main", label=role, scopes=frozenset({"vault:use"}),
                    life=timedelta(days=1), user_id=user_id,
                ))  # fmt: skip
            linked, erased = ([uuid4() for _ in range(LINKED)] for _ in range(2))
            with contextlib.ExitStack() as clients:
                registrar, officer, approver = (
                    clients.enter_context(connect(running.url("vault"), keys[role], timeout=60))
                    for role in ("registrar", "linkage_officer", "approver")
                )
                for person in linked:
                    _link(registrar, person)
                for person in erased:
                    ehr_id = _link(registrar, person)
                    task_id = linking.erase(officer, ehr_id, mode="shred", reason=REASON)
                    linking.consent_to_erasure(approver, task_id)
            yield base + desk.OFFSETS["vault"], keys["clinician"], linked, erased
    finally:
        desk._environment = usual


def _link(client, person):
    while True:
        try:
            return wire.link(client, person)
        except Unavailable:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
