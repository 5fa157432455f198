"""Sync or async?  The same durable commit behind four servers, interleaved, medians over rounds.

    python benches/sync_or_async.py [--rounds 3] [--seconds 4] [--clients 32]

Each server takes a JSON body, decodes it with msgspec and stores it in one row:

    sync          `def` route in the thread pool, psycopg connection from a pool
    async         `async def` route, psycopg AsyncConnection from a pool of the same size
    sync+queue    `def` route that waits on moiety.kit.commits (concurrent commits share a COMMIT)
    async+queue   `async def` route that awaits the same queue

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
from pathlib import Path

import msgspec

BODY = {"_type": "X", "items": [{"name": f"n{i}", "value": i * 1.5, "text": "x" * 60} for i in range(48)]}
INSERT = "INSERT INTO bench VALUES (%s, %s)"


def app_sync():
    import sqlalchemy as sa
    from fastapi import Depends, FastAPI, Request

    engine = sa.create_engine(_url(), pool_size=16, max_overflow=0)
    app = FastAPI()

    async def body(request: Request) -> bytes:
        return await request.body()

    @app.post("/")
    def store(text: bytes = Depends(body)):
        msgspec.json.decode(text)
        with engine.connect() as c:
            c.connection.driver_connection.execute(INSERT, (uuid.uuid4(), text))
            c.connection.driver_connection.commit()
        return {}

    return app


def app_async():
    from contextlib import asynccontextmanager

    import psycopg
    from fastapi import FastAPI, Request

    free: asyncio.Queue = asyncio.Queue()

    @asynccontextmanager
    async def lifespan(_app):
        for _ in range(16):
            free.put_nowait(await psycopg.AsyncConnection.connect(_url().replace("+psycopg", "")))
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def store(request: Request):
        text = await request.body()
        msgspec.json.decode(text)
        c = await free.get()
        try:
            await c.execute(INSERT, (uuid.uuid4(), text))
            await c.commit()
        finally:
            free.put_nowait(c)
        return {}

    return app


def _commit(text):
    from moiety.kit.commits import Commit

    key = uuid.uuid4()
    return Commit(key, lambda c: c.execute(INSERT, (key, text)).rowcount, lambda c: None)


def _queue():
    import sqlalchemy as sa

    from moiety.kit.commits import CommitQueue

    return CommitQueue(sa.create_engine(_url(), pool_size=4))


def app_sync_queue():
    from fastapi import Depends, FastAPI, Request

    queue = _queue()
    app = FastAPI()

    async def body(request: Request) -> bytes:
        return await request.body()

    @app.post("/")
    def store(text: bytes = Depends(body)):
        msgspec.json.decode(text)
        queue.submit(_commit(text)).result()
        return {}

    return app


def app_async_queue():
    from fastapi import FastAPI, Request

    queue = _queue()
    app = FastAPI()

    @app.post("/")
    async def store(request: Request):
        text = await request.body()
        msgspec.json.decode(text)
        await asyncio.wrap_future(queue.submit(_commit(text)))
        return {}

    return app


def _url():
    return os.environ["BENCH_URL"].replace("postgresql:", "postgresql+psycopg:")


NAMES = {"sync": "app_sync", "async": "app_async", "sync+queue": "app_sync_queue", "async+queue": "app_async_queue"}


def measure(factory, options, lua, port):
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--factory", f"sync_or_async:{factory}", "--port", str(port),
         "--log-level", "error"], cwd=Path(__file__).parent, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
    try:
        time.sleep(2.5)
        out = subprocess.run(
            ["wrk", "-t1", f"-c{options.clients}", f"-d{options.seconds}s", "-s", lua, f"http://127.0.0.1:{port}/"],
            capture_output=True, text=True, check=True).stdout
    finally:
        server.terminate()
        server.wait()
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(next(line.split()[1] for line in out.splitlines() if "Requests/sec" in line))


def main():
    import psycopg

    from moiety import embedded

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    body = json.dumps(BODY)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua, tempfile.TemporaryDirectory() as state:
        Path(state).chmod(0o755)
        lua.write(f"wrk.method='POST'\nwrk.body={body!r}\nwrk.headers['Content-Type']='application/json'\n")
        lua.flush()
        with embedded.running(Path(state) / "pg") as cluster:
            os.environ["BENCH_URL"] = cluster.url("postgres", "postgres")
            with psycopg.connect(os.environ["BENCH_URL"]) as c:
                c.execute("CREATE TABLE bench (id uuid PRIMARY KEY, body bytea)")
            rates = {name: [] for name in NAMES}
            for round_ in range(options.rounds):
                for n, (name, factory) in enumerate(NAMES.items()):
                    rates[name].append(measure(factory, options, lua.name, 18100 + 10 * round_ + n))
    base = statistics.median(rates["sync"])
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};"
          f" body {len(body)} B, {options.clients} clients, {options.rounds} rounds x {options.seconds} s")
    for name, values in rates.items():
        print(f"{name:12} {statistics.median(values):8.0f} req/s   {statistics.median(values) / base:5.2f} x sync   {[round(v) for v in values]}")


if __name__ == "__main__":
    main()
