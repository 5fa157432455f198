"""Spans to an OpenTelemetry collector, which can't carry a record's value.

A trace ends at the service's own door: no id of it is taken from a request and none is sent with
one, since an id that two services share joins what the databases keep apart.  What leaves passes
one filter: a span has a listed name or its route's template, facts of the same list as the logs,
and no events, links or messages, where libraries put the texts of errors.  There is no switch that
turns this off.

Needs the extra `traces`; nothing imports this module unless a collector is set.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, Status

from moiety import __version__
from moiety.kit.logs import keep_only_known_facts

SPANS = frozenset({"commit", "prepare", "query"})
"""The names of spans inside a request; the request's own is named by its method and template."""


class Collector:
    """The spans of one service, sent to `url` (OTLP over HTTP).

    `trace_id` names the request being served in 32 hexadecimal digits, so that the id in an error's
    answer finds its trace.
    """

    def __init__(self, service: str, url: str, trace_id: Callable[[], str]) -> None:
        # Not Resource.create: it would add what the environment says of this machine.
        self._provider = TracerProvider(
            resource=Resource({"service.name": service, "service.version": __version__}),
            id_generator=_OfTheRequest(trace_id),
            shutdown_on_exit=False,
        )
        exporter = OnlyKnownFacts(OTLPSpanExporter(endpoint=url))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(service)

    def request(self, method: str) -> AbstractContextManager[Span]:
        """The span of a request; its context is empty, whatever the client sent."""
        return self._tracer.start_as_current_span(
            method, context=Context(), kind=SpanKind.SERVER, attributes={"method": method},
            record_exception=False, set_status_on_exception=False,
        )  # fmt: skip

    def part(self, name: str, facts: Mapping[str, str | int]) -> AbstractContextManager[Span]:
        """The span of a part of the request."""
        return self._tracer.start_as_current_span(
            name, attributes=facts, record_exception=False, set_status_on_exception=False
        )

    def close(self) -> None:
        """Send what waits, and stop."""
        self._provider.shutdown()


class OnlyKnownFacts(SpanExporter):
    """The one door: `exporter`, given of each span only what the lists allow."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans, sifted."""
        return self._exporter.export([_sifted(one) for one in spans])

    def shutdown(self) -> None:
        """Stop."""
        self._exporter.shutdown()


def _sifted(span: ReadableSpan) -> ReadableSpan:
    facts = keep_only_known_facts(None, "", {"event": "", **(span.attributes or {})})
    facts.pop("event")
    asked = f"{facts.get('method')} {facts.get('route')}"
    return ReadableSpan(
        name=span.name if span.name in SPANS or span.name == asked else "unnamed",
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=facts,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )


class _OfTheRequest(RandomIdGenerator):
    """Trace ids that the request has already; span ids at random."""

    def __init__(self, trace_id: Callable[[], str]) -> None:
        self._trace_id = trace_id

    def generate_trace_id(self) -> int:
        known = self._trace_id()
        return int(known, 16) if known else super().generate_trace_id()
