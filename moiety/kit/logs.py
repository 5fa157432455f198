"""Structured logging that can't carry a record's value.

One event is a name and a few facts whose *names* are on the list below.  The list is short on
purpose: paths with their parameters taken out, kinds, counts, durations, ids of requests.  No id of
a person, a record or an event is on it, since equal ids or exact times in two services' logs join
what the databases keep apart.  A fact that is not on the list is dropped, and its name counted.
There is no switch that turns this off.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

FACTS: Mapping[str, type | tuple[type, ...]] = {
    "service": str,
    "organisation": str,
    "trace_id": str,
    "method": str,
    "route": str,
    "status": int,
    "milliseconds": (int, float),
    "code": str,
    "error_kind": str,
    "place": str,
    "count": int,
    "size": int,
    "attempt": int,
    "port": int,
    "version": str,
    "peer": str,
}
_LONGEST = 200


def keep_only_known_facts(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every fact that is not on the list, or not of its type; say how many were dropped."""
    kept: dict[str, Any] = {k: event[k] for k in ("event", "level", "timestamp") if k in event}
    dropped = 0
    for name, value in event.items():
        if name in kept:
            continue
        if name in FACTS and isinstance(value, FACTS[name]):
            kept[name] = value[:_LONGEST] if isinstance(value, str) else value
        else:
            dropped += 1
    if dropped:
        kept["dropped"] = dropped
    return kept


def configure(service: str) -> None:
    """Send our events, and those of the libraries under us, to stderr as one JSON line each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_only_known_facts,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # The stream of the moment: the one of now may be closed before the process ends.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


class _Libraries(logging.Handler):
    """A library's message may hold anything, parameters included: keep only its place."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        log = structlog.get_logger()
        log.warning("library", place=f"{record.name}:{record.funcName}", error_kind=kind)
