"""Sync or async?  The same durable commit behind four servers, interleaved, medians over rounds.

    python benches/sync_or_async.py [--rounds 3] [--seconds 4] [--clients 32]

Each server takes a JSON body, decodes it with msgspec and stores it in one row:

    sync          `def` route in the thread pool, connection from a pool
    async         `async def` route, psycopg AsyncConnection from a pool of the same size
    async+queue   `async def` route that awaits moiety.kit.commits (concurrent commits share a
                  COMMIT)

Needs `wrk` (Debian: wrk).  docs/decisions/0003 quotes it.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import psycopg
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request

from moiety import embedded
from moiety.kit.commits import Commit, CommitQueue, Step

ITEMS = [{"name": f"n{i}", "value": i * 1.5, "text": "x" * 60} for i in range(48)]
BODY = {"_type": "X", "items": ITEMS}
INSERT = "INSERT INTO bench VALUES (%s, %s)"
SERVERS = {
    "sync": "app_sync",
    "async": "app_async",
    "async+queue": "app_async_queue",
}


async def read(request: Request) -> bytes:
    """The body, read before a `def` route starts."""
    return await request.body()


Body = Annotated[bytes, Depends(read)]


def app_sync():
    """A thread and a connection for each request."""
    engine = sa.create_engine(_url(), pool_size=16, max_overflow=0)
    app = FastAPI()

    @app.post("/")
    def store(body: Body):
        msgspec.json.decode(body)
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            driver.execute(INSERT, (uuid.uuid4(), body))
            driver.commit()
        return {}

    return app


def app_async():
    """A connection for each request, no thread."""
    free: asyncio.Queue = asyncio.Queue()

    @asynccontextmanager
    async def lifespan(_app):
        for _ in range(16):
            url = os.environ["BENCH_URL"]
            free.put_nowait(await psycopg.AsyncConnection.connect(url))
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def store(request: Request):
        body = await request.body()
        msgspec.json.decode(body)
        connection = await free.get()
        try:
            await connection.execute(INSERT, (uuid.uuid4(), body))
            await connection.commit()
        finally:
            free.put_nowait(connection)
        return {}

    return app


def app_async_queue():
    """No thread for a request, two connections for all."""
    queue = CommitQueue(os.environ["BENCH_URL"])
    app = FastAPI()

    @app.post("/")
    async def store(request: Request):
        body = await request.body()
        msgspec.json.decode(body)
        await queue.run(_commit(body))
        return {}

    return app


def _commit(body):
    key = uuid.uuid4()
    step = Step("INSERT INTO bench VALUES (%(key)s, %(body)s)", {"key": key, "body": body})
    return Commit(key, (step,), lambda _: None, step, key)


def _url():
    return os.environ["BENCH_URL"].replace("postgresql:", "postgresql+psycopg:")


def measure(factory, options, script, port):
    """Requests a second of one server, by wrk."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    uvicorn = [sys.executable, "-m", "uvicorn", "--factory", f"sync_or_async:{factory}"]
    server = subprocess.Popen(
        [*uvicorn, "--port", str(port), "--log-level", "error"],
        cwd=Path(__file__).parent,
        env=environment,
    )
    try:
        time.sleep(2.5)
        load = ["-t1", f"-c{options.clients}", f"-d{options.seconds}s", "-s", script]
        command = ["wrk", *load, f"http://127.0.0.1:{port}/"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        server.terminate()
        server.wait()
    if "Non-2xx" in said:
        raise SystemExit(said)
    return float(next(line.split()[1] for line in said.splitlines() if "Requests/sec" in line))


def rounds(options, script):
    """Rates of every server, one after the other in each round."""
    rates = {name: [] for name in SERVERS}
    for number in range(options.rounds):
        for place, (name, factory) in enumerate(SERVERS.items()):
            port = 18100 + 10 * number + place
            rates[name].append(measure(factory, options, script, port))
    return rates


def main():
    """Run the rounds and print the medians and their ratios to `sync`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    body = json.dumps(BODY)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server's own user has to walk through it
        script = Path(folder) / "post.lua"
        script.write_text(
            f"wrk.method='POST'\nwrk.body={body!r}\n"
            "wrk.headers['Content-Type']='application/json'\n"
        )
        with embedded.running(Path(folder) / "state") as cluster:
            os.environ["BENCH_URL"] = cluster.url("postgres", "postgres")
            with psycopg.connect(os.environ["BENCH_URL"]) as connection:
                connection.execute("CREATE TABLE bench (id uuid PRIMARY KEY, body bytea)")
            rates = rounds(options, str(script))
    base = statistics.median(rates["sync"])
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}")
    print(f"body {len(body)} octets, {options.clients} clients")
    print(f"{options.rounds} rounds of {options.seconds} s; load {os.getloadavg()}")
    for name, values in rates.items():
        median = statistics.median(values)
        spread = [round(value) for value in values]
        print(f"{name:12} {median:8.0f} req/s   {median / base:5.2f} x sync   {spread}")


if __name__ == "__main__":
    main()
