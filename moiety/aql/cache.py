"""Compiled queries by what they depend on.

A query is looked up by its skeleton (forms.py), the signatures of its values, and what its caller
may see; so one plan serves every EHR, every threshold and every page.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from moiety.aql.asides import with_clock
from moiety.aql.blanks import Given
from moiety.aql.compiled import Compiled
from moiety.aql.forms import Form, split
from moiety.aql.signatures import Unfit

FORMS: Final = 512
PLANS: Final = 64
_LONGEST: Final = 4096


class Context(NamedTuple):
    """What a plan depends on beside its query. `registry` is the version of the templates; two
    callers share a plan only with the same role and the same version of the same policy.
    """

    registry: Hashable
    role: str
    policy: Hashable
    extensions: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query as a client sends it. `page`: a limit and an offset from outside the text."""

    text: str
    parameters: Mapping[str, Any]
    page: tuple[int, int] | None = None


@dataclass(slots=True)
class _Known:
    form: Form
    plans: OrderedDict[Hashable, Compiled] = field(default_factory=OrderedDict)


class PlanCache:
    """The least used is forgotten first; safe to use from several threads."""

    def __init__(self) -> None:
        self._forms: OrderedDict[Hashable, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, query: Query, context: Context) -> tuple[Compiled, Given] | None:
        """The plan of a query, and the query's values for it."""
        told = split(query.text)
        key = (told.skeleton, query.page is None, context)
        known = self._forms.get(key)
        if known is None:
            return None
        try:
            parameters = with_clock(query.text, query.parameters)
            given, decides = known.form.read(told, parameters, query.page or ())
        except Unfit:
            return None
        with self._lock:
            compiled = known.plans.get(decides)
            if compiled is None or key not in self._forms:
                return None
            known.plans.move_to_end(decides)
            self._forms.move_to_end(key)
        return compiled, given

    def keep(self, query: Query, context: Context, compiled: Compiled) -> None:
        """Remember the plan that a query was compiled to."""
        told = split(query.text)
        key = (told.skeleton, query.page is None, context)
        parameters = with_clock(query.text, query.parameters)
        _, decides = compiled.form.read(told, parameters, query.page or ())
        if len(repr(decides)) > _LONGEST:  # values that are part of the plan would fill the cache
            return
        with self._lock:
            known = self._forms.get(key)
            if known is None or known.form != compiled.form:
                known = self._forms[key] = _Known(compiled.form)
            known.plans[decides] = compiled
            _shorten(known.plans, PLANS)
            self._forms.move_to_end(key)
            _shorten(self._forms, FORMS)


def _shorten(found: OrderedDict[Hashable, Any], most: int) -> None:
    while len(found) > most:
        found.popitem(last=False)
