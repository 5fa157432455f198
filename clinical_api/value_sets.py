"""Codes whose value set a template only names: a FHIR terminology server is asked beforehand.

Validation itself asks nobody.  It runs once, and what it would have had to ask is noted; that is
asked, in a thread; then it runs again and knows.  An answer is kept for some minutes, so most
documents are validated once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

import structlog
from anyio.to_thread import run_sync

from clinical_api.settings import Settings
from moiety.kit.errors import ServiceError, Unavailable, Unprocessable
from moiety.kit.keeping import Keeping
from moiety.wire import terminology
from moiety.wire.terminology import FhirServer, ValueSetRef

T = TypeVar("T")
_KEPT_SECONDS = 300.0
_KEPT_MOST = 20_000
_MOST_ASKED = 200


class Code(NamedTuple):
    """A code of a document, and the value set that its template demands."""

    value_set: str
    terminology: str
    code: str


_unasked: ContextVar[dict[Code, ValueSetRef] | None] = ContextVar("unasked", default=None)


class ValueSets:
    """What a process knows of value sets held elsewhere."""

    def __init__(self, server: FhirServer, settings: Settings) -> None:
        self.server = server
        self._accept = settings.terminology_away == "accept"
        self._known: Keeping[bool | None] = Keeping(seconds=_KEPT_SECONDS, most=_KEPT_MOST)

    def member(self, value_set: str, system: str, code: str) -> bool | None:
        """Whether a code belongs to a value set, for moiety.openehr; None while nobody knows."""
        if not system or not code:
            return None
        asked = Code(value_set, system, code)
        known = self._known.get(asked, None)
        unasked = _unasked.get()
        if known is None and unasked is not None and asked not in unasked:
            named = terminology.reference(value_set)
            if named is not None:  # an ac-code, a set of another kind of server: nobody can say
                unasked[asked] = named
        return known

    async def settled(self, prepare: Callable[[], T]) -> T:
        """What `prepare` makes when all codes are known; see `settled_here`."""
        with _noting() as unasked:
            made = prepare()
        if not unasked:
            return made
        await run_sync(self._ask, unasked)
        return prepare()

    def settled_here(self, prepare: Callable[[], T]) -> T:
        """As `settled`, in a thread.

        What is wrong without asking is told first.  Raises Unavailable where the server is away
        and Unprocessable where it does not know a value set, unless the settings accept that.
        """
        with _noting() as unasked:
            made = prepare()
        if not unasked:
            return made
        self._ask(unasked)
        return prepare()

    def _ask(self, unasked: dict[Code, ValueSetRef]) -> None:
        if len(unasked) > _MOST_ASKED:
            raise Unprocessable(
                f"The document has over {_MOST_ASKED} codes that a terminology server must be"
                " asked for."
            )
        for asked, named in unasked.items():
            try:
                found = terminology.is_member(self.server, named, asked.terminology, asked.code)
            except (Unavailable, Unprocessable) as error:
                self._excuse(error, asked)
            else:
                self._known.put(asked, found)

    def _excuse(self, error: ServiceError, asked: Code) -> None:
        """Let a code pass that can't be asked for, if the settings accept it."""
        if not self._accept:
            finding = {"path": "", "rule": "value set", "expected": f"a code of {asked.value_set}"}
            raise type(error)(error.message, findings=[finding]) from None
        structlog.get_logger().warning("code not validated", error_kind=type(error).__name__)


async def settled(value_sets: ValueSets | None, prepare: Callable[[], T]) -> T:
    """What `prepare` makes; without a terminology server nothing is asked."""
    return prepare() if value_sets is None else await value_sets.settled(prepare)


def settled_here(value_sets: ValueSets | None, prepare: Callable[[], T]) -> T:
    """As `settled`, in a thread."""
    return prepare() if value_sets is None else value_sets.settled_here(prepare)


@contextmanager
def _noting() -> Iterator[dict[Code, ValueSetRef]]:
    """What validation has to ask, while it runs here."""
    unasked: dict[Code, ValueSetRef] = {}
    token = _unasked.set(unasked)
    try:
        yield unasked
    finally:
        _unasked.reset(token)
