"""Logs, metrics and traces hold nothing of a record, whatever a request carries."""

import gzip
import json
import random
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clinical_api.app import create_app
from clinical_api.settings import Settings
from moiety.commands.demo import records
from moiety.kit import collector, traces
from tests.fixtures.fix_services import served

TEMPLATES = Path(__file__).parents[2] / "moiety/commands/demo/templates"
WORD = "Zyxquill"
"""Stands in every place of a request that a client fills."""


@contextmanager
def receiving():
    """A real OTLP receiver on the loopback; the requests that came, decoded."""
    found = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def spans(requests):
    """All spans of what was received."""
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def every_walk(service):
    """Requests of every kind, good and bad, with WORD and a known id in all of them."""
    headers = {
        "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "tracestate": f"a={WORD}",
        "baggage": f"name={WORD}", "User-Agent": WORD, "Prefer": f"return={WORD}",
        "X-Request-Id": WORD,
    }  # fmt: skip
    with service.client() as client:
        client.headers.update(headers)
        for file in sorted(TEMPLATES.glob("*.opt")):
            client.post(
                "/openehr/v1/definition/template/adl1.4", content=file.read_bytes(),
                headers={"Content-Type": "application/xml"},
            ).raise_for_status()  # fmt: skip
        ehr = client.post("/openehr/v1/ehr").headers["ETag"].strip('"')
        tree = records.vital_signs(random.Random(1), datetime.now(UTC))
        tree["composer"]["name"] = WORD
        base = f"/openehr/v1/ehr/{ehr}/composition"
        uid = client.post(base, json=tree).raise_for_status().headers["ETag"].strip('"')
        client.get(f"{base}/{uid}").raise_for_status()
        client.put(f"{base}/{uid.split('::')[0]}", json=tree, headers={"If-Match": uid})
        tree["content"][0]["data"]["origin"]["value"] = WORD
        assert 400 == client.post(base, json=tree).status_code
        assert 400 == client.post(base, content=f'{{"{WORD}": "{WORD}').status_code
        asked = {
            "q": "SELECT c/composer/name FROM EHR e CONTAINS COMPOSITION c"
            f" WHERE c/composer/name = '{WORD}'"
        }
        assert [[WORD]] == client.post("/openehr/v1/query/aql", json=asked).json()["rows"]
        assert 400 == client.post("/openehr/v1/query/aql", json={"q": WORD}).status_code
        client.get("/openehr/v1/query/aql", params={"q": WORD})
        client.get(f"/openehr/v1/ehr/{WORD}")
        client.get(f"/{WORD}", params={WORD: WORD})
        client.request(WORD.upper(), f"/openehr/v1/ehr/{ehr}")
        metrics = client.get("/metrics").text
    with httpx.Client(base_url=service.url, trust_env=False) as stranger:
        stranger.get(f"/openehr/v1/ehr/{ehr}", headers={"Authorization": f"Bearer {WORD}"})
    return metrics, (WORD, WORD.upper(), ehr, uid.split("::")[0], "ab" * 16)


def told(service_database, capfd):
    """What logs, metrics and traces said of every walk, and the words they must not say."""
    with receiving() as (url, requests):
        settings = Settings(database_url=service_database.url(), new_ehrs="visible", traces_url=url)
        with served("clinical", create_app(settings), service_database) as service:
            metrics, words = every_walk(service)
            service.app.state.organisations.engine("main").dispose()
    output = capfd.readouterr()
    return {
        "logs": output.err + output.out,
        "metrics": metrics,
        "traces": "\n".join(str(request) for request in requests),
    }, words, spans(requests)  # fmt: skip


def test_logs_metrics_and_traces_hold_no_value_of_any_request(clinical_database, capfd):
    """Neither a word nor an id that a client sent or was given stands in any of the three."""
    said, words, found = told(clinical_database, capfd)
    assert len(found) > 20
    for place, text in said.items():
        for word in words:
            assert word not in text, f"{place} hold a value"
    trace_ids = {span.trace_id.hex() for span in found}
    assert "ab" * 16 not in trace_ids
    names = {span.name for span in found}
    assert "POST /openehr/v1/ehr/{ehr_id}/composition" in names
    assert names >= {"commit", "prepare", "query"}


def test_with_the_filter_off_a_planted_value_is_found(clinical_database, capfd, monkeypatch):
    """The control: the same search finds what a careless line puts into a span."""
    monkeypatch.setattr(collector, "_sifted", lambda span: span)
    careless = traces.name_request

    def plant(found, *, method, route, status):
        careless(found, method=method, route=route, status=status)
        found.set_attribute("user", WORD)
        found.add_event(WORD)

    monkeypatch.setattr(traces, "name_request", plant)
    said, words, _ = told(clinical_database, capfd)
    assert words[0] in said["traces"]


def test_the_filter_takes_out_what_a_careless_line_puts_in(clinical_database, capfd, monkeypatch):
    """Attributes, events, links, names and messages that are not on the lists never leave."""
    careless = traces.name_request

    def plant(found, *, method, route, status):
        careless(found, method=method, route=route, status=status)
        found.set_attribute("user", WORD)
        found.set_attribute("count", WORD)
        found.add_event(WORD, {"value": WORD})
        found.record_exception(ValueError(WORD))
        found.update_name(WORD)

    monkeypatch.setattr(traces, "name_request", plant)
    said, words, found = told(clinical_database, capfd)
    assert words[0] not in said["traces"]
    assert "unnamed" in {span.name for span in found}


def test_an_error_s_trace_id_finds_its_trace(clinical_database):
    """The id in the body of an error is the id of the span, and every request has its own."""
    with receiving() as (url, requests):
        settings = Settings(database_url=clinical_database.url(), traces_url=url)
        with (
            served("clinical", create_app(settings), clinical_database) as service,
            service.client() as client,
        ):
            answers = [client.get(f"/openehr/v1/ehr/{uuid4()}") for _ in range(3)]
    ids = [json.loads(answer.content)["trace_id"] for answer in answers]
    assert 3 == len(set(ids))
    assert set(ids) <= {span.trace_id.hex() for span in spans(requests)}


def test_a_collector_that_is_away_costs_no_request(clinical_database):
    """Spans are sent beside the work: nobody waits for them."""
    settings = Settings(
        database_url=clinical_database.url(), traces_url="http://127.0.0.1:9/v1/traces"
    )
    started = time.monotonic()
    with (
        served("clinical", create_app(settings), clinical_database) as service,
        service.client() as client,
    ):
        assert 200 == client.get("/health").status_code
        assert time.monotonic() - started < 5


SPANS = """
import asyncio, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from fastapi import FastAPI
import httpx, sqlalchemy as sa
from moiety.kit import app, credentials
from moiety.kit.database import Organisations

told = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(told))
trace.set_tracer_provider(provider)


async def spans(asked):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asked), base_url="http://x") as http:
        await http.get("/anything")
    found = len(told.get_finished_spans())
    told.clear()
    return found


ours = app.create(
    "ours", service="test", organisations=Organisations({}, connections=1), threads=100,
    body_limit=1, keys=credentials.table(sa.MetaData()), routes=app.tree(),
)
print(asyncio.run(spans(FastAPI())), asyncio.run(spans(ours)))
"""


def test_the_framework_sends_no_telemetry_of_its_own():
    """A process with a tracer for everybody: FastAPI alone makes a span of a request, which tells
    its path; a service makes none.
    """
    run = [sys.executable, "-c", SPANS]
    told = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert ["1", "0"] == told
