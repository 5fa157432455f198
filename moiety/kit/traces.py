"""The spans of a request; nothing where no collector is set (`collector.py` sends them)."""

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moiety.kit.collector import Collector

_NOTHING: AbstractContextManager[Any] = nullcontext()
_collector: ContextVar["Collector | None"] = ContextVar("collector", default=None)


def request_span(collector: "Collector | None", method: str) -> AbstractContextManager[Any]:
    """The span of a whole request, the root of its trace and of the spans inside it."""
    _collector.set(collector)
    return collector.request(method) if collector else _NOTHING


def name_request(found: Any, *, method: str, route: str, status: int) -> None:
    """Name a request's span by its route's template and note its status."""
    if found is not None:
        found.update_name(f"{method} {route}")
        found.set_attributes({"route": route, "status": status})


def span(name: str, **facts: str | int) -> AbstractContextManager[Any]:
    """A part of the request, timed; `name` is one of `collector.SPANS`."""
    collector = _collector.get()
    return collector.part(name, facts) if collector else _NOTHING
